"""What the made-up data hold: the shapes, gaps and oddities that the real ones have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.jquants.catalogue import ADDONS
from tests.datasources.simulators.jquants.asking import GENEROUS, rows


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    with JQuantsSimulator("premium", today=date(2026, 11, 13), limit=GENEROUS, issues=400, addons=ADDONS) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def summaries(simulator: JQuantsSimulator) -> list[dict[str, Any]]:
    """Those of the newest busy days."""
    return [row for day in range(9, 14) for row in rows(simulator, "/fins/summary", date=f"202611{day:02d}")]


def test_a_summary_is_all_texts_and_ordinary_profit_is_japanese(summaries: list[dict[str, Any]]) -> None:
    assert {type(value) for row in summaries for value in row.values()} == {str}
    ordinary = {(row["DocType"].endswith("_JP"), row["OdP"] != "") for row in summaries if row["Sales"]}
    assert ordinary == {(True, True), (False, False)}


def test_a_company_may_disclose_several_papers_a_day_with_numbers_out_of_order(summaries: list[dict[str, Any]]) -> None:
    papers = Counter((row["DiscDate"], row["Code"]) for row in summaries)

    assert max(papers.values()) > 1
    assert len({row["DiscNo"] for row in summaries}) == len(summaries)
    assert all(
        len(row["DiscNo"]) == 14 and row["DiscNo"].startswith(row["DiscDate"].replace("-", "")) for row in summaries
    )
    numbers = [row["DiscNo"] for row in summaries]
    assert numbers != sorted(numbers)


def test_a_correction_is_a_new_paper_with_other_figures(simulator: JQuantsSimulator) -> None:
    corrected = next(
        row
        for code in ("13010", "13030", "13050", "13070", "13090", "13110")
        for row in rows(simulator, "/td/list", code=code)
        if "90010" in row["DiscItems"]
    )
    history = rows(simulator, "/fins/summary", code=corrected["Code"])

    second = next(row for row in history if row["DiscNo"] == corrected["DiscNo"])
    first = next(row for row in history if (row["CurPerEn"], row["DocType"]) == (second["CurPerEn"], second["DocType"]))
    assert first["DiscDate"] < second["DiscDate"]
    assert (first["Sales"], first["OP"] != second["OP"]) == (second["Sales"], True)


def test_sums_of_a_year_grow_with_its_quarters(simulator: JQuantsSimulator) -> None:
    history = [row for row in rows(simulator, "/fins/summary", code="99010") if row["Sales"]]

    year = {row["CurPerType"]: int(row["Sales"]) for row in history if row["CurFYEn"] == "2025-09-30"}
    assert year["1Q"] < year["2Q"] < year["3Q"] < year["FY"]
    assert {row["CurPerEn"] for row in history if row["CurPerType"] == "FY"} <= {row["CurFYEn"] for row in history}


def test_margin_volumes_are_weekly_and_without_values_until_they_became_daily(simulator: JQuantsSimulator) -> None:
    history = rows(simulator, "/markets/margin-interest", code="99010", from_="2026-08-01")

    weekly = [row for row in history if row["Date"] < "2026-09-25"]
    daily = [row for row in history if row["Date"] >= "2026-09-25"]
    assert {date.fromisoformat(row["Date"]).weekday() for row in weekly} == {4}
    assert {(row["PubDate"], row["ShrtVal"], row["LongStdVal"]) for row in weekly} == {(None, None, None)}
    assert [row["Date"] for row in daily[:3]] == ["2026-09-25", "2026-09-28", "2026-09-29"]
    assert all(row["PubDate"] > row["Date"] and row["LongVal"] is not None for row in daily)
    assert all(row["LongVol"] == row["LongNegVol"] + row["LongStdVol"] for row in history)
    assert rows(simulator, "/markets/margin-interest", published_date="2026-09-25") == []


def test_investors_are_told_of_weekly_on_the_fourth_business_day(simulator: JQuantsSimulator) -> None:
    found = rows(simulator, "/equities/investor-types", section="TSEPrime", from_="2026-10-26", to="2026-11-13")

    # Tuesday 3 November is a holiday.
    assert [(row["PubDate"], row["StDate"], row["EnDate"]) for row in found] == [
        ("2026-10-29", "2026-10-19", "2026-10-23"),
        ("2026-11-06", "2026-10-26", "2026-10-30"),
        ("2026-11-12", "2026-11-02", "2026-11-06"),
    ]
    assert all(row["TotSell"] == row["PropSell"] + row["BrkSell"] for row in found)


def test_sections_are_those_of_their_time(simulator: JQuantsSimulator) -> None:
    found = rows(simulator, "/equities/investor-types", from_="2022-04-01", to="2022-04-15")

    assert {row["Section"] for row in found if row["StDate"] < "2022-04-04"} >= {"TSE1st", "TSEMothers"}
    assert {row["Section"] for row in found if row["StDate"] >= "2022-04-04"} >= {"TSEPrime", "TSEGrowth"}


def test_minutes_add_up_to_the_day(simulator: JQuantsSimulator) -> None:
    days = {row["Code"]: row for row in rows(simulator, "/equities/bars/daily", date="20261113") if row["C"]}
    minutes = rows(simulator, "/equities/bars/minute", date="20261113")

    for code, day in days.items():
        own = [row for row in minutes if row["Code"] == code]
        assert (own[0]["O"], own[-1]["C"]) == (day["O"], day["C"])
        assert (max(row["H"] for row in own), min(row["L"] for row in own)) == (day["H"], day["L"])
        assert sum(row["Vo"] for row in own) == day["Vo"]
        assert [row["Time"] for row in own] == sorted({row["Time"] for row in own})


def test_both_sides_of_a_breakdown_are_the_volume_of_the_day(simulator: JQuantsSimulator) -> None:
    bar = rows(simulator, "/equities/bars/daily", code="99010", date="20261113")[0]
    row = rows(simulator, "/markets/breakdown", code="99010", date="20261113")[0]

    sold = sum(row[f"{name}Vo"] for name in ("LongSell", "ShrtNoMrgn", "MrgnSellNew", "MrgnSellClose"))
    bought = sum(row[f"{name}Vo"] for name in ("LongBuy", "MrgnBuyNew", "MrgnBuyClose"))
    assert sold == bought == bar["Vo"]


def test_derivatives_are_traded_on_some_holidays(simulator: JQuantsSimulator) -> None:
    holiday = rows(simulator, "/derivatives/bars/daily/futures", date="2026-11-03")

    assert holiday
    assert rows(simulator, "/equities/bars/daily", date="2026-11-03") == []
    assert {row["CCMFlag"] for row in holiday} == {"0", "1"}


def test_a_date_of_a_report_has_a_history(simulator: JQuantsSimulator) -> None:
    by_report: dict[tuple[str, str, str], list[str]] = {}
    for code in ("13010", "13030", "13050", "13070", "99010"):
        for row in rows(simulator, "/fins/earnings-date", code=code):
            by_report.setdefault((code, row["FYE"], row["FQName"]), []).append(row["SchDate"])

    histories = list(by_report.values())
    assert any(history[0] == "" and history[-1] for history in histories)
    assert any(len(history) == 2 and "" not in history for history in histories)


def test_an_outdated_schedule_is_not_found_by_its_day(simulator: JQuantsSimulator) -> None:
    found = rows(simulator, "/fins/earnings-date", scheduled_date="2026-11-13")

    assert len(found) > 5
    for row in found[:5]:
        history = rows(simulator, "/fins/earnings-date", code=row["Code"])
        same = [other for other in history if (other["FYE"], other["FQName"]) == (row["FYE"], row["FQName"])]
        assert same[-1] == row
