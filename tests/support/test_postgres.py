"""The support itself: each test gets a database of its own, and nothing is left behind."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

PROGRAM = """
import json, sys
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.store.embedded.server import EmbeddedServer
from tests.support.postgres import FAST, swept_directory
with swept_directory() as path:
    server = EmbeddedServer(path, clock=SystemClock(), events=NoEvents(), settings=FAST)
    server.start()
    print(json.dumps([str(path), server.pid]), flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_an_empty_database_of_its_own(database_url: str, owner_url: str, number: int) -> None:
    with psycopg.connect(owner_url) as connection:
        connection.execute("CREATE TABLE only_here (number integer)")

    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO only_here VALUES (%s)", (number,))
        rows = connection.execute("TABLE only_here").fetchall()

    assert rows == [(number,)]


def test_killed_tests_leave_no_server_and_no_files() -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert tests.stdout is not None
    folder, server = json.loads(tests.stdout.readline())
    sweepers = [pid for pid in running() if folder.encode() in command_of(pid) and b"sweep" in command_of(pid)]
    watched = [os.pidfd_open(pid) for pid in (server, *sweepers)]

    tests.kill()
    tests.communicate()

    assert len(watched) == 2
    for descriptor in watched:
        assert select.select([descriptor], [], [], 10)[0]
        os.close(descriptor)
    assert not Path(folder).exists()


def running() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
