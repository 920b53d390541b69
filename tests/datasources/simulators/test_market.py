"""The fictional market: deterministic, complete, and by the provider's rules."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from datasources.simulators.market import Market

TODAY = date(2026, 11, 20)


def bars(market: Market, day: date, halves: bool = False) -> list[dict[str, Any]]:
    return [json.loads(row) for row in market.bars_of_day(day, TODAY, halves)]


def test_a_day_of_the_whole_market_has_one_row_per_listed_issue() -> None:
    market = Market()

    rows = bars(market, TODAY)

    codes = [row["Code"] for row in rows]
    assert len(market.issues) == 4400
    assert len(set(codes)) == len(codes) == 4399
    assert codes == sorted(codes)
    assert {"72030", "99025", "990A0"} <= set(codes)


def test_prices_are_ordered_and_positive_or_all_missing() -> None:
    rows = bars(Market(), TODAY)

    missing = [row for row in rows if row["C"] is None]
    assert 10 < len(missing) < 200
    assert all(row[name] is None for row in missing for name in ("O", "H", "L", "Vo", "Va", "AdjC"))
    for row in rows:
        if row["C"] is not None:
            assert 0 < row["L"] <= min(row["O"], row["C"]) <= max(row["O"], row["C"]) <= row["H"]
            assert row["Vo"] > 0 < row["Va"]


def test_by_day_and_by_issue_the_rows_are_the_same() -> None:
    market = Market(40)
    issue = market.issues_named("99050")[0]

    by_issue = market.bars_of_issue(issue, date(2025, 9, 25), date(2025, 10, 3), TODAY)

    assert len(by_issue) == 7
    assert all(row in market.bars_of_day(date.fromisoformat(json.loads(row)["Date"]), TODAY) for row in by_issue)


def test_the_day_of_the_outage_has_rows_of_nulls() -> None:
    assert {row["C"] for row in bars(Market(40), date(2020, 10, 1))} == {None}


def test_half_days_are_there_on_demand_only() -> None:
    market = Market(40)

    assert {len(row) for row in bars(market, TODAY)} == {16}
    assert {len(row) for row in bars(market, TODAY, halves=True)} == {42}
    assert {len(row) for row in bars(market, date(2020, 10, 1), halves=True)} == {42}


def test_the_list_of_issues_is_fictional() -> None:
    rows = [json.loads(row) for row in Market().master(TODAY)]

    assert {row["CoName"] for row in rows} == {f"架空{row['Code']}" for row in rows}
    assert {row["ProdCat"] for row in rows} == {"011", "014"}
