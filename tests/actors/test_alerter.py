"""The Alerter: each day that is late is told once, whoever tells it, and so is the end of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime

import pytest
from sqlalchemy import Connection

from actors import names
from actors.alerter import Alerter, AlertRules
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.domain.freshness import Freshness, State
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.otp.patience import eventually

LOCAL = 1
MONDAY, TUESDAY = date(2026, 11, 16), date(2026, 11, 17)


class Watched:
    """What the alerter is shown; counts its looks."""

    def __init__(self, *found: Freshness) -> None:
        self.found: Sequence[Freshness] = found
        self.looks, self.is_away = 0, False

    def __call__(self, connection: Connection, now: datetime) -> Sequence[Freshness]:
        self.looks += 1
        if self.is_away:
            raise StoreUnavailable("database: away")
        return self.found


def bars(state: State, expected_on: date | None = None, have_on: date | None = None, group: str = "bars") -> Freshness:
    return Freshness(LOCAL, "jquants", "daily_bars", group, state, expected_on, have_on)


Alerters = Callable[..., Callable[[], None]]


@pytest.fixture
def start(still: ThreadRuntime, pool: Database, clock: ManualClock) -> Iterator[Alerters]:
    """Starts an alerter; what it returns moves the clock to its next look, and waits until that is over."""
    started: list[Ref] = []

    def start_one(watched: Watched, name: str = names.ALERTER) -> Callable[[], None]:
        ref = still.start(Alerter, pool, watched, AlertRules(60.0), name=name)
        started.append(ref)

        def look() -> None:
            looks = watched.looks
            clock.advance(60.0)
            assert eventually(lambda: watched.looks > looks)
            assert eventually(lambda: (ref.process.mailbox.next_due() or 0.0) > clock.monotonic())

        return look

    yield start_one
    # Before the pool is closed: a look that is under way would leave its connection open.
    for ref in started:
        if ref.is_alive:
            still.stop(ref)


def test_a_day_that_is_late_is_told_once_and_so_is_its_end(
    start: Alerters, books: Books, events: RecordedEvents
) -> None:
    watched = Watched(bars(State.OVERDUE, MONDAY))
    look = start(watched)
    look()
    events.wait_for("dataset.overdue")
    look()
    watched.found = [bars(State.FRESH, have_on=MONDAY)]
    look()
    events.wait_for("dataset.recovered")
    look()
    look()

    assert (len(events.of("dataset.overdue")), len(events.of("dataset.recovered"))) == (1, 1)
    assert books.value("SELECT count(*) FROM alerts WHERE recovered_at IS NOT NULL") == 1


def test_a_second_day_is_told_too_and_both_are_over_with_it(
    start: Alerters, books: Books, events: RecordedEvents
) -> None:
    watched = Watched(bars(State.OVERDUE, MONDAY))
    look = start(watched)
    look()
    events.wait_for("dataset.overdue")
    watched.found = [bars(State.OVERDUE, TUESDAY)]
    look()
    events.wait_for("dataset.overdue", times=2)
    watched.found = [bars(State.DUE, date(2026, 11, 18), have_on=TUESDAY)]
    look()

    events.wait_for("dataset.recovered")
    assert books.value("SELECT count(*) FROM alerts WHERE recovered_at IS NOT NULL") == 2


def test_a_second_node_tells_nothing_that_the_first_has_told(
    start: Alerters, books: Books, events: RecordedEvents
) -> None:
    start(Watched(bars(State.OVERDUE, MONDAY)))()
    events.wait_for("dataset.overdue")

    start(Watched(bars(State.OVERDUE, MONDAY)), "another")()

    assert len(events.of("dataset.overdue")) == 1


def test_what_rests_or_is_late_in_another_group_has_not_recovered(
    start: Alerters, books: Books, events: RecordedEvents
) -> None:
    watched = Watched(bars(State.OVERDUE, MONDAY))
    look = start(watched)
    look()
    events.wait_for("dataset.overdue")

    watched.found = [bars(State.RESTING, have_on=MONDAY)]
    look()
    watched.found = [bars(State.OVERDUE, MONDAY), bars(State.FRESH, have_on=MONDAY, group="other")]
    look()
    look()

    assert events.of("dataset.recovered") == []


def test_without_a_database_it_waits_and_goes_on(start: Alerters, books: Books, events: RecordedEvents) -> None:
    watched = Watched(bars(State.OVERDUE, MONDAY))
    watched.is_away = True
    look = start(watched)
    look()
    events.wait_for("store.unavailable")

    watched.is_away = False
    look()

    events.wait_for("dataset.overdue")
