from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from datasources.jquants.endpoints import JQUANTS
from moomarkets.domain.coverage import Covered
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import PlanView
from moomarkets.jobtypes.registry import job_types
from moomarkets.testing.recorded_events import RecordedEvents
from tests.moomarkets.jobtypes.views import fetched, tokyo, view

NOW = tokyo("2026-11-20")
PREMIUM = Subscription.of(JQUANTS, "premium")


def kept(name: str) -> DatasetUpkeep:
    return DatasetUpkeep("jquants", JQUANTS.endpoint(name))


def requests(name: str, scope: dict[str, object], seen: PlanView) -> list[object]:
    return [job.parameters["request"] for job in kept(name).plan(seen, scope)]


def test_every_endpoint_that_can_be_asked_has_a_job_type() -> None:
    types = job_types(RecordedEvents())

    asked = {endpoint.dataset.name for endpoint in JQUANTS.endpoints if endpoint.upkeep is not None}

    assert asked == {found.dataset for found in types.values() if found.source == "jquants"}
    assert all(found.default_schedule for found in types.values() if found.source)


def test_a_day_is_asked_for_by_the_parameter_of_its_endpoint() -> None:
    assert requests("valuations", {"newest": 1}, view(NOW)) == [{"date": "2026-11-20"}]
    assert requests("short_sale_reports", {"newest": 1}, view(tokyo("2026-11-20", 19))) == [{"disc_date": "2026-11-20"}]


def test_a_range_comes_in_one_request_from_the_first_gap_to_the_last() -> None:
    seen = view(NOW, first_on=date(2026, 11, 2))

    assert requests("topix_bars", {}, seen) == [{"from": "2026-11-02", "to": "2026-11-20"}]
    done = [Covered("ALL", date(2026, 11, 2), date(2026, 11, 17), NOW)]
    assert requests("topix_bars", {}, view(NOW, done)) == [{"from": "2008-05-07", "to": "2026-11-20"}]
    assert requests("topix_bars", {"newest": 20}, view(NOW, done, first_on=date(2026, 11, 2))) == [
        {"from": "2026-11-18", "to": "2026-11-20"}
    ]


def test_of_what_cannot_be_asked_for_later_only_the_newest_state_is_planned() -> None:
    (job,) = kept("earnings_calendar").plan(view(tokyo("2026-11-20", 20)), {"newest": 5})

    assert job.parameters["request"] == {}
    assert job.key == "earnings_calendar 2026-11-20"


def test_a_day_is_fetched_once_more_after_its_final_publication() -> None:
    evening, night = tokyo("2026-11-20", 19), tokyo("2026-11-21", 1)
    first = fetched(kept("financial_summaries").plan(view(evening), {"newest": 1}), evening)

    assert kept("financial_summaries").plan(view(night - timedelta(minutes=1), first), {"newest": 1}) == []
    assert len(kept("financial_summaries").plan(view(night, first), {"newest": 1})) == 1


def test_weekly_figures_cost_one_request_a_week() -> None:
    scope = {"from": "2026-04-06", "to": "2026-04-24"}

    assert requests("margin_interest", scope, view(NOW)) == [{"date": f"2026-04-{day}"} for day in ("24", "17", "10")]


def test_what_the_subscription_does_not_include_is_refused_before_anything_is_sent() -> None:
    seen = PlanView(NOW, view(NOW).calendar, [], date.min, None, Subscription.of(JQUANTS, "light"))

    with pytest.raises(AttemptError, match="expected a subscription with premium") as refused:
        kept("breakdowns").plan(seen, {})

    assert refused.value.reason is Reason.PLAN_RESTRICTED


def test_where_files_are_refused_days_are_asked_for_one_by_one_and_what_comes_in_files_alone_is_not() -> None:
    refused = replace(PREMIUM, refused=frozenset({"files of daily_bars", "files of trades"}))
    seen = replace(view(NOW), subscription=refused)

    jobs = kept("daily_bars").plan(seen, {"from": "2024-01-01", "to": "2025-12-31"})

    assert all("bulk" not in job.parameters for job in jobs)
    with pytest.raises(AttemptError):
        kept("trades").plan(seen, {"newest": 1})
