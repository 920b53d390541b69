"""Stops a Postgres server in mid-air, as a machine does that is suspended: nobody answers, no connection breaks."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from moomarkets.store.embedded.server import EmbeddedServer


@contextmanager
def frozen(server: EmbeddedServer) -> Iterator[None]:
    """No process of the server does anything inside the block."""
    assert server.pid is not None
    # The first process first: it would start others.
    os.kill(server.pid, signal.SIGSTOP)
    processes = [server.pid, *(child.pid for child in psutil.Process(server.pid).children(recursive=True))]
    for pid in processes:
        _send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            _send(pid, signal.SIGCONT)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
