"""V1 as it was: tokens and their ends, paths, envelopes and names, over the same data as V2."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datasources.simulators.faults import Fault
from datasources.simulators.jquants import DEMO_ACCOUNTS, JQuantsSimulator
from datasources.simulators.jquants.v1 import ROUTES
from datasources.simulators.jquants.v1_names import NAMES
from tests.datasources.simulators.jquants.asking import at, fetch, rows

EVENING = "2026-11-13T20:00"
((MAIL, PASSWORD),) = DEMO_ACCOUNTS.items()
DAY_S = 86_400
BARS = "Date Code Open High Low Close UpperLimit LowerLimit Volume TurnoverValue AdjustmentFactor AdjustmentOpen"
ISSUE = (
    "Date Code CompanyName CompanyNameEnglish Sector17Code Sector17CodeName Sector33Code Sector33CodeName "
    "ScaleCategory MarketCode MarketCodeName MarginCode MarginCodeName"
)


def post(simulator: JQuantsSimulator, target: str, content: object = None) -> tuple[int, Any]:
    body = None if content is None else json.dumps(content).encode()
    status, answer = fetch(simulator, f"/v1{target}", "POST", body=body)
    return status, json.loads(answer)


def get(simulator: JQuantsSimulator, target: str, token: str) -> tuple[int, Any]:
    status, answer = fetch(simulator, f"/v1{target}", headers={"Authorization": f"Bearer {token}"})
    return status, json.loads(answer)


def log_in(simulator: JQuantsSimulator) -> str:
    _, content = post(simulator, "/token/auth_user", {"mailaddress": MAIL, "password": PASSWORD})
    return str(content["refreshToken"])


def renew(simulator: JQuantsSimulator, refresh: str) -> str:
    _, content = post(simulator, f"/token/auth_refresh?refreshtoken={refresh}")
    return str(content["idToken"])


# What finds rows on each path, and the query of V2 that finds the same.
QUERIES = {
    "/listed/info": ("code=&date=", {}),
    "/prices/daily_quotes": ("code=9901&from=20261101&to=20261113", {"code": "9901", "from_": "20261101"}),
    "/prices/prices_am": ("code=9901", {"code": "9901"}),
    "/fins/statements": ("code=&date=2026-11-13", {"date": "20261113"}),
    "/fins/fs_details": ("date=2026-11-13", {"date": "20261113"}),
    "/fins/dividend": ("date=2026-11-13", {"date": "20261113"}),
    "/fins/announcement": ("", {}),
    "/indices": ("code=0000&from=20261101", {"code": "0000", "from_": "20261101"}),
    "/indices/topix": ("from=20261101", {"from_": "20261101"}),
    "/markets/trades_spec": ("section=TSEPrime&from=20261101", {"section": "TSEPrime", "from_": "20261101"}),
    "/markets/weekly_margin_interest": ("code=9901&from=20260801", {"code": "9901", "from_": "20260801"}),
    "/markets/daily_margin_interest": ("date=20261113", {"date": "20261113"}),
    "/markets/short_selling": ("sector33code=0050&from=20261101", {"s33": "0050", "from_": "20261101"}),
    "/markets/short_selling_positions": ("disclosed_date=20261113", {"disc_date": "20261113"}),
    "/markets/breakdown": ("date=20261113", {"date": "20261113"}),
    "/markets/trading_calendar": ("holidaydivision=3", {"hol_div": "3"}),
    "/option/index_option": ("date=20261112", {"date": "20261112"}),
    "/derivatives/futures": ("date=20261112&category=TOPIXF", {"date": "20261112", "category": "TOPIXF"}),
    "/derivatives/options": ("date=20261112&category=TOPIXE", {"date": "20261112", "category": "TOPIXE"}),
}


@pytest.mark.parametrize("path", ROUTES)
def test_a_path_has_the_rows_of_v2_under_the_names_of_v1(path: str) -> None:
    target, query = QUERIES[path]
    with at(EVENING, issues=150) as simulator:
        token = renew(simulator, log_in(simulator))
        status, content = get(simulator, f"{path}?{target}", token)
        expected = rows(simulator, ROUTES[path].path, **query)

    names = NAMES[ROUTES[path].path]
    assert status == 200
    assert content[ROUTES[path].envelope] == [
        {names[field]: value for field, value in row.items() if names[field] != "-"} for row in expected
    ]
    assert expected


def test_the_names_are_those_that_v1_had() -> None:
    assert [name for name in NAMES["/equities/master"].values() if name != "-"] == ISSUE.split()
    assert list(NAMES["/equities/bars/daily"].values())[:1] == ["Date"]
    told = {name for field, name in NAMES["/equities/bars/daily"].items()}
    assert set(BARS.split()) | {"MorningAdjustmentVolume", "AfternoonUpperLimit"} <= told
    assert len([name for name in NAMES["/fins/summary"].values() if name != "-"]) == 107


def test_tokens_run_out_after_a_day_and_a_week() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        refresh = log_in(simulator)
        token = renew(simulator, refresh)
        simulator.clock.advance(DAY_S - 1)
        last = get(simulator, "/listed/info", token)[0]
        simulator.clock.advance(1)
        late = get(simulator, "/listed/info", token)
        renewed = get(simulator, "/listed/info", renew(simulator, refresh))[0]
        simulator.clock.advance(6 * DAY_S)
        ended = post(simulator, f"/token/auth_refresh?refreshtoken={refresh}")

    assert (last, renewed) == (200, 200)
    assert late == (401, {"message": "The incoming token is invalid or expired."})
    assert ended[0] == 400


@pytest.mark.parametrize(
    "content", [{"mailaddress": MAIL, "password": "no"}, {"mailaddress": "x"}, {}, [], "text", None]
)
def test_a_wrong_log_in_is_a_400(content: object) -> None:
    with at(EVENING, "light", issues=9) as simulator:
        answer = post(simulator, "/token/auth_user", content)

    assert answer == (400, {"message": "'mailaddress' or 'password' is incorrect."})


def test_a_refresh_without_its_token_is_a_400() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        assert post(simulator, "/token/auth_refresh?refreshtoken=") == (400, {"message": "'refreshtoken' is required."})


def test_tokens_are_revoked_on_order() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        refresh = log_in(simulator)
        token = renew(simulator, refresh)
        fetch(simulator, "/_sim/tokens", "POST", body=b'{"revoke": "id"}')
        revoked = get(simulator, "/listed/info", token)[0]
        token = renew(simulator, refresh)
        simulator.faults.add(Fault("revoked_token"))
        once = [get(simulator, "/listed/info", token)[0] for _ in range(2)]
        fetch(simulator, "/_sim/tokens", "POST", body=b'{"revoke": "all"}')
        all_of_them = post(simulator, f"/token/auth_refresh?refreshtoken={refresh}")[0]
        bad, _ = fetch(simulator, "/_sim/tokens", "POST", body=b'{"revoke": "some"}')

    assert (revoked, once, all_of_them, bad) == (401, [401, 200], 400, 400)


def test_a_path_of_v2_is_unknown_to_v1_and_the_other_way_round() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        old = fetch(simulator, "/v1/equities/master")
        new = fetch(simulator, "/v2/listed/info", headers={"x-api-key": "demo-key"})

    words = "Missing Authentication Token. The method or resources may not be supported."
    assert (old[0], json.loads(old[1])) == (403, {"message": words})
    assert (new[0], b"The requested endpoint does not exist" in new[1]) == (403, True)


def test_v1_is_gone_on_order() -> None:
    with at(EVENING, "light", issues=9, gone=True) as simulator:
        answers = {post(simulator, "/token/auth_user", {})[0], fetch(simulator, "/v1/listed/info")[0]}

    assert answers == {410}


def test_pages_and_plans_are_those_of_v2_and_light_has_no_margin_codes() -> None:
    with at(EVENING, "light", issues=40, page_bytes=5_000) as simulator:
        token = renew(simulator, log_in(simulator))
        _, first = get(simulator, "/prices/daily_quotes?date=20261113", token)
        _, second = get(
            simulator, f"/prices/daily_quotes?date=20261113&pagination_key={first['pagination_key']}", token
        )
        _, issues = get(simulator, "/listed/info?code=9901", token)
        refused = get(simulator, "/indices?date=20261113", token)

    assert len({row["Code"] for row in first["daily_quotes"] + second["daily_quotes"]}) > len(first["daily_quotes"])
    assert list(issues["info"][0]) == ISSUE.split()[:-2]
    assert (refused[0], "not available on your subscription" in refused[1]["message"]) == (403, True)


def test_nothing_of_the_morning_is_a_message() -> None:
    with at("2026-11-13T11:59", issues=9) as simulator:
        status, content = get(simulator, "/prices/prices_am", renew(simulator, log_in(simulator)))

    assert (status, list(content)) == (210, ["message"])


def test_a_correction_is_seen_in_v1() -> None:
    from datetime import date

    with at(EVENING, issues=40) as simulator:
        simulator.correct("99010", date(2026, 11, 12), C=1.5)
        token = renew(simulator, log_in(simulator))
        _, content = get(simulator, "/prices/daily_quotes?code=9901&date=20261112", token)

    assert content["daily_quotes"][0]["Close"] == 1.5
