"""Holds jobs of the type `gated` under way until the test lets them finish."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from moomarkets.domain.submission import Submission
from moomarkets.store.database import Database
from moomarkets.store.enqueue import enqueue_many
from tests.support.gated_jobs import FAIL, FINISH

PATIENCE_S = 30.0


class HeldJob:
    """One attempt that is under way."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.settimeout(PATIENCE_S)
        with connection.makefile() as lines:
            self.number = int(lines.readline())

    def finish(self) -> None:
        """Let its code return."""
        self._connection.sendall(FINISH)

    def fail(self) -> None:
        """Let its code raise."""
        self._connection.sendall(FAIL)

    def close(self) -> None:
        self._connection.close()


class Gate:
    """A port on loopback to which attempts connect when their code starts."""

    def __init__(self, database_url: str) -> None:
        self._database_url = database_url
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(PATIENCE_S)
        self._held: list[HeldJob] = []

    def enqueue(self, count: int, **parameters: object) -> None:
        """Store `count` jobs, numbered from 1 in their order; `is_deaf` ones do not hear a cancel."""
        given = [{"port": self.port, "number": number, **parameters} for number in range(1, count + 1)]
        database = Database(self._database_url, purpose="gate")
        database.perform(lambda connection: enqueue_many(connection, Submission("gated", given), str(uuid4())))
        database.close()

    @property
    def port(self) -> int:
        """Where the attempts come to."""
        return int(self._listening.getsockname()[1])

    def next_job(self) -> HeldJob:
        """The next attempt whose code has started."""
        self._held.append(HeldJob(self._listening.accept()[0]))
        return self._held[-1]

    def next_jobs(self, count: int) -> list[HeldJob]:
        """The next `count` of them."""
        return [self.next_job() for _ in range(count)]

    @property
    def has_waiter(self) -> bool:
        """Whether one more attempt has started that nobody has asked for yet."""
        self._listening.settimeout(0)
        try:
            self.next_job()
        except BlockingIOError:
            return False
        finally:
            self._listening.settimeout(PATIENCE_S)
        return True

    def close(self) -> None:
        for job in self._held:
            job.close()
        self._listening.close()


@contextmanager
def gate(database_url: str) -> Iterator[Gate]:
    """A gate for the jobs of that database."""
    made = Gate(database_url)
    try:
        yield made
    finally:
        made.close()
