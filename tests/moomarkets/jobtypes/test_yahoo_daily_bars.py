from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.jobtypes.yahoo_daily_bars import YahooDailyBars
from tests.moomarkets.jobtypes.views import fetched, view

# Friday evening in New York, after the close and before it.
CLOSED, OPEN = datetime(2026, 11, 20, 21, 30, tzinfo=UTC), datetime(2026, 11, 20, 20, tzinfo=UTC)


def test_each_symbol_is_one_job_with_its_whole_range() -> None:
    jobs = YahooDailyBars().plan(view(CLOSED), {"symbols": ["AAPL", "7203.T", "AAPL"]})

    assert [(job.key, job.symbol, job.job_type) for job in jobs] == [
        ("AAPL", "AAPL", "yahoo_daily_bars"), ("7203.T", "7203.T", "yahoo_daily_bars"),
    ]  # fmt: skip
    assert jobs[0].parameters == {
        "key": "AAPL", "from": "2025-01-01", "to": "2026-11-20",
        "request": {"symbol": "AAPL", "from": "2025-01-01", "to": "2026-11-20"},
    }  # fmt: skip


def test_before_the_close_the_day_before_is_the_newest() -> None:
    (job,) = YahooDailyBars().plan(view(OPEN), {"symbols": ["AAPL"], "from": "2026-11-02"})

    assert (job.parameters["from"], job.parameters["to"]) == ("2026-11-02", "2026-11-19")


def test_a_symbol_is_fetched_again_as_a_whole_once_there_is_a_newer_day() -> None:
    scope: dict[str, object] = {"symbols": ["AAPL", "MSFT"]}
    first = YahooDailyBars().plan(view(OPEN), scope)
    covered = fetched(first, OPEN)

    assert YahooDailyBars().plan(view(OPEN, covered), scope) == []
    again = YahooDailyBars().plan(view(CLOSED, fetched(first[:1], OPEN) + fetched(first[1:], CLOSED)), scope)
    assert [job.parameters["to"] for job in again] == ["2026-11-20", "2026-11-20"]


def test_a_new_symbol_is_fetched_alone() -> None:
    covered = fetched(YahooDailyBars().plan(view(CLOSED), {"symbols": ["AAPL"]}), CLOSED)

    jobs = YahooDailyBars().plan(view(CLOSED, covered), {"symbols": ["AAPL", "MSFT"]})

    assert [job.key for job in jobs] == ["MSFT"]


def test_a_range_that_is_over_is_fetched_once() -> None:
    scope: dict[str, object] = {"symbols": ["AAPL"], "from": "2026-01-01", "to": "2026-06-30"}
    covered = fetched(YahooDailyBars().plan(view(OPEN), scope), OPEN)

    assert YahooDailyBars().plan(view(CLOSED, covered), scope) == []


@pytest.mark.parametrize(
    "symbols",
    [None, [], "AAPL", ["A/B"], ["A B"], [""], ["A" * 33], ["A?x=1"], ["A#"], [7203], ["A\n"]],
)
def test_symbols_that_cannot_be_one_are_refused(symbols: object) -> None:
    with pytest.raises(InvalidInput, match="scope symbols: expected"):
        YahooDailyBars().plan(view(CLOSED), {"symbols": symbols})


def test_a_range_that_begins_after_its_end_is_refused() -> None:
    with pytest.raises(InvalidInput, match="scope from: expected a date up to 2026-11-20"):
        YahooDailyBars().plan(view(CLOSED), {"symbols": ["AAPL"], "from": "2026-11-21"})
