"""The Listener: hints from other connections arrive, a lost connection comes back, a stop is prompt."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from actors import names
from actors.claimer import Wake
from actors.dispatch_messages import Review, RunsChanged
from actors.listener import RETRY_S, Listener
from actors.otp.gen_server import GenServer
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from actors.scheduler import Look
from moomarkets.store.notify import JOBS, RUNS, SCHEDULES, SWITCHES, notify
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.otp.patience import eventually

AT_FIRST = {names.CLAIMER: [Wake()], names.MANAGER: [Review(), RunsChanged()], names.SCHEDULER: [Look()]}
"""What everybody is told once the listener hears: what was said before that."""

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'moomarkets listen' AND datname = current_database()"
)


class Hearer(GenServer):
    """Counts what it hears."""

    def init(self) -> None:
        self.heard: list[object] = []

    def handle_cast(self, message: Any) -> None:
        self.heard.append(message)

    def handle_call(self, message: object) -> object:
        return list(self.heard)


@pytest.fixture
def listener(still: ThreadRuntime, books: Books) -> Iterator[Ref]:
    """A listener that hears already, and those to whom it passes on what it hears."""
    for name in (names.CLAIMER, names.MANAGER, names.SCHEDULER):
        still.start(Hearer, name=name)
    listener = still.start(Listener, books.url, name=names.LISTENER)
    assert listener is not None
    assert eventually(lambda: all_heard(still) == AT_FIRST)
    yield listener
    still.close(5)


def heard(runtime: ThreadRuntime, name: str) -> list[object]:
    return list(runtime.call(name, "what"))


def all_heard(runtime: ThreadRuntime) -> dict[str, list[object]]:
    return {name: heard(runtime, name) for name in AT_FIRST}


@pytest.mark.parametrize(
    ("topic", "name", "message"),
    [(JOBS, names.CLAIMER, Wake()), (RUNS, names.MANAGER, RunsChanged()), (SCHEDULES, names.SCHEDULER, Look())],
)
def test_a_hint_from_another_connection_is_passed_to_whom_it_concerns(
    listener: Ref, still: ThreadRuntime, books: Books, topic: str, name: str, message: object
) -> None:
    books.database.perform(lambda connection: notify(connection, topic))

    assert eventually(lambda: heard(still, name) == [*AT_FIRST[name], message])
    assert all_heard(still) == {**AT_FIRST, name: [*AT_FIRST[name], message]}


def test_a_switch_that_was_turned_is_told_to_everybody(listener: Ref, still: ThreadRuntime, books: Books) -> None:
    books.database.perform(lambda connection: notify(connection, SWITCHES))

    assert eventually(lambda: all_heard(still) == {name: told * 2 for name, told in AT_FIRST.items()})


def test_a_lost_connection_comes_back_and_what_was_missed_is_made_up_for(
    listener: Ref, still: ThreadRuntime, books: Books, clock: ManualClock, events: RecordedEvents
) -> None:
    books.change(CUT)
    events.wait_for("listener.lost")
    assert eventually(lambda: listener.process.mailbox.next_due() is not None)

    clock.advance(RETRY_S)

    assert eventually(lambda: heard(still, names.CLAIMER) == [Wake()] * 2)
    books.database.perform(lambda connection: notify(connection, JOBS))
    assert eventually(lambda: heard(still, names.CLAIMER) == [Wake()] * 3)


def test_a_database_that_is_not_there_is_tried_again_and_again_and_told_of_once(
    still: ThreadRuntime, clock: ManualClock, events: RecordedEvents
) -> None:
    listener = still.start(Listener, "postgresql://nobody@/nothing?host=/nowhere")
    assert listener is not None

    for _ in range(3):
        assert eventually(lambda: listener.process.mailbox.next_due() is not None)
        clock.advance(RETRY_S)

    assert eventually(lambda: listener.process.mailbox.next_due() is not None)
    assert len(events.of("listener.lost")) == 1


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_its_thread_ends_with_it(listener: Ref, still: ThreadRuntime, way: str) -> None:
    connection = next(thread for thread in threading.enumerate() if thread.name.endswith("/connection"))

    still.stop(listener) if way == "stop" else still.kill(listener)
    connection.join(2)

    assert not connection.is_alive()
