"""The launcher's log and its care for what a program leaves behind."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.account import server_account
from moomarkets.store.embedded.child import Child
from moomarkets.store.embedded.launcher import LOG_BYTES, Log
from tests.moomarkets.store.embedded.conftest import has_ended


def test_the_log_never_takes_more_than_two_files(tmp_path: Path) -> None:
    log = Log(str(tmp_path / "log"))

    for _ in range(10):
        log.write(b"x" * (LOG_BYTES // 2))

    files = list(tmp_path.iterdir())
    assert len(files) == 2
    assert sum(file.stat().st_size for file in files) <= 3 * LOG_BYTES


def test_the_last_words_are_kept_whole_lines_only() -> None:
    log = Log(None)

    log.write(b"first\nsec")
    log.write(b"ond\nthi")

    assert list(log.tail) == ["first", "second"]


def test_what_a_program_leaves_behind_ends_with_it(place: Path) -> None:
    pid_file = place / "pid"
    pid_file.touch()
    pid_file.chmod(0o666)
    script = f"sleep 600 & echo $! > {pid_file}"

    child = Child.start(["/bin/sh", "-c", script], server_account(NoEvents()), stop_s=0.1)
    ended = child.wait(timeout_s=20)

    assert ended is not None
    assert ended.code == 0
    assert has_ended(int(pid_file.read_text()), within_s=0)


def test_a_program_that_cannot_be_executed_is_said_at_once(place: Path) -> None:
    (place / "program").write_text("no program")

    with pytest.raises(PermissionError) as caught:
        Child.start([str(place / "program")], server_account(NoEvents()))

    assert caught.value.errno == errno.EACCES


def test_a_program_gets_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOOMARKETS_SECRET", "do not tell")

    child = Child.start(["/bin/sh", "-c", "env >&2; id >&2"], server_account(NoEvents()))
    ended = child.wait(timeout_s=20)

    assert ended is not None
    assert not [line for line in ended.tail if "do not tell" in line or "0(root)" in line]
