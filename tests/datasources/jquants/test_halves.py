"""A range that is too large for one answer is asked for in halves."""

from __future__ import annotations

from datetime import date

import pytest

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, TOPIX_BARS_ENDPOINT
from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, json_answer
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.source import Endpoint
from tests.datasources.support import ScriptedProvider, jquants_client, json_sample

MOST_DAYS = 3


def script(question: Question) -> Answer:
    """One row a day; more than three days are too many."""
    first, last = (date.fromisoformat(question.query[name]) for name in ("from", "to"))
    days = [date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1)]
    if len(days) > MOST_DAYS:
        return json_sample("v1_error_413_too_large")
    return json_answer(200, {"data": [{"Date": str(day), "O": 1, "H": 1, "L": 1, "C": 1} for day in days]})


def fetch(endpoint: Endpoint, parameters: dict[str, str], answer: object = script) -> object:
    with ScriptedProvider(answer) as provider:  # type: ignore[arg-type]
        client = jquants_client(provider.url)
        try:
            return client.fetch_data(endpoint, parameters, CancelToken())
        finally:
            client.close()


def test_a_range_is_cut_until_every_part_is_answered() -> None:
    batch = fetch(TOPIX_BARS_ENDPOINT, {"from": "2026-11-01", "to": "2026-11-10"})

    assert [row[0] for row in batch.rows] == [date(2026, 11, day) for day in range(1, 11)]  # type: ignore[attr-defined]
    assert batch.pages == 4  # type: ignore[attr-defined]
    assert batch.requests == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize("parameters", [{"date": "2026-11-20"}, {"from": "2026-11-20", "to": "2026-11-20"}])
def test_a_day_cannot_be_cut_and_the_error_says_what_to_do(parameters: dict[str, str]) -> None:
    with pytest.raises(SourceError) as caught:
        fetch(DAILY_BARS_ENDPOINT, parameters, lambda question: json_sample("v1_error_413_too_large"))

    assert (caught.value.reason, caught.value.status) == (Reason.TOO_LARGE, 413)
    assert "ask for fewer days, or by code" in caught.value.detail


def test_another_error_is_not_met_with_halves() -> None:
    with pytest.raises(SourceError) as caught:
        fetch(
            TOPIX_BARS_ENDPOINT,
            {"from": "2026-11-01", "to": "2026-11-10"},
            lambda question: json_sample("v2_error_500_server"),
        )

    assert caught.value.reason is Reason.UPSTREAM
