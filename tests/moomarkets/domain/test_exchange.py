from __future__ import annotations

from datetime import date

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.exchange import EXCHANGES, exchange_named


def test_each_exchange_has_its_zone_and_its_days() -> None:
    holiday = date(2026, 11, 23)

    days = {code: exchange.days.is_trading_day(holiday) for code, exchange in EXCHANGES.items()}

    assert days == {"XTKS": False, "XNYS": True}
    assert [exchange.zone.key for exchange in EXCHANGES.values()] == ["Asia/Tokyo", "America/New_York"]


@pytest.mark.parametrize(
    ("code", "meant"), [("xtks", "XTKS"), ("TSE", "XTKS"), ("nyse", "XNYS"), ("New York", "XNYS"), ("XNYZ", "XNYS")]
)
def test_an_unknown_market_is_answered_with_the_one_that_was_meant(code: str, meant: str) -> None:
    with pytest.raises(InvalidInput, match=rf"market: expected one of XTKS, XNYS \(did you mean {meant}\?\), got"):
        exchange_named(code)


@pytest.mark.parametrize("code", [None, 5, "", "London Stock Exchange", ["XTKS"]])
def test_what_resembles_no_market_is_refused_without_a_guess(code: object) -> None:
    with pytest.raises(InvalidInput, match="market: expected one of XTKS, XNYS, got"):
        exchange_named(code)
