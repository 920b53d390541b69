"""An engine on a test's bench: its threads, what it reported, and works that wait to be let go."""

from __future__ import annotations

import os
import queue
import select
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.job import Failed
from moomarkets.engines.engine import Engine, Started
from moomarkets.engines.task import Task

WAIT_S = 20


class Threads:
    """Starts threads and remembers them."""

    def __init__(self) -> None:
        self.all: list[threading.Thread] = []

    def __call__(self, target: Callable[[], None], name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        self.all.append(thread)
        thread.start()

    def join(self) -> bool:
        """Wait for all to end; whether they did."""
        for thread in self.all:
            thread.join(WAIT_S)
        return not any(thread.is_alive() for thread in self.all)


@dataclass
class Held:
    """A work that has begun, in the process `pid`."""

    connection: socket.socket
    pid: int

    def let_go(self) -> None:
        self.connection.sendall(b"!")

    def wait_dead(self) -> bool:
        """Whether whoever holds the other end is gone, soon."""
        self.connection.settimeout(WAIT_S)
        try:
            return self.connection.recv(1) == b""
        except ConnectionResetError:
            return True


class Port:
    """Where works connect to once they have begun."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(WAIT_S)
        self.number: int = self._listening.getsockname()[1]
        self._held: list[Held] = []

    def next(self) -> Held:
        """The next work that begins."""
        connection = self._listening.accept()[0]
        connection.settimeout(WAIT_S)
        with connection.makefile() as lines:
            self._held.append(Held(connection, int(lines.readline())))
        return self._held[-1]

    def close(self) -> None:
        for held in self._held:
            held.connection.close()
        self._listening.close()


class Bench:
    """An engine, its threads, and the outcomes that it reported."""

    def __init__(self, make: Callable[[Threads], Engine]) -> None:
        self.threads, self.outcomes, self.port = Threads(), queue.SimpleQueue[Any](), Port()
        self.engine = make(self.threads)
        self.started = 0

    def start(self, work: Callable[[CancelToken], Any], token: CancelToken | None = None) -> Started:
        self.started += 1
        return self.engine.start(work, token or CancelToken(), self.outcomes.put, "job")

    def next(self) -> Any:
        """The next outcome."""
        outcome = self.outcomes.get(timeout=WAIT_S)
        self.started -= 1
        return outcome

    def run(self, work: Callable[[CancelToken], Any], token: CancelToken | None = None) -> Any:
        self.start(work, token)
        return self.next()

    def fails(self, work: Task) -> Failed:
        outcome = self.run(work)
        assert isinstance(outcome, Failed), outcome
        return outcome

    def close(self) -> None:
        """Close the engine; its threads end, and nothing is reported twice."""
        self.engine.close()
        self.port.close()
        assert self.threads.join()
        assert self.outcomes.empty()


def is_gone(pid: int) -> bool:
    """Whether the process has ended, soon."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], WAIT_S)[0])
    finally:
        os.close(watched)


def children() -> set[str]:
    """The processes that this one has started and not collected."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in _read(task / "children").split()}


def descriptors() -> int:
    """How many this process has open."""
    return len(os.listdir("/proc/self/fd"))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""  # a thread that has just ended
