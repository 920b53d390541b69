"""Keys: a new one takes over in batches beside running work, and none goes that is still needed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import CannotDecrypt, Conflict, NotFound
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Tokens
from moomarkets.installation import Installation
from moomarkets.services.keys import Keys
from moomarkets.services.token_box import StoredTokenBox, Ticket
from moomarkets.store import sealed, sources
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import replace_keyring_file
from moomarkets.store.seal import Place, key_id_of
from tests.moomarkets.conftest import OpenInstallation

KEY = Secret("k3y-0f-the-pr0vider")


def opened_with_key(open_installation: OpenInstallation, **given: Any) -> Installation:
    installation = open_installation(**given)
    installation.credentials.set("jquants", {"api_key": KEY})
    return installation


def fill(installation: Installation, count: int) -> None:
    """So many more users with a credential each."""
    source_id = installation.source_ids["jquants"]

    def work(connection: Connection) -> None:
        users = connection.execute(
            text("INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, :count) AS n RETURNING id"),
            {"count": count},
        )
        for (user_id,) in users.all():
            place = Place(str(user_id), str(source_id), sealed.CREDENTIALS_COLUMN)
            blob = installation.keyring.seal(json.dumps({"api_key": "k"}).encode(), place)
            sources.put_credential(connection, user_id, source_id, blob)

    installation.reads.perform(work)


def counts(keys: Keys) -> dict[str, int]:
    return {str(row["key_id"]): int(str(row["credentials"])) + int(str(row["tokens"])) for row in keys.list()}


def box_of(installation: Installation) -> StoredTokenBox:
    source_id = installation.source_ids["jquants"]
    kept = installation.reads.perform(lambda connection: sources.credential(connection, 1, source_id))
    assert kept is not None
    return StoredTokenBox(
        installation.reads, installation.keyring, Ticket(1, source_id, kept.updated_at), lambda _: None, uuid4
    )


def test_a_rotation_brings_every_credential_and_token_to_the_new_key(open_installation: OpenInstallation) -> None:
    installation = opened_with_key(open_installation)
    fill(installation, 230)
    box, keys = box_of(installation), installation.keys
    with box.renewing(CancelToken()):
        box.write(Tokens(refresh_token=Secret("r" * 20), id_token=Secret("i" * 20)))

    assert keys.new() == "k2"
    assert counts(keys) == {"k1": 233, "k2": 0}
    rotation = keys.rotate()

    assert (rotation.primary, rotation.resealed, rotation.left, rotation.unreadable) == ("k2", 231, 0, ())
    assert counts(keys) == {"k1": 0, "k2": 233}
    assert box.read().id_token == Secret("i" * 20)
    assert keys.verify().is_well
    assert keys.rotate().resealed == 0


def test_a_rotation_that_was_broken_off_is_taken_up_where_it_stopped(open_installation: OpenInstallation) -> None:
    installation = opened_with_key(open_installation)
    fill(installation, 150)
    installation.keys.new()
    keyring = installation.keyring.current()
    assert keyring is not None

    batch = installation.reads.perform(lambda connection: sealed.reseal(connection, keyring, 0))

    assert (batch.resealed, batch.is_over) == (100, False)
    assert counts(installation.keys) == {"k1": 51, "k2": 100}
    assert installation.keys.rotate().resealed == 51


def test_a_value_that_somebody_changes_meanwhile_is_not_undone(open_installation: OpenInstallation) -> None:
    installation = opened_with_key(open_installation)
    installation.keys.new()
    column = text("SELECT encrypted_credentials FROM data_source_credentials")
    change = text("UPDATE data_source_credentials SET encrypted_credentials = :newer")
    place = Place("1", str(installation.source_ids["jquants"]), sealed.CREDENTIALS_COLUMN)
    newer = installation.keyring.seal(b'{"api_key": "newer"}', place)

    with installation.reads.transaction() as connection, ThreadPoolExecutor(1) as pool:
        connection.execute(change, {"newer": newer})
        rotating = pool.submit(installation.keys.rotate)
        connection.commit()
        rotation = rotating.result(30)

    kept = installation.reads.perform(lambda connection: bytes(connection.execute(column).scalar_one()))
    assert rotation.left == 0
    assert kept == newer


def test_a_key_goes_when_nothing_needs_it_and_not_before(open_installation: OpenInstallation) -> None:
    installation = opened_with_key(open_installation)
    keys = installation.keys
    keys.new()

    with pytest.raises(Conflict, match="key k1: expected one that is not in use, got that of 1 credentials"):
        keys.remove("k1")
    with pytest.raises(Conflict, match="not the primary"):
        keys.remove("k2")
    with pytest.raises(NotFound, match="key k9 does not exist; there are: k1, k2"):
        keys.remove("k9")
    keys.rotate()
    keys.remove("k1")

    assert counts(keys) == {"k2": 1}
    assert keys.verify().is_well
    assert open_installation().credentials.holds("jquants", {"api_key": KEY})


def test_what_does_not_open_is_named_counted_and_left_as_it_is(
    open_installation: OpenInstallation, tmp_path: Path
) -> None:
    installation = opened_with_key(open_installation)
    column = text("SELECT encrypted_credentials FROM data_source_credentials")
    before = installation.reads.perform(lambda connection: bytes(connection.execute(column).scalar_one()))
    replace_keyring_file(tmp_path / "keys.json", Keyring.generate())

    keys = installation.keys
    found, rotation = keys.verify(), keys.rotate()

    assert not found.is_proved
    assert found.unreadable == ("jquants of user local: encrypted_credentials (key k1)",)
    assert rotation.unreadable == found.unreadable
    assert installation.reads.perform(lambda connection: bytes(connection.execute(column).scalar_one())) == before


def test_keys_of_the_environment_are_changed_there_and_rotated_here(
    open_installation: OpenInstallation, tmp_path: Path
) -> None:
    older = Keyring.generate()
    newer = older.with_new_key()
    installation = opened_with_key(open_installation, keys=older.to_text())

    with pytest.raises(Conflict, match="MOOMARKETS_KEYS; change it there: add a key of 32 random bytes in base64"):
        installation.keys.new()
    rotation = open_installation(keys=newer.to_text()).keys.rotate()

    assert (rotation.primary, rotation.resealed) == ("k2", 1)
    with pytest.raises(Conflict, match="after that the older key can go"):
        open_installation(keys=newer.to_text()).keys.remove("k1")
    assert not (tmp_path / "keys.json").exists()


def test_after_the_loss_of_the_keys_a_person_can_go_on_with_new_ones(
    open_installation: OpenInstallation, tmp_path: Path
) -> None:
    opened_with_key(open_installation)
    (tmp_path / "keys.json").unlink()
    installation = open_installation()

    with pytest.raises(CannotDecrypt, match="got none; put them back"):
        installation.keys.rotate()
    assert counts(installation.keys) == {"k1": 1}
    installation.credentials.set("jquants", {"api_key": KEY})

    assert counts(installation.keys) == {"k2": 1}
    assert not installation.keys.verify().is_proved
    installation.keys.rotate()
    assert installation.keys.verify().is_well


def test_a_key_that_seals_at_this_very_moment_is_put_back(
    open_installation: OpenInstallation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = opened_with_key(open_installation)
    late = open_installation()
    old = late.keyring.current()
    assert old is not None
    installation.keys.new()
    installation.keys.rotate()
    place = Place("1", str(installation.source_ids["jquants"]), sealed.CREDENTIALS_COLUMN)
    looks = iter([False, True])
    look = Keys._look

    def looked(keys: Keys) -> sealed.Look:
        if next(looks):
            blob = sealed_with(old, place)
            sources_put(installation, blob)
        return look(keys)

    monkeypatch.setattr(Keys, "_look", looked)
    with pytest.raises(Conflict, match="key k1: expected one that is not in use"):
        installation.keys.remove("k1")

    assert "k1" in (installation.keyring.current() or ())


def sealed_with(keyring: Keyring, place: Place) -> bytes:
    from moomarkets.store.seal import seal

    blob = seal(b"{}", place, keyring)
    assert key_id_of(blob) == "k1"
    return blob


def sources_put(installation: Installation, blob: bytes) -> None:
    source_id = installation.source_ids["jquants"]
    installation.reads.perform(lambda connection: sources.put_credential(connection, 1, source_id, blob))
