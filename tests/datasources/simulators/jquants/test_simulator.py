"""The simulated J-Quants: order of checks, plan windows, pages, limits and publication times."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from datasources.jquants.plans import PLANS
from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.limits import Window
from moomarkets.testing.manual_clock import ManualClock
from tests.datasources.simulators.jquants.asking import GENEROUS, ask

TODAY = date(2026, 11, 20)


def dates(content: Any) -> set[str]:
    return {row["Date"] for row in content["data"]}


@pytest.fixture
def simulator() -> Iterator[JQuantsSimulator]:
    with JQuantsSimulator(today=TODAY, limit=GENEROUS, issues=12) as simulator:
        yield simulator


def at(instant: str) -> JQuantsSimulator:
    """A simulator whose clock stands still at an instant in Tokyo."""
    start = datetime.fromisoformat(f"{instant}+09:00")
    return JQuantsSimulator(clock=ManualClock(start.astimezone(UTC)), limit=GENEROUS, issues=9)


def test_the_checks_come_in_their_order() -> None:
    with JQuantsSimulator(today=TODAY, limit=Window(1, 60), issues=9) as simulator:
        answers = [
            ask(simulator, "/nowhere", key=None),
            ask(simulator, "/equities/master", key=None, method="POST"),
            ask(simulator, "/indices/bars/daily", key=None),
            ask(simulator, "/indices/bars/daily", key="bad"),
            ask(simulator, "/indices/bars/daily"),
            ask(simulator, "/equities/bars/daily"),
        ]

    found = [(status, content["message"][:28]) for status, content in answers]
    assert found == [
        (403, "The requested endpoint does "),
        (403, "The requested endpoint does "),
        (403, "The api key is required."),
        (403, "The incoming api key is inva"),
        (403, "This API is not available on"),
        (429, "Too Many Requests"),
    ]


@pytest.mark.parametrize(
    ("plan", "first", "last"),
    [
        ("free", "2024-08-28", "2026-08-28"),
        ("light", "2021-11-20", ""),
        ("standard", "2016-11-20", ""),
        ("premium", "2006-11-20", ""),
    ],
)
def test_a_plan_reaches_as_far_as_it_says(plan: str, first: str, last: str) -> None:
    with JQuantsSimulator(plan, today=TODAY, limit=GENEROUS, issues=9) as simulator:
        status, content = ask(simulator, "/equities/bars/daily", date="19990104")
        inside, _ = ask(simulator, "/equities/bars/daily", date=first)
        after, _ = ask(simulator, "/equities/bars/daily", date="20261120")

    assert (status, inside, after) == (400, 200, 400 if last else 200)
    assert f"covers the following dates: {first} ~ {last}." in content["message"]
    assert simulator.limit == GENEROUS != PLANS[plan].windows[0]


def test_a_range_that_leaves_the_plan_window_is_refused(simulator: JQuantsSimulator) -> None:
    status, content = ask(simulator, "/equities/bars/daily", code="99010", from_="20150101", to="20261101")

    assert status == 400
    assert "2021-11-20 ~" in content["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"date": "20240230"},
        {"date": "soon"},
        {"code": "99010", "from_": "2026-11-20", "to": "2026-11-19"},
        {"code": "1"},
        {"date": "2026-11-20", "pagination_key": "garbage"},
    ],
)
def test_a_bad_parameter_is_a_400(simulator: JQuantsSimulator, query: dict[str, str]) -> None:
    assert ask(simulator, "/equities/bars/daily", **query)[0] == 400


def test_pages_are_cut_by_bytes_and_their_keys_fit_one_query_only() -> None:
    with JQuantsSimulator(today=TODAY, limit=GENEROUS, issues=12, page_bytes=600) as simulator:
        keys, rows, key = [], [], ""
        while True:
            _, content = ask(simulator, "/equities/bars/daily", date="2026-11-20", pagination_key=key)
            rows += content["data"]
            key = content.get("pagination_key", "")
            if not key:
                break
            keys.append(key)
        other, _ = ask(simulator, "/equities/bars/daily", date="2026-11-19", pagination_key=keys[0])

    assert len({row["Code"] for row in rows}) == len(rows) == 11
    assert len(set(keys)) == len(keys) >= 3
    assert other == 400


def test_the_limit_slides_and_an_overrun_is_blocked() -> None:
    clock = ManualClock()
    with JQuantsSimulator(clock=clock, limit=Window(2, 60), block_after=1, issues=9) as simulator:

        def status() -> int:
            return ask(simulator, "/markets/calendar", from_="2026-11-20", to="2026-11-20")[0]

        within = [status(), status(), status()]
        clock.advance(60)
        after = status()
        blocked = [status(), status(), status(), status()]
        clock.advance(61)
        still = status()
        clock.advance(300)
        free = status()

    assert (within, after, blocked, still, free) == ([200, 200, 429], 200, [200, 429, 429, 429], 429, 200)


def test_a_429_names_no_wait() -> None:
    with JQuantsSimulator(today=TODAY, limit=Window(1, 60), issues=9) as simulator:
        for _ in range(2):
            connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
            connection.request("GET", "/v2/markets/calendar?to=2008-01-04", headers={"x-api-key": DEMO_KEY})
            answer = connection.getresponse()
            answer.read()
            connection.close()

    assert answer.status == 429
    assert answer.getheader("Retry-After") is None


def test_each_key_has_its_own_limit() -> None:
    with JQuantsSimulator(keys=["a", "b"], today=TODAY, limit=Window(1, 60), issues=9) as simulator:
        found = [ask(simulator, "/markets/calendar", key=key)[0] for key in ("a", "b", "a", "b")]

    assert found == [200, 200, 429, 429]
    assert [(entry.key, entry.status) for entry in simulator.ledger.entries()] == [
        ("a", 200),
        ("b", 200),
        ("a", 429),
        ("b", 429),
    ]


@pytest.mark.parametrize(("instant", "count"), [("2026-11-20T16:29", 0), ("2026-11-20T16:30", 8)])
def test_bars_of_today_appear_at_half_past_four(instant: str, count: int) -> None:
    with at(instant) as simulator:
        _, content = ask(simulator, "/equities/bars/daily", date="20261120")

    assert len(content["data"]) == count


@pytest.mark.parametrize(
    ("instant", "query", "shown"),
    [
        ("2026-11-19T17:29", {}, "2026-11-19"),
        ("2026-11-19T17:29", {"date": "2026-11-20"}, "2026-11-19"),
        ("2026-11-19T17:30", {"date": "2026-11-20"}, "2026-11-20"),
        ("2026-11-20T17:30", {"date": "2030-01-01"}, "2026-11-24"),
        ("2026-11-21T12:00", {}, "2026-11-24"),
        ("2026-11-20T12:00", {"date": "2026-11-15"}, "2026-11-16"),
    ],
)
def test_the_list_of_issues_carries_the_date_that_it_is_for(instant: str, query: dict[str, str], shown: str) -> None:
    with at(instant) as simulator:
        _, content = ask(simulator, "/equities/master", **query)

    assert dates(content) == {shown}


def test_a_split_changes_the_adjusted_prices_of_the_past_only_once_it_happened() -> None:
    def adjusted(instant: str) -> tuple[float, float]:
        with at(instant) as simulator:
            _, content = ask(simulator, "/equities/bars/daily", code="99010", date="2026-09-30")
        return content["data"][0]["C"], content["data"][0]["AdjC"]

    before, after = adjusted("2026-09-30T20:00"), adjusted("2026-10-01T20:00")

    assert before[0] == before[1] == after[0]
    assert after[1] == round(after[0] * 0.5, 1)


def test_a_factor_may_be_corrected_later() -> None:
    def factor(instant: str) -> float:
        with at(instant) as simulator:
            _, content = ask(simulator, "/equities/bars/daily", code="99080", date="2026-05-11")
        return float(content["data"][0]["AdjFactor"])

    assert (factor("2026-06-26T20:00"), factor("2026-06-29T20:00")) == (0.98, 1.0)


def test_issues_come_and_go(simulator: JQuantsSimulator) -> None:
    def codes(day: str) -> set[str]:
        _, content = ask(simulator, "/equities/bars/daily", date=day)
        return {row["Code"] for row in content["data"]}

    assert codes("2025-04-10") - codes("2025-04-09") == {"990A0"}
    assert codes("2026-06-30") - codes("2026-07-01") == {"99040"}


def test_the_calendar_filters_by_division(simulator: JQuantsSimulator) -> None:
    _, content = ask(simulator, "/markets/calendar", hol_div="3", from_="2026-11-01", to="2026-11-30")

    assert dates(content) == {"2026-11-03", "2026-11-23"}


def test_answers_are_compressed_when_asked_for(simulator: JQuantsSimulator) -> None:
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    headers = {"x-api-key": DEMO_KEY, "Accept-Encoding": "gzip"}
    connection.request("GET", "/v2/equities/bars/daily?date=20261120", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()

    assert answer.getheader("Content-Encoding") == "gzip"
    assert len(json.loads(gzip.decompress(body))["data"]) == 11


def test_two_simulators_serve_the_same_data() -> None:
    with at("2026-11-20T20:00") as one, at("2026-11-20T20:00") as other:
        query = {"code": "99060", "from_": "20260301", "to": "20260501"}
        assert ask(one, "/equities/bars/daily", **query) == ask(other, "/equities/bars/daily", **query)
