"""Corrections on order: seen in JSON, in files and in V1 from the moment on, and nowhere else."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from tests.datasources.simulators.jquants.asking import ask, at, fetch, rows
from tests.datasources.simulators.jquants.test_files import downloaded, lines, listed

EVENING = "2026-11-13T20:00"
DAY = date(2026, 10, 14)


def bar(simulator: JQuantsSimulator, day: str, code: str = "99020") -> dict[str, Any]:
    return rows(simulator, "/equities/bars/daily", code=code, date=day)[0]


def order(simulator: JQuantsSimulator, content: object) -> tuple[int, Any]:
    status, body = fetch(simulator, "/_sim/corrections", "POST", body=json.dumps(content).encode())
    return status, json.loads(body)


def test_a_corrected_price_is_seen_with_its_adjusted_one() -> None:
    with at(EVENING, issues=40) as simulator:
        before = bar(simulator, "20261014", "13010")
        simulator.correct("13010", DAY, C=1234.5)
        after = bar(simulator, "20261014", "13010")
        of_day = rows(simulator, "/equities/bars/daily", date="20261014")
        neighbour = bar(simulator, "20261015", "13010")

    assert (after["C"], after["AdjC"]) == (1234.5, 1234.5)
    assert {name for name in before if before[name] != after[name]} == {"C", "AdjC"}
    assert after in of_day
    assert neighbour["C"] != 1234.5


def test_a_corrected_price_is_seen_in_the_file_which_becomes_newer() -> None:
    with at(EVENING, "light", issues=40) as simulator:
        before = listed(simulator, endpoint="/equities/bars/daily", from_="2026-09", to="2026-10")
        simulator.correct("13010", DAY, C=1234.5)
        after = listed(simulator, endpoint="/equities/bars/daily", from_="2026-09", to="2026-10")
        found = lines(downloaded(simulator, after[1]["Key"]))

    assert after[0] == before[0]
    assert (before[1]["LastModified"], after[1]["LastModified"]) == (
        "2026-11-02T08:10:00.000Z",
        "2026-11-13T11:00:00.000Z",
    )
    assert [line[5] for line in found if line[:2] == ["2026-10-14", "13010"]] == ["1234.5"]


def test_a_split_divides_the_prices_from_its_day_on_and_adjusts_those_before() -> None:
    with at(EVENING, issues=40) as simulator:
        before = {day: bar(simulator, day, "13010") for day in ("20261109", "20261111")}
        simulator.split("13010", date(2026, 11, 10), 2)
        after = {day: bar(simulator, day, "13010") for day in before}
        ex = bar(simulator, "20261110", "13010")

    assert after["20261109"]["C"] == before["20261109"]["C"]
    assert after["20261109"]["AdjC"] == pytest.approx(before["20261109"]["C"] / 2, abs=0.06)
    assert after["20261111"]["C"] == pytest.approx(before["20261111"]["C"] / 2, abs=0.11)
    assert ex["AdjFactor"] == 0.5


def test_a_factor_may_be_restated_also_back_to_one() -> None:
    with at(EVENING, issues=40) as simulator:
        before = bar(simulator, "20260930", "99010")
        simulator.correct("99010", date(2026, 10, 1), AdjFactor=1.0)
        after = bar(simulator, "20260930", "99010")
        ex = bar(simulator, "20261001", "99010")
        simulator.correct("99010", date(2026, 10, 1), AdjFactor=0.5)
        again = bar(simulator, "20260930", "99010")

    assert (before["AdjC"] == round(before["C"] * 0.5, 1), after["AdjC"], ex["AdjFactor"]) == (True, before["C"], 1.0)
    assert again == before


def test_a_delisted_issue_is_gone_from_the_day_after() -> None:
    with at(EVENING, issues=40) as simulator:
        simulator.delist("13010", date(2026, 11, 10))
        last = rows(simulator, "/equities/bars/daily", code="13010", from_="20261109")
        master = {row["Code"] for row in rows(simulator, "/equities/master")}

    assert [row["Date"] for row in last] == ["2026-11-09", "2026-11-10"]
    assert "13010" not in master


def test_the_admin_path_takes_orders_and_tells_them() -> None:
    with at(EVENING, issues=40) as simulator:
        status, told = order(
            simulator,
            [
                {"kind": "correct", "code": "13010", "on": "2026-10-14", "values": {"Vo": 100.0}},
                {"kind": "split", "code": "13030", "ex_on": "2026-11-24", "ratio": 3},
                {"kind": "delist", "code": "13050", "last_on": "2026-11-30"},
            ],
        )
        changed = bar(simulator, "20261014", "13010")
        _, listing = fetch(simulator, "/_sim/corrections")

    assert status == 200
    assert [one["kind"] for one in told["corrections"]] == ["correct", "split", "delist"]
    assert json.loads(listing) == told
    assert (changed["Vo"], changed["AdjVo"]) == (100.0, 100.0)


def test_of_a_list_with_one_bad_order_none_is_carried_out() -> None:
    good = {"kind": "delist", "code": "13050", "last_on": "2026-11-10"}
    with at(EVENING, issues=40) as simulator:
        status, _ = order(simulator, [good, {**good, "code": "00000"}])
        listed_still = rows(simulator, "/equities/bars/daily", code="13050", date="20261113")

    assert (status, len(listed_still)) == (400, 1)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"kind": "invent"}, "kind: expected one of correct, split, delist, got 'invent'"),
        ({"kind": "split", "code": "13010", "ex_on": "soon", "ratio": 2}, "ex_on: expected a date"),
        ({"kind": "split", "code": "13010", "ratio": 2}, "split: expected ex_on, got none"),
        ({"kind": "split", "code": "13010", "ex_on": "2026-11-24", "ratio": 0}, "ratio: expected a number above 0"),
        ({"kind": "delist", "code": "00000", "last_on": "2026-11-24"}, "code: expected one of a known issue"),
        ({"kind": "correct", "code": "13010", "on": "2026-11-10", "values": {"X": 1}}, "expected a field of /equities"),
        ({"kind": "correct", "code": "13010", "on": "2026-11-10", "values": 7}, "values: expected fields with values"),
        ({"kind": "correct", "code": "13010", "on": "2026-11-10", "values": {}, "path": "/x"}, "path: expected that"),
        ("text", "kind: expected one of"),
    ],
)
def test_an_order_that_makes_no_sense_changes_nothing(content: object, words: str) -> None:
    with at(EVENING, issues=40) as simulator:
        status, told = order(simulator, content)
        _, listing = fetch(simulator, "/_sim/corrections")

    assert (status, words in told["message"]) == (400, True), told
    assert json.loads(listing) == {"corrections": []}


@pytest.mark.parametrize(
    ("path", "code", "query", "values"),
    [
        ("/fins/summary", "99010", {"code": "99010", "date": "2026-11-11"}, {"Sales": "1"}),
        ("/equities/master", "99010", {"code": "99010", "date": "2026-11-11"}, {"CoName": "改名"}),
        ("/markets/short-ratio", "0050", {"s33": "0050", "date": "2026-11-11"}, {"SellExShortVa": 1.0}),
        ("/indices/bars/daily", "0000", {"code": "0000", "date": "2026-11-11"}, {"C": 1.0}),
    ],
)
def test_other_data_sets_are_corrected_too(path: str, code: str, query: dict[str, str], values: dict[str, Any]) -> None:
    with at(EVENING, issues=40) as simulator:
        assert rows(simulator, path, **query)[0] | values != rows(simulator, path, **query)[0]
        simulator.correct(code, date(2026, 11, 11), path, **values)
        _, content = ask(simulator, path, **query)

    assert content["data"][0] | values == content["data"][0]
