"""How long we wait for a server that says nothing: what it promises to end in time, it cannot end while frozen."""

from __future__ import annotations

import math
from typing import Any

import psycopg
from psycopg.abc import PQGen
from sqlalchemy import Engine, event

LOOK_S = 0.1
"""How long one look at the socket is."""


class NoAnswer(psycopg.OperationalError):
    """The server has said nothing for longer than any statement may take; the connection was thrown away."""


class Patience:
    """How long any of several pools waits for the server's next word, beside the deadline that each has of its own.

    Example:
        >>> patience = Patience()
        >>> patience.most_s
        inf
        >>> patience.shorten(1.0)
        >>> patience.most_s
        1.0
    """

    def __init__(self) -> None:
        self.most_s = math.inf

    def shorten(self, most_s: float) -> None:
        """Wait no longer than that from now on, also where somebody waits already."""
        self.most_s = min(self.most_s, most_s)


class PatientConnection(psycopg.Connection[Any]):
    """A connection on which nothing waits longer than `own_s` for the server's next word.

    The wait is counted in looks at the socket, not by a clock: a process that was itself frozen does not condemn a
    server that answered meanwhile.
    """

    own_s = 60.0
    shared = Patience()

    def wait(self, gen: PQGen[Any], interval: float = LOOK_S, *rest: Any, **how: Any) -> Any:
        """All that blocks on an open connection comes through here: statements, commits, rollbacks."""
        try:
            return super().wait(self._limited(gen, interval), interval, *rest, **how)
        except NoAnswer:
            # Closes our end without asking the server, which could not agree.
            self.pgconn.finish()
            raise

    def _limited(self, gen: PQGen[Any], look_s: float) -> PQGen[Any]:
        """The same conversation, ended when too many looks in a row found nothing."""
        silent_s = 0.0
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                silent_s = 0.0 if ready else silent_s + look_s
                if silent_s > (most_s := min(self.own_s, self.shared.most_s)):
                    raise NoAnswer(f"no answer within {most_s:g} s")
                wanted = gen.send(ready)
        except StopIteration as ended:
            return ended.value


def be_patient(engine: Engine, own_s: float, shared: Patience) -> None:
    """Have every connection of the engine wait that long at most for the server's next word."""

    def connect(dialect: object, record: object, args: list[Any], given: dict[str, Any]) -> PatientConnection:
        timeout_s = min(given["connect_timeout"], math.ceil(min(own_s, shared.most_s)))
        connection = PatientConnection.connect(*args, **{**given, "connect_timeout": timeout_s})
        connection.own_s, connection.shared = own_s, shared
        return connection

    event.listen(engine, "do_connect", connect)
