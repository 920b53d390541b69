"""A worker process as its engine does not see it: without the kernel's help it ends with its channel."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from moomarkets.engines.frames import Frames, outcome_in, task_frame
from moomarkets.engines.worker_process import environment
from tests.moomarkets.engines import works
from tests.moomarkets.engines.bench import WAIT_S, Port
from tests.moomarkets.engines.works import task


def start(channel: socket.socket, owner: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "moomarkets.engines.worker", str(channel.fileno()), str(owner)],
        pass_fds=[channel.fileno()],
        cwd="/",
        env=environment(os.environ, sys.path),
    )


@pytest.mark.parametrize("is_busy", [False, True], ids=["idle", "busy"])
def test_a_worker_ends_when_its_channel_does(is_busy: bool) -> None:
    ours, theirs = socket.socketpair()
    port = Port()
    with theirs:
        worker = start(theirs, os.getpid())
    with ours:
        ours.settimeout(WAIT_S)
        for work in (task(works.echo, value=1), *([task(works.deaf, port=port.number)] if is_busy else [])):
            ours.sendall(task_frame(work.function, work.body).encode())
        (reply,) = Frames().feed(ours.recv(1000))
        if is_busy:
            port.next()

    assert outcome_in(reply) == 1
    assert worker.wait(WAIT_S) == 0
    port.close()


def test_a_worker_whose_owner_is_gone_already_does_not_begin() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = start(theirs, owner=1 if os.getpid() != 1 else 2)

        assert worker.wait(WAIT_S) == 0
