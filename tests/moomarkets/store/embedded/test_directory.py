"""Places that are no good for a database are refused in one sentence, and nothing of them is changed."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.account import server_account
from moomarkets.store.embedded.directory import DataDirectory
from tests.moomarkets.store.embedded.conftest import NOBODY, MakeServer, Owner


def modes(path: Path) -> list[tuple[int, int, int]]:
    return [(parent.stat().st_mode, parent.stat().st_uid, parent.stat().st_gid) for parent in path.parents]


def refusal(server_start: Callable[[], None]) -> str:
    """The one sentence of a refusal with exit code 78."""
    with pytest.raises(EmbeddedServerError) as caught:
        server_start()
    assert caught.value.exit_code == 78
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_no_parent_is_changed(data_dir: Path, make_server: MakeServer) -> None:
    before = modes(data_dir)

    make_server(data_dir).start()

    assert modes(data_dir) == before


def test_nothing_in_a_data_directory_is_open_to_others(data_dir: Path, make_server: MakeServer) -> None:
    make_server(data_dir).start()

    found = [data_dir, *data_dir.iterdir()]

    assert [path for path in found if stat.S_IMODE(path.lstat().st_mode) & 0o007] == []
    assert stat.S_IMODE((data_dir / "pgdata").stat().st_mode) == 0o700
    assert stat.S_IMODE((data_dir / "passwords.json").stat().st_mode) == 0o600
    assert stat.S_IMODE((data_dir / "log" / "postgres.log").stat().st_mode) == 0o600


@pytest.mark.parametrize("mode", [0o777, 0o773, 0o770])
def test_a_parent_that_others_may_write_to_is_refused(place: Path, make_server: MakeServer, mode: int) -> None:
    parent = place / "open"
    parent.mkdir()
    parent.chmod(mode)
    if os.geteuid() == 0:
        os.chown(parent, -1, NOBODY)

    sentence = refusal(make_server(parent / "data").start)

    assert f"{parent}, which others may write to" in sentence
    assert list(parent.iterdir()) == []


def test_the_sticky_bit_makes_a_shared_parent_safe(place: Path) -> None:
    parent = place / "shared"
    parent.mkdir()
    parent.chmod(0o1777)

    DataDirectory(parent / "data").prepare(server_account(NoEvents()))

    assert (parent / "data" / "socket").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_place_of_another_user_is_refused(place: Path, make_server: MakeServer) -> None:
    (place / "theirs").mkdir()
    os.chown(place / "theirs", NOBODY, NOBODY)

    assert "belongs to" in refusal(make_server(place / "theirs" / "data").start)
    assert "one of" in refusal(make_server(place / "theirs").start)


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root the server has another account")
def test_a_place_that_the_account_cannot_reach_is_refused(place: Path, make_server: MakeServer) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)

    sentence = refusal(make_server(closed / "data").start)

    assert "can reach" in sentence
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_link_in_the_place_of_a_folder_is_not_followed(place: Path, make_server: MakeServer) -> None:
    elsewhere = place / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (place / "data").mkdir(mode=0o711)
    (place / "data" / "log").symlink_to(elsewhere)

    refusal(make_server(place / "data").start)

    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o755


def test_a_database_of_another_version_is_left_untouched(data_dir: Path, make_server: MakeServer) -> None:
    version = data_dir / "pgdata" / "PG_VERSION"
    version.write_text("17\n")

    sentence = refusal(make_server(data_dir).start)

    assert "expected the format of PostgreSQL 18, got that of 17" in sentence
    assert version.read_text() == "17\n"
    version.write_text("18\n")


def test_lost_passwords_are_named_as_the_fault(data_dir: Path, place: Path, make_server: MakeServer) -> None:
    passwords = data_dir / "passwords.json"
    kept = passwords.read_text()
    passwords.unlink()

    sentence = refusal(make_server(data_dir).start)

    assert "got no file" in sentence
    passwords.write_text(kept)
    passwords.chmod(0o600)


def test_a_read_only_place_is_refused(place: Path, make_server: MakeServer) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; see the next test")
    place.chmod(0o500)

    sentence = refusal(make_server(place / "data").start)

    assert str(place) in sentence
    place.chmod(0o700)


def test_a_read_only_file_system_is_refused(place: Path, start_owner: Callable[..., Owner]) -> None:
    mount = ("unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o ro,mode=755 none {place} && exec "$@"', "sh")
    if os.geteuid() != 0 or subprocess.run([*mount, "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")

    answer = start_owner(place / "data", command=(*mount, sys.executable)).answer()

    assert answer["exit_code"] == 78
    assert "Read-only file system" in answer["error"]
