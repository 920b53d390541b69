from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from moomarkets.domain.errors import SettingsError
from moomarkets.domain.events import NoEvents
from moomarkets.domain.secret import Secret
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import open_keyring, replace_keyring_file
from moomarkets.testing.recorded_events import RecordedEvents


def test_the_first_start_makes_a_private_file_and_asks_for_a_copy(tmp_path: Path) -> None:
    events, path = RecordedEvents(), tmp_path / "data" / "keys.json"

    keyring = open_keyring(path, None, events)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert events.of("keyring.created", path=str(path))
    assert not events.unlisted
    assert list(path.parent.iterdir()) == [path]
    assert keyring.to_text().reveal() == path.read_text()


def test_the_next_start_reads_the_same_keys_and_says_nothing(tmp_path: Path) -> None:
    events, path = RecordedEvents(), tmp_path / "keys.json"
    keyring = open_keyring(path, None, NoEvents())

    assert open_keyring(path, Keyring.generate().to_text(), events) == keyring
    assert events.names == []


def test_keys_given_as_text_make_no_file(tmp_path: Path) -> None:
    keyring = Keyring.generate()

    assert open_keyring(tmp_path / "keys.json", keyring.to_text(), NoEvents()) == keyring
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    open_keyring(path, None, NoEvents())
    path.chmod(mode)

    with pytest.raises(SettingsError, match=f"chmod 600 {path}.*'0{mode:o}'"):
        open_keyring(path, None, NoEvents())


def test_a_damaged_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("canary")
    path.chmod(0o600)

    with pytest.raises(SettingsError) as refusal:
        open_keyring(path, None, NoEvents())

    assert "canary" not in str(refusal.value)
    assert path.read_text() == "canary"


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")

    for name in ("pipe", "dangling", "."):
        with pytest.raises(SettingsError):
            open_keyring(tmp_path / name, None, NoEvents())


def test_a_place_that_cannot_be_written_is_one_clear_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SettingsError, match="expected a place to write"):
        open_keyring(tmp_path / "file" / "keys.json", None, NoEvents())


def test_poor_text_is_a_fault_of_its_variable(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MOOMARKETS_KEYS: keyring: expected JSON"):
        open_keyring(tmp_path / "keys.json", Secret("canary"), NoEvents())


def test_of_many_first_starts_at_once_all_have_the_same_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"

    with ThreadPoolExecutor(8) as pool:
        keyrings = list(pool.map(lambda _: open_keyring(path, None, NoEvents()), range(16)))

    assert all(keyring == keyrings[0] for keyring in keyrings)
    assert list(tmp_path.iterdir()) == [path]


def test_a_replaced_file_is_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    newer = open_keyring(path, None, NoEvents()).with_new_key()

    replace_keyring_file(path, newer)

    assert open_keyring(path, None, NoEvents()) == newer
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
