from __future__ import annotations

from datetime import date, timedelta

import pytest

from datasources.jquants.plans import PLANS
from moomarkets.domain.errors import InvalidInput
from moomarkets.jobtypes.daily_quotes import DailyQuotes
from tests.moomarkets.jobtypes.views import fetched, tokyo, view

NOW = tokyo("2026-11-20")


def keys(scope: dict[str, object], **seen: object) -> list[str]:
    return [job.key for job in DailyQuotes().plan(view(NOW, **seen), scope)]  # type: ignore[arg-type]


def test_by_default_the_newest_20_trading_days_are_kept_the_newest_first() -> None:
    days = keys({})

    assert len(days) == 20
    assert (days[0], days[-1]) == ("2026-11-20", "2026-10-23")
    # A holiday and weekends lie between.
    assert "2026-11-03" not in days
    assert days == sorted(days, reverse=True)


def test_a_scope_may_ask_for_more_or_fewer_days() -> None:
    assert keys({"newest": 2}) == ["2026-11-20", "2026-11-19"]


def test_a_scope_may_ask_for_a_range_with_both_ends() -> None:
    assert keys({"from": "2026-11-02", "to": "2026-11-05"}) == ["2026-11-05", "2026-11-04", "2026-11-02"]
    assert keys({"from": "2026-11-19"}) == ["2026-11-20", "2026-11-19"]
    assert keys({"newest": 2, "to": "2026-11-05"}) == ["2026-11-05", "2026-11-04"]


def test_a_day_is_not_asked_for_before_it_is_published() -> None:
    before_publication = view(tokyo("2026-11-20", 16, 59))

    assert [job.key for job in DailyQuotes().plan(before_publication, {"newest": 1})] == ["2026-11-19"]


def test_the_free_plan_reaches_september_2026_from_january_2027() -> None:
    now = tokyo("2027-01-04", 17)
    first_on, last_on = PLANS["free"].reach(now.date())

    jobs = DailyQuotes().plan(view(now, first_on=first_on, last_on=last_on), {"from": "2026-09-01", "to": "2026-09-30"})

    assert len(jobs) == 19
    assert (jobs[0].key, jobs[-1].key) == ("2026-09-30", "2026-09-01")
    assert not {"2026-09-21", "2026-09-22", "2026-09-23"} & {job.key for job in jobs}


def test_nothing_is_asked_for_outside_of_what_the_subscription_reaches() -> None:
    reach = {"first_on": date(2026, 11, 5), "last_on": date(2026, 11, 6)}

    assert keys({"from": "0001-01-01", "to": "9999-12-31"}, **reach) == ["2026-11-05", "2026-11-06"]
    assert keys({"newest": 3}, **reach) == ["2026-11-05", "2026-11-06"]


def test_a_job_says_what_to_fetch_and_which_partition_that_is() -> None:
    (job,) = DailyQuotes().plan(view(NOW), {"newest": 1})

    assert (job.job_type, job.name, job.symbol) == ("daily_quotes", "daily bars of 2026-11-20", None)
    assert job.parameters == {
        "key": "ALL", "from": "2026-11-20", "to": "2026-11-20", "request": {"date": "2026-11-20"},
    }  # fmt: skip


def test_after_everything_was_fetched_nothing_is_planned_until_the_next_trading_day() -> None:
    first = DailyQuotes().plan(view(NOW), {})
    covered = fetched(first, NOW)

    assert DailyQuotes().plan(view(NOW, covered), {}) == []
    # The 23rd is a holiday: its evening brings nothing new.
    assert DailyQuotes().plan(view(tokyo("2026-11-23"), covered), {}) == []
    assert [job.key for job in DailyQuotes().plan(view(tokyo("2026-11-24"), covered), {})] == ["2026-11-24"]


def test_what_was_fetched_before_it_was_published_is_fetched_again() -> None:
    early = fetched(DailyQuotes().plan(view(NOW), {"newest": 1}), NOW - timedelta(hours=2))

    assert keys({"newest": 1}, covered=early) == ["2026-11-20"]


@pytest.mark.parametrize(
    "scope",
    [
        {"newest": 0}, {"newest": 10_001}, {"newest": "5"}, {"newest": True}, {"newest": 1.5},
        {"from": "yesterday"}, {"from": "20261120"}, {"from": "2026-W47-5"}, {"from": "2026-02-30"}, {"from": 20261120},
        {"to": ""},
    ],
)  # fmt: skip
def test_a_scope_that_makes_no_sense_is_refused(scope: dict[str, object]) -> None:
    with pytest.raises(InvalidInput, match=rf"scope {next(iter(scope))}: expected"):
        DailyQuotes().plan(view(NOW), scope)
