from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moomarkets.domain.errors import SettingsError
from moomarkets.domain.events import NoEvents
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import create_keyring_file, read_keyring_file, replace_keyring_file, signature_of
from moomarkets.testing.recorded_events import RecordedEvents


def made(path: Path) -> Keyring:
    """The keyring of a file that was made now or before."""
    create_keyring_file(path, NoEvents())
    return read_keyring_file(path)


def test_a_new_file_is_private_and_a_copy_of_it_is_asked_for(tmp_path: Path) -> None:
    events, path = RecordedEvents(), tmp_path / "data" / "keys.json"

    assert create_keyring_file(path, events)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert events.of("keyring.created", path=str(path))
    assert not events.unlisted
    assert list(path.parent.iterdir()) == [path]
    assert read_keyring_file(path).to_text().reveal() == path.read_text()


def test_a_file_that_is_there_is_never_replaced_by_a_new_one(tmp_path: Path) -> None:
    events, path = RecordedEvents(), tmp_path / "keys.json"
    keyring = made(path)

    assert not create_keyring_file(path, events)

    assert read_keyring_file(path) == keyring
    assert events.names == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    made(path)
    path.chmod(mode)

    with pytest.raises(SettingsError, match=f"chmod 600 {path}.*'0{mode:o}'"):
        read_keyring_file(path)


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("canary")
    path.chmod(0o600)

    with pytest.raises(SettingsError) as refusal:
        read_keyring_file(path)

    assert "canary" not in str(refusal.value)
    assert path.read_text() == "canary"


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")

    for name in ("pipe", "dangling", "."):
        assert signature_of(tmp_path / name) is not None
        with pytest.raises(SettingsError):
            read_keyring_file(tmp_path / name)


def test_a_place_that_cannot_be_written_is_one_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="expected a place to write"):
        create_keyring_file(tmp_path / "file" / "keys.json", NoEvents())


def test_of_many_first_starts_at_once_all_have_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    with ThreadPoolExecutor(8) as pool:
        keyrings = list(pool.map(lambda _: made(path), range(16)))

    assert all(keyring == keyrings[0] for keyring in keyrings)
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_is_whole_and_private_and_shows_that_it_is_another(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    newer, before = made(path).with_new_key(), signature_of(path)

    replace_keyring_file(path, newer)

    assert read_keyring_file(path) == newer
    assert signature_of(path) != before
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
