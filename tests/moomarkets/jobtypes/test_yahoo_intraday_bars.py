from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import PlannedJob
from moomarkets.jobtypes.yahoo_intraday_bars import YahooIntradayBars
from tests.moomarkets.jobtypes.views import fetched, view

# Friday evening in New York.
NOW = datetime(2026, 11, 20, 23, tzinfo=UTC)


def plan(scope: dict[str, object], now: datetime = NOW, done: list[PlannedJob] | None = None) -> list[PlannedJob]:
    return YahooIntradayBars().plan(view(now, fetched(done or [], now)), scope)


def stretches(jobs: list[PlannedJob]) -> list[tuple[object, object]]:
    return [(job.parameters["from"], job.parameters["to"]) for job in jobs]


def test_what_is_forgotten_first_is_fetched_first_in_as_few_requests_as_possible() -> None:
    jobs = plan({"symbols": ["AAPL"]})

    assert stretches(jobs) == [
        ("2026-10-23", "2026-10-28"), ("2026-10-29", "2026-11-03"), ("2026-11-04", "2026-11-09"),
        ("2026-11-10", "2026-11-13"), ("2026-11-16", "2026-11-20"),
    ]  # fmt: skip
    assert jobs[0].parameters["request"] == {
        "symbol": "AAPL", "interval": "1m", "from": "2026-10-23", "to": "2026-10-28",
    }  # fmt: skip


def test_symbols_take_turns_by_what_is_forgotten_first() -> None:
    jobs = plan({"symbols": ["AAPL", "MSFT"]})

    assert [job.symbol for job in jobs[:4]] == ["AAPL", "MSFT", "AAPL", "MSFT"]


def test_longer_bars_are_kept_longer_and_by_themselves() -> None:
    five = plan({"symbols": ["AAPL"], "interval": "5m"})

    assert stretches(five) == [("2026-09-23", "2026-10-22"), ("2026-10-23", "2026-11-20")]
    assert len(plan({"symbols": ["AAPL"]}, done=five)) == 5


def test_a_day_later_only_the_new_day_is_asked_for() -> None:
    scope: dict[str, object] = {"symbols": ["AAPL"]}
    done = plan(scope)

    assert plan(scope, done=done) == []
    monday = YahooIntradayBars().plan(view(NOW + timedelta(days=3), fetched(done, NOW)), scope)
    assert stretches(monday) == [("2026-11-23", "2026-11-23")]


@pytest.mark.parametrize("interval", ["7m", "1d", "", None, 1])
def test_an_interval_that_does_not_exist_is_refused(interval: object) -> None:
    with pytest.raises(InvalidInput, match="scope interval: expected one of 1m, 5m, 15m, 30m, 60m, got"):
        plan({"symbols": ["AAPL"], "interval": interval})
