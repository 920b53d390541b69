"""The StoreWriter: many units in one commit, in order, none lost, none told twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import Connection, text

from actors.otp.gen_server import GenServer
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from actors.store_writer import MOST_AT_ONCE, MergedWrite, NotWritten, StoreWriter, Write, Written
from moomarkets.domain.errors import StoreTooSlow, StoreUnavailable
from moomarkets.store.database import Database
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.otp.patience import eventually

Work = Callable[[Connection], object]


class Reader(GenServer):
    """Keeps what it is told."""

    def init(self) -> None:
        self.told: list[Written | NotWritten] = []

    def handle_info(self, message: Any) -> None:
        self.told.append(message)

    def handle_call(self, message: object) -> object:
        return list(self.told)


def ask(runtime: ThreadRuntime, pool: Database) -> tuple[Ref, Ref]:
    """A writer and a reader of its answers."""
    writer, reader = runtime.start(StoreWriter, pool), runtime.start(Reader)
    assert writer is not None
    assert reader is not None
    return writer, reader


def told(runtime: ThreadRuntime, reader: Ref, count: int) -> list[Written | NotWritten]:
    """What the reader was told, once that is so many."""
    assert eventually(lambda: len(runtime.call(reader, "told")) >= count)
    answers: list[Written | NotWritten] = runtime.call(reader, "told")
    assert len(answers) == count
    return answers


def block(runtime: ThreadRuntime, writer: Ref) -> threading.Event:
    """Keep the writer in a commit until the event is set: what comes now goes out with the next one."""
    begun, release = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        begun.set()
        release.wait(10)

    runtime.cast(writer, Write(work))
    assert begun.wait(10)
    return release


def transaction(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_current_xact_id()::text")).scalar_one())


def sleep(connection: Connection, seconds: float) -> None:
    connection.execute(text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


def test_what_arrives_during_a_commit_goes_out_with_the_next_one(runtime: ThreadRuntime, pool: Database) -> None:
    writer, reader = ask(runtime, pool)

    release = block(runtime, writer)
    for number in range(50):
        runtime.cast(writer, Write(transaction, reader, number))
    release.set()
    answers = told(runtime, reader, 50)

    assert [answer.tag for answer in answers] == list(range(50))
    assert len({answer.result for answer in answers if isinstance(answer, Written)}) == 1


def test_what_counts_for_many_shares_a_commit_with_few(runtime: ThreadRuntime, pool: Database) -> None:
    writer, reader = ask(runtime, pool)

    def merge(connection: Connection, items: Sequence[object]) -> list[object]:
        return [transaction(connection)] * len(items)

    release = block(runtime, writer)
    for weight in (MOST_AT_ONCE // 2, MOST_AT_ONCE // 2, 1, MOST_AT_ONCE * 2):
        runtime.cast(writer, MergedWrite(merge, None, reader, weight=weight))
    release.set()
    first, second, third, fourth = (answer.result for answer in told(runtime, reader, 4))  # type: ignore[union-attr]

    assert first == second
    assert len({second, third, fourth}) == 3


def test_a_refused_unit_does_not_spoil_those_beside_it(runtime: ThreadRuntime, pool: Database, books: Books) -> None:
    writer, reader = ask(runtime, pool)

    def insert(name: str) -> Work:
        return lambda connection: connection.execute(text("INSERT INTO users (name) VALUES (:n)"), {"n": name}).rowcount

    release = block(runtime, writer)
    for name in ("a", "local", "b"):
        runtime.cast(writer, Write(insert(name), reader, name))
    release.set()
    answers = told(runtime, reader, 3)

    assert [(answer.tag, type(answer)) for answer in answers] == [
        ("a", Written),
        ("local", NotWritten),
        ("b", Written),
    ]
    refusal = answers[1]
    assert isinstance(refusal, NotWritten)
    assert "users_name_key" in refusal.reason
    assert "Key (name)=(local)" in str(refusal.error)
    assert "local" not in refusal.reason
    assert books.rows("SELECT name FROM users ORDER BY id") == [("local",), ("a",), ("b",)]


def test_units_wait_in_order_while_the_database_is_away(
    runtime: ThreadRuntime, pool: Database, events: RecordedEvents
) -> None:
    writer, reader = ask(runtime, pool)
    is_away, tried = threading.Event(), threading.Semaphore(0)
    is_away.set()

    def work(connection: Connection) -> None:
        tried.release()
        if is_away.is_set():
            raise StoreUnavailable("away")

    for number in range(3):
        runtime.cast(writer, Write(work, reader, number))
    assert all(tried.acquire(timeout=10) for _ in range(2))
    is_away.clear()

    assert [answer.tag for answer in told(runtime, reader, 3)] == [0, 1, 2]
    events.wait_for("store.recovered")
    assert len(events.of("store.unavailable")) == 1


def test_a_connection_that_is_cut_in_mid_transaction_costs_nothing(
    runtime: ThreadRuntime, pool: Database, books: Books
) -> None:
    writer, reader = ask(runtime, pool)
    cuts = iter([True])

    def work(connection: Connection) -> object:
        if next(cuts, False):
            pid = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            books.change("SELECT pg_terminate_backend(:pid)", pid=pid)
        return connection.execute(text("SELECT 1")).scalar_one()

    runtime.cast(writer, Write(work, reader, "cut"))
    runtime.cast(writer, Write(work, reader, "next"))

    assert told(runtime, reader, 2) == [Written("cut", 1), Written("next", 1)]


def test_nobody_is_told_twice_when_the_database_goes_away_between_units_that_are_tried_one_by_one(
    runtime: ThreadRuntime, pool: Database, events: RecordedEvents
) -> None:
    writer, reader = ask(runtime, pool)
    tries = iter([ValueError("refused"), StoreUnavailable("away"), None])

    def trouble(connection: Connection) -> None:
        error = next(tries)
        if error is not None:
            raise error

    release = block(runtime, writer)
    runtime.cast(writer, Write(lambda connection: None, reader, "before"))
    runtime.cast(writer, Write(trouble, reader, "trouble"))
    runtime.cast(writer, Write(lambda connection: None, reader, "after"))
    release.set()
    events.wait_for("store.unavailable")

    assert [answer.tag for answer in told(runtime, reader, 3)] == ["before", "trouble", "after"]


def test_a_unit_that_always_takes_too_long_is_refused_in_the_end_and_the_others_are_not(
    runtime: ThreadRuntime, books: Books
) -> None:
    with closing(Database(books.url, purpose="slow", pool_size=1, statement_timeout_s=0.05)) as pool:
        writer, reader = ask(runtime, pool)

        for work in (transaction, lambda connection: sleep(connection, 1), transaction):
            runtime.cast(writer, Write(work, reader))

        first, slow, last = told(runtime, reader, 3)

    assert isinstance(first, Written)
    assert isinstance(last, Written)
    assert isinstance(slow, NotWritten)
    assert isinstance(slow.error, StoreTooSlow)


def test_a_unit_that_took_too_long_once_is_tried_again(runtime: ThreadRuntime, books: Books) -> None:
    seconds = [0.0, 1.0, 1.0]
    with closing(Database(books.url, purpose="slow", pool_size=1, statement_timeout_s=0.05)) as pool:
        writer, reader = ask(runtime, pool)

        runtime.cast(writer, Write(lambda connection: sleep(connection, seconds.pop()), reader))

        (answer,) = told(runtime, reader, 1)

    assert isinstance(answer, Written)
