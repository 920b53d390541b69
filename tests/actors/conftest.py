"""A database, events and a runtime for each test, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.house import Code, House, build
from tests.actors.office import hire
from tests.actors.otp.patience import eventually
from tests.support.leaks import nothing_left
from tests.support.postgres import TestPostgres

__all__ = ["hire"]

Open = Callable[..., House]


@pytest.fixture(autouse=True)
def _no_thread_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    if "_database" in request.fixturenames:
        request.getfixturevalue("postgres")
    with nothing_left():
        yield


@pytest.fixture
def events() -> Iterator[RecordedEvents]:
    events = RecordedEvents()
    yield events
    assert events.unlisted == set()


@pytest.fixture
def books(_no_thread_is_left: None, database_url: str, postgres: TestPostgres) -> Iterator[Books]:
    books = Books(database_url)
    yield books
    books.close()
    name = make_url(database_url).database
    # The server takes a moment to notice that a connection was closed.
    assert eventually(lambda: not _connections(postgres, name)), _connections(postgres, name)


def _connections(postgres: TestPostgres, database: str | None) -> list[tuple[str]]:
    found = postgres.manager.execute("SELECT application_name FROM pg_stat_activity WHERE datname = %s", (database,))
    return found.fetchall()


@pytest.fixture
def open_house(books: Books, events: RecordedEvents) -> Iterator[Open]:
    """Starts trees over the test's database: `open_house(code, **parts)`."""
    opened: list[House] = []

    def open_one(code: Code = lambda attempt, token: None, **given: Any) -> House:
        opened.append(build(books, code, events, **given))
        return opened[-1]

    yield open_one
    for house in opened:
        house.stop()


@pytest.fixture
def runtime(_no_thread_is_left: None, events: RecordedEvents) -> Iterator[ThreadRuntime]:
    """On the machine's clock."""
    runtime = ThreadRuntime(events=events)
    yield runtime
    assert runtime.close(5) == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def still(_no_thread_is_left: None, clock: ManualClock, events: RecordedEvents) -> Iterator[ThreadRuntime]:
    """On a clock that only the test moves."""
    runtime = ThreadRuntime(clock, events)
    yield runtime
    assert runtime.close(5) == []


@pytest.fixture
def pool(books: Books) -> Iterator[Database]:
    """Connections for one writer."""
    database = Database(books.url, purpose="pool", pool_size=1)
    yield database
    database.close()
