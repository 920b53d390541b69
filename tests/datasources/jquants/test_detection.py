"""What a key is subscribed to is found out with few requests."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from datasources.jquants.plans import PLANS
from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, json_answer
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.learnt import Readable
from moomarkets.domain.source import Detected
from moomarkets.testing.manual_clock import ManualClock
from tests.datasources.support import ScriptedProvider, jquants_client, simulate_jquants

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOT_IN_PLAN = json_answer(403, {"message": "This API is not available on your subscription. More"})


def detect(base_url: str, key: str = "test-key-7f3a9c") -> Detected:
    client = jquants_client(base_url, key=key, clock=ManualClock(NOW))
    try:
        return client.detect_plan(CancelToken())
    finally:
        client.close()


@pytest.mark.parametrize("plan", list(PLANS))
def test_the_plan_is_told_from_one_refusal(plan: str) -> None:
    with simulate_jquants(plan) as simulator:
        found = detect(simulator.base_url)

    assert (found.plan, found.readable) == (plan, Readable(*PLANS[plan].reach(date(2026, 11, 20))))
    assert found.add_ons == ()
    assert found.requests == (1 if plan == "free" else 3)


@pytest.mark.parametrize("add_ons", [("minute",), ("tdnet",), ("minute", "tdnet")])
def test_add_ons_are_told_apart(add_ons: tuple[str, ...]) -> None:
    with simulate_jquants("light", addons=add_ons) as simulator:
        assert detect(simulator.base_url).add_ons == add_ons


@pytest.mark.parametrize(
    ("allowed", "plan", "requests"),
    [
        ((), "free", 3),
        (("/equities/investor-types",), "light", 5),
        (("/markets/short-ratio",), "standard", 5),
        (("/markets/short-ratio", "/fins/details"), "premium", 5),
    ],
)
def test_where_no_window_is_named_endpoints_tell_the_plan(allowed: tuple[str, ...], plan: str, requests: int) -> None:
    def script(question: Question) -> Answer:
        if question.path in (*allowed, "/equities/bars/daily"):
            return json_answer(200, {"data": []})
        return NOT_IN_PLAN

    with ScriptedProvider(script) as provider:
        found = detect(provider.url)

    assert (found.plan, found.requests) == (plan, requests)


def test_a_refused_key_is_an_error_after_one_request() -> None:
    with simulate_jquants() as simulator:
        with pytest.raises(SourceError) as caught:
            detect(simulator.base_url, key="another-key")

        assert len(simulator.ledger.entries()) == 1
    assert caught.value.reason is Reason.AUTH


def test_documents_of_a_disclosure_are_signed_addresses_without_the_key() -> None:
    with simulate_jquants("light", issues=60, today=date(2026, 11, 12), addons=("tdnet",)) as simulator:
        client = jquants_client(simulator.base_url)
        listed = client.fetch_data(client.spec.endpoint("disclosures"), {"date": "2026-11-12"}, CancelToken())
        number = str(listed.rows[0][0])

        all_of_it = client.disclosure_files(number, (), CancelToken())
        only_pdf = client.disclosure_files(number, ["g"], CancelToken())
        made, archive = client.disclosure_archive(CancelToken())
        client.close()

    assert len(only_pdf) == 1
    assert set(only_pdf) <= set(all_of_it)
    assert made.startswith("2026-11-12")
    assert all(url.startswith("http") and "test-key" not in url for url in (*all_of_it.values(), archive))
