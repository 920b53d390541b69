from __future__ import annotations

from moomarkets.store.outage import Outage
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents


def test_an_outage_is_told_once_and_then_once_a_minute_however_often_it_is_met() -> None:
    events, clock = RecordedEvents(), ManualClock()
    outage = Outage(events, clock, path="root/x")

    for _ in range(1000):
        outage.failed("refused", waiting=3)
        clock.advance(0.125)

    told = [event.fields for event in events.of("store.unavailable")]
    assert [fields["seconds"] for fields in told] == [0, 60, 120]
    assert told[0] == {"path": "root/x", "waiting": 3, "error": "refused", "seconds": 0}


def test_its_end_is_told_with_how_long_it_was_and_the_next_one_at_once() -> None:
    events, clock = RecordedEvents(), ManualClock()
    outage = Outage(events, clock, path="root/x")

    outage.failed("refused")
    clock.advance(2.5)
    outage.worked()
    outage.failed("refused")

    assert events.names == ["store.unavailable", "store.recovered", "store.unavailable"]
    assert events.of("store.recovered")[0].fields == {"path": "root/x", "seconds": 2.5}
    assert not events.unlisted


def test_nothing_is_told_where_nothing_was_wrong() -> None:
    events = RecordedEvents()

    Outage(events, ManualClock()).worked()

    assert events.all == []
