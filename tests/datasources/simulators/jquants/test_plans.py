"""What each plan and add-on contains, how far back, and how often."""

from __future__ import annotations

from datetime import date

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.jquants.catalogue import DATA_SETS
from moomarkets.domain.limits import Window
from moomarkets.testing.manual_clock import ManualClock
from tests.datasources.simulators.jquants.asking import GENEROUS, ask

TODAY = date(2026, 11, 13)
PATHS = [path for path, data_set in DATA_SETS.items() if not data_set.is_only_file]
LOWEST = {
    "light": {"/equities/investor-types", "/indices/bars/daily/topix"},
    "standard": {
        *("/indices/bars/daily", "/markets/margin-interest", "/markets/margin-alert", "/markets/short-ratio"),
        *("/markets/short-sale-report", "/derivatives/bars/daily/options/225", "/fins/earnings-date"),
        *("/edinet/major-shareholders", "/edinet/cross-shareholdings", "/edinet/large-volume-shareholders"),
    },
    "premium": {
        *("/equities/bars/daily/am", "/fins/details", "/fins/dividend", "/markets/breakdown"),
        *("/derivatives/bars/daily/futures", "/derivatives/bars/daily/options"),
    },
}


@pytest.mark.parametrize("plan", ["free", "light", "standard", "premium"])
def test_a_plan_contains_its_paths_and_those_of_the_plans_below(plan: str) -> None:
    plans = ["free", *LOWEST]
    with JQuantsSimulator(plan, today=TODAY, limit=GENEROUS, issues=9) as simulator:
        answers = {path: ask(simulator, path) for path in PATHS}

    refused = {path for path, (status, content) in answers.items() if "subscription. If" in content.get("message", "")}
    above = set().union(*(LOWEST[other] for other in plans[plans.index(plan) + 1 :]))
    assert refused == above | {"/equities/bars/minute", "/td/list"}
    assert {answers[path][0] for path in refused} == {403}


@pytest.mark.parametrize(
    ("plan", "addons", "minute", "tdnet"),
    [
        ("free", ["minute", "tdnet"], 403, 403),
        ("light", [], 403, 403),
        ("light", ["minute"], 200, 403),
        ("light", ["tdnet"], 403, 200),
    ],
)
def test_an_addon_opens_its_paths_from_light_on(plan: str, addons: list[str], minute: int, tdnet: int) -> None:
    with JQuantsSimulator(plan, today=TODAY, limit=GENEROUS, issues=9, addons=addons) as simulator:
        statuses = [
            ask(simulator, "/equities/bars/minute", code="99010", date="20261113")[0],
            ask(simulator, "/td/list", date="20261113")[0],
            ask(simulator, "/td/bulk")[0],
        ]

    assert statuses == [minute, tdnet, tdnet]


def test_an_unknown_addon_is_refused() -> None:
    with pytest.raises(ValueError, match="add-on: expected one of minute, tdnet, got 'gold'"):
        JQuantsSimulator(addons=["gold"], issues=9)


@pytest.mark.parametrize(
    ("path", "first"),
    [("/equities/bars/minute", "2024-11-13"), ("/td/list", "2021-11-13"), ("/fins/summary", "2016-11-13")],
)
def test_an_addon_reaches_back_on_its_own(path: str, first: str) -> None:
    addons = ["minute", "tdnet"]
    with JQuantsSimulator("standard", today=TODAY, limit=GENEROUS, issues=9, addons=addons) as simulator:
        status, content = ask(simulator, path, date="2010-01-04")
        inside, _ = ask(simulator, path, date=first)

    assert (status, inside) == (400, 200)
    assert f"covers the following dates: {first} ~ ." in content["message"]


def test_free_has_no_files_but_the_calendars() -> None:
    with JQuantsSimulator("free", today=TODAY, limit=GENEROUS, issues=9) as simulator:
        calendar = ask(simulator, "/bulk/list", endpoint="/markets/calendar")
        bars = ask(simulator, "/bulk/list", endpoint="/equities/bars/daily")
        day = ask(simulator, "/bulk/list", date="2026-11")

    assert (calendar[0], bars[0]) == (200, 403)
    assert [row["Key"].split("/")[1] for row in day[1]["data"]] == ["calendar"]


@pytest.mark.parametrize("path", ["/fins/summary", "/fins/details"])
def test_accounts_have_a_limit_of_60_within_that_of_the_plan(path: str) -> None:
    with JQuantsSimulator("premium", clock=ManualClock(), issues=9, block_after=10) as simulator:
        nested = [ask(simulator, path, code="9901", date="20261113")[0] for _ in range(61)]
        other = ask(simulator, "/markets/calendar", to="20080110")[0]

    assert (nested.count(200), nested[-1], other) == (60, 429, 200)


def test_an_addon_has_a_limit_of_its_own() -> None:
    window = Window(1, 60)
    with JQuantsSimulator("light", clock=ManualClock(), issues=9, addons=["tdnet"], limit=window) as simulator:
        disclosures = [ask(simulator, "/td/list", code="9901")[0] for _ in range(101)]
        plan = [ask(simulator, "/markets/calendar", to="20080110")[0] for _ in range(2)]

    assert (disclosures.count(200), disclosures[-1]) == (100, 429)
    assert plan == [200, 429]


def test_a_faster_clock_ends_a_wait_sooner() -> None:
    clock = ManualClock()
    with JQuantsSimulator(clock=clock, issues=9, limit=Window(1, 60), speed=60) as simulator:
        first = [ask(simulator, "/markets/calendar", to="20080110")[0] for _ in range(2)]
        clock.advance(1.0)
        later = ask(simulator, "/markets/calendar", to="20080110")[0]

    assert (first, later) == ([200, 429], 200)
