from __future__ import annotations

from moomarkets.jobtypes.trading_calendar import TradingCalendar
from tests.moomarkets.jobtypes.views import fetched, tokyo, view

WEDNESDAY = tokyo("2026-11-25")


def test_the_calendar_is_that_of_the_weeks_monday_in_tokyo() -> None:
    (job,) = TradingCalendar().plan(view(WEDNESDAY), {})

    assert job.parameters == {"key": "ALL", "from": "2026-11-23", "to": "2026-11-23", "request": {}}


def test_the_calendar_is_asked_for_once_a_week_from_monday_7_in_tokyo() -> None:
    covered = fetched(TradingCalendar().plan(view(WEDNESDAY), {}), WEDNESDAY)

    assert TradingCalendar().plan(view(tokyo("2026-11-30", 6, 59), covered), {}) == []
    assert len(TradingCalendar().plan(view(tokyo("2026-11-30", 7), covered), {})) == 1
