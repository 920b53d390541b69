"""Writes to the store for actors that must not block: what arrives during one commit goes out with the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from actors.otp.calls import send
from actors.otp.gen_server import GenServer
from actors.otp.ref import Dest
from moomarkets.domain.errors import StoreTooSlow, StoreUnavailable
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage

MOST_AT_ONCE = 500
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 5.0
SLOW_TRIES = 3
"""A unit that takes too long this often, alone, is refused: all that came after it would wait for ever."""


@dataclass(frozen=True, slots=True)
class Write:
    """One unit of work, cast to a writer. It may run more than once, so it must be harmless to repeat.

    `reply_to` gets `Written` or `NotWritten` with `tag`, once the work is durable; None: nobody wants to know.
    """

    work: Callable[[Connection], object]
    reply_to: Dest | None = None
    tag: object = None


@dataclass(frozen=True, slots=True)
class MergedWrite:
    """One of many alike: those that wait together are handed to `merge` in one call, which returns a result for each.

    A result that is an exception means that this one was refused, and the others were not.
    """

    merge: Callable[[Connection, Sequence[Any]], Sequence[object]]
    item: object
    reply_to: Dest | None = None
    tag: object = None
    weight: int = 1
    """How many of those that one commit may hold it counts for."""


@dataclass(frozen=True, slots=True)
class Written:
    """The work of that tag is committed; `result` is what it returned."""

    tag: object
    result: object


@dataclass(frozen=True, slots=True)
class NotWritten:
    """The work of that tag was refused; nothing of it was stored."""

    tag: object
    error: Exception

    @property
    def reason(self) -> str:
        """The error in one line; the server's further lines would show the values of rows."""
        return f"{type(self.error).__name__}: {self.error}".splitlines()[0]


@dataclass(frozen=True, slots=True)
class _Flush:
    """Commit what has arrived."""


class StoreWriter(GenServer):
    """Commits units of work, many in one transaction when many wait; in the order in which they came.

    While the database is away the work waits here. One refused unit does not spoil those beside it, nor does one that
    takes too long: they are tried again one by one.
    """

    def init(self, database: Database) -> None:
        self._database = database
        self._outage = Outage(self.events, self.clock, path=self.path)
        self._waiting: deque[Write | MergedWrite] = deque()
        self._is_flushing = False
        self._wait_s = FIRST_WAIT_S
        self._slow = 0

    def handle_cast(self, message: Write | MergedWrite) -> None:
        self._waiting.append(message)
        if not self._is_flushing:
            self._is_flushing = True
            send(self.ref, _Flush())

    def handle_info(self, message: object) -> None:
        if not isinstance(message, _Flush):
            super().handle_info(message)
            return
        try:
            self._commit(self._next_batch())
        except StoreUnavailable as error:
            self._outage.failed(error, waiting=len(self._waiting))
            self.send_after(self._wait_s, _Flush())
            self._wait_s = min(self._wait_s * 2, LONGEST_WAIT_S)
            return
        self._outage.worked()
        self._wait_s = FIRST_WAIT_S
        # What came in while the commit was under way is in the mailbox still: it goes out with the next one.
        self._is_flushing = bool(self._waiting)
        if self._is_flushing:
            send(self.ref, _Flush())

    def _next_batch(self) -> list[Write | MergedWrite]:
        """The oldest of those that wait, one at least."""
        batch: list[Write | MergedWrite] = []
        weight = 0
        for write in self._waiting:
            weight += write.weight if isinstance(write, MergedWrite) else 1
            if batch and weight > MOST_AT_ONCE:
                break
            batch.append(write)
        return batch

    def _commit(self, batch: list[Write | MergedWrite]) -> None:
        """Commit the oldest of those that wait; each is told once, and then waits no more."""
        try:
            results = self._database.perform(lambda connection: _results(connection, batch))
        except Exception as error:
            # Whatever one unit raises must not stop the others.
            if isinstance(error, StoreUnavailable) and not isinstance(error, StoreTooSlow):
                raise
            if len(batch) == 1:
                self._refuse(batch[0], error)
                return
            for write in batch:
                self._commit([write])
            return
        for write, result in zip(batch, results, strict=True):
            if isinstance(result, Exception):
                self._settle(write, NotWritten(write.tag, result))
            else:
                self._settle(write, Written(write.tag, result))

    def _refuse(self, write: Write | MergedWrite, error: Exception) -> None:
        if isinstance(error, StoreTooSlow):
            self._slow += 1
            if self._slow < SLOW_TRIES:
                raise error
        self._settle(write, NotWritten(write.tag, error))

    def _settle(self, write: Write | MergedWrite, message: Written | NotWritten) -> None:
        self._waiting.popleft()
        self._slow = 0
        if write.reply_to is not None:
            send(write.reply_to, message)


def _results(connection: Connection, batch: Sequence[Write | MergedWrite]) -> list[object]:
    """Do all the work in order; what can be merged is done where the first of its kind stands."""
    alike: dict[object, list[int]] = {}
    for place, write in enumerate(batch):
        if isinstance(write, MergedWrite):
            alike.setdefault(write.merge, []).append(place)
    results: list[object] = [None] * len(batch)
    for place, write in enumerate(batch):
        if isinstance(write, Write):
            results[place] = write.work(connection)
        elif (places := alike.pop(write.merge, None)) is not None:
            items = [other.item for other in (batch[one] for one in places) if isinstance(other, MergedWrite)]
            for one, result in zip(places, write.merge(connection, items), strict=True):
                results[one] = result
    return results
