"""A plan asks in the cheapest way, keeps to its codes and its budget, and knows where whole days cover single codes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, JQUANTS
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import PlannedJob
from moomarkets.domain.listing import Listing
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import PlanView
from tests.moomarkets.jobtypes.views import tokyo, view

NOW = tokyo("2026-11-20")
SEPTEMBER = {"from": "2026-09-01", "to": "2026-09-30"}
LIGHT = replace(view(NOW), subscription=Subscription.of(JQUANTS, "light"))


def planned(scope: dict[str, object], seen: PlanView = LIGHT) -> list[PlannedJob]:
    return DatasetUpkeep("jquants", DAILY_BARS_ENDPOINT).plan(seen, scope)


def test_a_month_that_is_over_is_one_file_and_on_the_free_plan_one_request_a_day() -> None:
    free = replace(LIGHT, subscription=Subscription.of(JQUANTS, "free"))

    (file,) = planned(SEPTEMBER)

    assert file.parameters["bulk"] == {"dataset": "daily_bars", "period": "2026-09"}
    assert len(planned(SEPTEMBER, free)) == 19


def test_the_newest_days_do_not_wait_for_a_file_unless_it_is_asked_for() -> None:
    assert all("bulk" not in job.parameters for job in planned({"newest": 40}))
    assert any("bulk" in job.parameters for job in planned({"newest": 40, "way": "bulk"}))


def test_codes_are_asked_for_as_ranges_and_four_characters_mean_the_common_share() -> None:
    (job,) = planned({**SEPTEMBER, "codes": ["7203"]})

    assert job.parameters["request"] == {"code": "72030", "from": "2026-09-01", "to": "2026-09-30"}
    assert (job.parameters["key"], job.symbol) == ("72030", "72030")


def test_a_code_is_asked_for_only_from_its_listing_on_and_not_where_whole_days_are_here() -> None:
    whole = Covered(ALL, date(2026, 9, 28), date(2026, 9, 30), NOW)
    seen = replace(LIGHT, listings={"130A0": Listing(from_on=date(2026, 9, 10))}, covered=[whole])

    (job,) = planned({**SEPTEMBER, "codes": ["130A"]}, seen)

    assert job.parameters["request"] == {"code": "130A0", "from": "2026-09-10", "to": "2026-09-25"}


def test_many_codes_of_few_days_are_asked_for_by_date() -> None:
    jobs = planned({"from": "2026-11-19", "to": "2026-11-20", "codes": ["7203", "6758", "9984"]})

    assert [job.parameters["key"] for job in jobs] == [ALL, ALL]


def test_a_budget_leaves_the_rest_to_the_next_run() -> None:
    jobs = planned({**SEPTEMBER, "way": "date", "max_requests": 5})

    assert jobs[0].parameters["from"] == "2026-09-30"
    assert len(jobs) == 5


def test_codes_of_a_dataset_without_codes_are_refused() -> None:
    topix = DatasetUpkeep("jquants", JQUANTS.endpoint("topix_bars"))

    with pytest.raises(InvalidInput, match="scope codes: expected none, as topix_bars is not about single issues"):
        topix.plan(LIGHT, {"codes": ["7203"]})
