"""The keyring of a running process follows its file or its command, and never loses what it knows."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from moomarkets.domain.errors import CannotDecrypt, SettingsError
from moomarkets.domain.secret import Secret
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import create_keyring_file, replace_keyring_file
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.seal import Place, key_id_of, seal
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents

PLACE = Place("1", "1", "encrypted_credentials")
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.fixture
def events() -> RecordedEvents:
    return RecordedEvents()


def live(
    path: Path, events: RecordedEvents, given: Secret | None = None, command: str | None = None
) -> tuple[LiveKeyring, ManualClock]:
    clock = ManualClock(NOW)
    return LiveKeyring(path, given, command, clock, events), clock


def test_a_file_goes_before_text_and_text_before_a_command(tmp_path: Path, events: RecordedEvents) -> None:
    path, text = tmp_path / "keys.json", Keyring.generate().to_text()

    assert live(path, events, text, "false")[0].origin == "MOOMARKETS_KEYS"
    create_keyring_file(path, events)
    assert live(path, events, text, "false")[0].origin == "file"


def test_a_key_that_was_added_meanwhile_opens_and_seals(tmp_path: Path, events: RecordedEvents) -> None:
    path = tmp_path / "keys.json"
    keyring, _ = live(path, events)
    newer = keyring.create().with_new_key()
    blob = seal(b"value", PLACE, newer)

    replace_keyring_file(path, newer)

    assert keyring.open(blob, PLACE) == b"value"
    assert key_id_of(keyring.seal(b"value", PLACE)) == "k2"
    assert events.of("keyring.reread", primary="k2")


def test_without_a_file_nothing_opens_until_it_is_put_back(tmp_path: Path, events: RecordedEvents) -> None:
    path = tmp_path / "keys.json"
    old, _ = live(path, events)
    old.create()
    blob = old.seal(b"value", PLACE)
    aside = path.rename(tmp_path / "aside")
    keyring, _ = live(path, events)

    for forbidden in (lambda: keyring.open(blob, PLACE), lambda: keyring.seal(b"", PLACE)):
        with pytest.raises(CannotDecrypt, match=f"expected keys from the file {path}, got none"):
            forbidden()

    aside.rename(path)
    assert keyring.open(blob, PLACE) == b"value"


def test_a_file_that_goes_away_or_is_spoilt_leaves_the_known_keys_in_use(
    tmp_path: Path, events: RecordedEvents
) -> None:
    path = tmp_path / "keys.json"
    keyring, _ = live(path, events)
    keyring.create()
    blob = keyring.seal(b"value", PLACE)

    path.unlink()
    assert keyring.open(blob, PLACE) == b"value"
    path.write_text("canary")

    assert [keyring.open(blob, PLACE) for _ in range(3)] == [b"value"] * 3
    assert events.names.count("keyring.rejected") == 1
    assert not events.unlisted


def test_a_command_is_asked_again_when_something_does_not_open(tmp_path: Path, events: RecordedEvents) -> None:
    vault, old = tmp_path / "vault", Keyring.generate()
    vault.write_text(old.to_text().reveal())
    keyring, clock = live(tmp_path / "keys.json", events, None, f"cat {shlex.quote(str(vault))}")
    newer = old.with_new_key()
    blob = seal(b"value", PLACE, newer)
    vault.write_text(newer.to_text().reveal())

    with pytest.raises(CannotDecrypt):
        keyring.open(blob, PLACE)
    clock.advance(11)

    assert keyring.open(blob, PLACE) == b"value"


@pytest.mark.parametrize(
    ("command", "fault"),
    [
        ("false", "ends with 0, got 1"),
        ("/nowhere/vault", "got No such file"),
        ("echo canary", "expected JSON"),
        ("'canary", "words that cannot be split"),
    ],
)
def test_a_command_that_gives_no_keyring_is_one_clear_fault(
    tmp_path: Path, events: RecordedEvents, command: str, fault: str
) -> None:
    with pytest.raises(SettingsError, match=fault) as refusal:
        live(tmp_path / "keys.json", events, None, command)

    assert "canary" not in str(refusal.value)


def test_poor_text_is_a_fault_of_its_variable(tmp_path: Path, events: RecordedEvents) -> None:
    with pytest.raises(SettingsError, match="MOOMARKETS_KEYS: keyring: expected JSON"):
        live(tmp_path / "keys.json", events, Secret("canary"))
