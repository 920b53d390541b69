"""A scope is refused at save where none of the group's job types knows what it says."""

from __future__ import annotations

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import GroupDefinition
from moomarkets.jobtypes.registry import job_types
from moomarkets.services.group_checks import check_group, scope_keys
from moomarkets.testing.recorded_events import RecordedEvents


def check(scope: dict[str, object], *types: str) -> None:
    known = job_types(RecordedEvents())
    definition = GroupDefinition("mine", "jquants", types or ("daily_quotes",), scope=scope)
    check_group(definition, [*known, "foreign"], {**scope_keys(known), "foreign": None})


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ({"newst": 20}, r"did you mean newest\?\), got 'newst'"),
        ({"symbols": ["AAPL"]}, "scope: expected only codes, from"),
        ({"newest": 0}, "scope newest: expected a whole number from 1"),
        ({"from": "2024-02-30"}, "scope from: expected a date as YYYY-MM-DD"),
        ({"from": "2026-09-02", "to": "2026-09-01"}, "scope from: expected a date up to that of `to`"),
        ({"way": "bulc"}, r"did you mean bulk\?"),
        ({"codes": "7203"}, "scope codes: expected a list of at least one code"),
        ({"max_requests": True}, "scope max_requests: expected a whole number"),
        ({"ranges": [["2026-09-02", "2026-09-01"]]}, "scope ranges: expected pairs"),
        ({"ranges": [["2026-09-01", "2026-09-02"]], "from": "2026-09-01"}, "either ranges, or from and to"),
    ],
)
def test_what_no_job_type_of_the_group_knows_is_refused_with_the_nearest_word(
    scope: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        check(scope)


def test_a_scope_is_that_of_all_job_types_together() -> None:
    check({"newest": 5, "symbols": ["AAPL"]}, "daily_quotes", "yahoo_daily_bars")


def test_beside_a_job_type_from_elsewhere_anything_goes() -> None:
    check({"colour": "blue"}, "daily_quotes", "foreign")
