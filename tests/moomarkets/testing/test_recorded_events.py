from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from moomarkets.testing.recorded_events import RecordedEvents


def test_events_are_found_by_name_and_by_some_of_their_fields() -> None:
    events = RecordedEvents()

    events.emit("child.started", child="web", attempt=1)
    events.emit("child.started", child="pruner", attempt=1)

    assert events.names == ["child.started", "child.started"]
    assert [event.fields["child"] for event in events.of("child.started", attempt=1)] == ["web", "pruner"]
    assert events.of("child.started", child="cook") == []


def test_a_waiter_wakes_when_the_event_comes_from_another_thread() -> None:
    events = RecordedEvents()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(events.wait_for, "child.started", times=2, child="web")
        events.emit("child.started", child="web", n=1)
        events.emit("child.started", child="web", n=2)

        assert waiting.result(10).fields["n"] == 2


def test_an_event_that_does_not_come_is_an_assertion_error_with_what_came() -> None:
    events = RecordedEvents()
    events.emit("child.terminated")

    with pytest.raises(AssertionError, match=r"child\.started .*expected 1, got 0 among \['child\.terminated'\]"):
        events.wait_for("child.started", timeout_s=0)


def test_names_that_are_not_listed_are_told() -> None:
    events = RecordedEvents()

    events.emit("child.started")
    events.emit("child.danced")

    assert events.unlisted == {"child.danced"}
