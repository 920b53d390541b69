from __future__ import annotations

from moomarkets.jobtypes.listed_companies import ListedCompanies
from tests.moomarkets.jobtypes.views import fetched, tokyo, view

FRIDAY = tokyo("2026-11-20", 18)


def test_one_request_without_a_date_brings_the_newest_list() -> None:
    (job,) = ListedCompanies().plan(view(FRIDAY), {})

    assert (job.key, job.job_type) == ("listed_companies", "listed_companies")
    assert job.parameters == {"key": "ALL", "from": "2026-11-20", "to": "2026-11-20", "request": {}}


def test_the_list_is_asked_for_again_once_a_newer_one_is_out() -> None:
    covered = fetched(ListedCompanies().plan(view(FRIDAY), {}), FRIDAY)

    assert ListedCompanies().plan(view(FRIDAY, covered), {}) == []
    assert ListedCompanies().plan(view(tokyo("2026-11-24", 17, 44), covered), {}) == []
    assert len(ListedCompanies().plan(view(tokyo("2026-11-24", 17, 45), covered), {})) == 1
