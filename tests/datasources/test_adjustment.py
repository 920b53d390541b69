"""Adjusted prices against those that the provider publishes."""

from __future__ import annotations

import json
from datetime import date

import pytest

from datasources.adjustment import adjusted_prices, adjusted_volumes, cumulative_factors
from datasources.simulators.market import Market
from tests.datasources.support import sample


def test_the_sample_with_a_split_is_reproduced() -> None:
    bars = sample("v2_equities_bars_daily")[1]["data"]

    bars = [bar for bar in bars if bar["Code"] == "99010"]
    factors = cumulative_factors([bar["AdjFactor"] for bar in bars])

    for name in "OHLC":
        assert adjusted_prices([bar[name] for bar in bars], factors) == [bar[f"Adj{name}"] for bar in bars]
    assert adjusted_volumes([bar["Vo"] for bar in bars], factors) == [bar["AdjVo"] for bar in bars]


@pytest.mark.parametrize("code", ["99010", "99050", "99060", "99070", "99080"])
def test_the_simulated_actions_are_reproduced(code: str) -> None:
    market = Market(9)
    issue, today = market.issues_named(code)[0], date(2026, 11, 20)
    bars = [json.loads(row) for row in market.bars_of_issue(issue, date(2025, 9, 1), today, today)]
    factors = cumulative_factors([bar["AdjFactor"] for bar in bars])

    assert adjusted_prices([bar["C"] for bar in bars], factors) == [bar["AdjC"] for bar in bars]
    assert {bar["AdjFactor"] for bar in bars} != {1.0} or code == "99080"
