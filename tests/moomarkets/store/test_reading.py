from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.engine import make_url

from datasources.simulators.market import Market
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.store.reading import Reader
from tests.support.library import DAY, FIRST_FETCH, Library, bar, library, market_bars

TODAY = date(2026, 11, 20)
SINCE = date(2025, 9, 1)
ISSUES = 600
ADJUSTED = {"open": "AdjO", "high": "AdjH", "low": "AdjL", "close": "AdjC", "volume": "AdjVo"}


@pytest.fixture
def held(database_url: str) -> Iterator[Library]:
    with library(database_url) as opened:
        yield opened


def later(hours: float) -> datetime:
    return FIRST_FETCH + timedelta(hours=hours)


def closes(held: Library, **asked: Any) -> list[tuple[date, float | None]]:
    frame = held.data("daily_bars", code="7203", columns=["on_date", "close"], **asked)
    return [(row[0], row[1]) for row in frame.rows()]


# Adjusted prices.

MARKET = Market(ISSUES)
WITH_ACTIONS = [issue.code for issue in MARKET.issues if issue.actions]


def test_every_adjusted_field_of_every_issue_with_actions_is_what_the_provider_publishes(held: Library) -> None:
    sent: list[dict[str, object]] = []
    for code in WITH_ACTIONS:
        rows, published = market_bars(MARKET, code, date(2021, 9, 1), TODAY)
        held.store(*rows)
        sent += published

    bars = held.data("daily_bars", adjusted=True).rows(named=True)

    assert [tuple(bar[name] for name in ADJUSTED) for bar in bars] == [
        tuple(one[name] for name in ADJUSTED.values()) for one in sent
    ]
    assert len({one["Code"] for one in sent if one["AdjC"] != one["C"]}) >= 12
    assert sum(one["C"] is None for one in sent) > 100


def test_raw_bars_and_turnover_are_as_the_provider_sends_them(held: Library) -> None:
    rows, sent = market_bars(MARKET, "99010", SINCE, TODAY)
    held.store(*rows)

    for is_adjusted in (False, True):
        bars = held.data("daily_bars", adjusted=is_adjusted).rows(named=True)
        assert [bar["turnover"] for bar in bars] == [one["Va"] for one in sent]
    assert [bar["close"] for bar in held.data("daily_bars").rows(named=True)] == [one["C"] for one in sent]


@pytest.mark.parametrize("code", WITH_ACTIONS[:9])
def test_the_view_of_adjusted_bars_says_the_same(held: Library, code: str) -> None:
    rows, sent = market_bars(MARKET, code, SINCE, TODAY)
    held.store(*rows)

    names = ", ".join(f"adjusted_{name} AS {name}" for name in ADJUSTED)
    found = held.reader.records(f"SELECT {names} FROM v_adjusted_daily_bars WHERE code = '{code}' ORDER BY on_date")

    assert [tuple(row.values()) for row in found] == [tuple(one[name] for name in ADJUSTED.values()) for one in sent]


def test_a_factor_after_the_end_of_the_asked_range_counts(held: Library) -> None:
    held.store(bar(on=date(2026, 9, 1), close=1000.0), bar(on=date(2026, 10, 1), close=505.0, factor=0.5))

    assert closes(held, end="2026-09-30", adjusted=True) == [(date(2026, 9, 1), 500.0)]


def test_a_factor_does_not_touch_its_own_day_and_several_multiply(held: Library) -> None:
    days = [date(2026, 11, day) for day in (2, 3, 4, 5, 6)]
    factors = [0.1, 0.5, None, 10.0, 0.0]
    held.store(*(bar(on=day, close=100.0, factor=factor) for day, factor in zip(days, factors, strict=True)))

    assert [close for _, close in closes(held, adjusted=True)] == [500.0, 1000.0, 1000.0, 100.0, 100.0]


def test_a_factor_of_another_issue_does_not_count(held: Library) -> None:
    held.store(bar(on=date(2026, 11, 2)), bar("13010", factor=0.5))

    assert closes(held, adjusted=True) == [(date(2026, 11, 2), 3000.0)]


def test_prices_round_as_exactly_as_decimal_arithmetic_does(held: Library) -> None:
    chance = random.Random(7)
    factors = [0.5, 0.25, 0.05, 0.9743, 0.333333, 10.0, 0.1, 1.0]
    prices = [chance.randrange(1, 200_000) / 10 * factor for factor in factors for _ in range(2500)]
    ties = [number + tenth + 0.05 for number in (0, 1, 63, 1063, 123_456) for tenth in (0.0, 0.1, 0.2, 0.7, 0.9)]

    found = held.reader.records(f"SELECT round_price(price) AS price FROM unnest(ARRAY{[*prices, *ties]}) AS price")

    assert [row["price"] for row in found] == [round(price, 1) for price in (*prices, *ties)]
    assert sum(round(price, 1) != math.floor(price * 10 + 0.5) / 10 for price in prices) > 100


# Yahoo, whose prices come adjusted.


def yahoo(on: date, close: float, adjusted: float | None, split: float | None = None) -> tuple[object, ...]:
    return ("ABC", on, close, close, close, close, adjusted, 1000.0, 0.5, split, None, "USD", None)


def abc(held: Library, **asked: Any) -> list[tuple[object, ...]]:
    names = ["close", "open", "volume", "dividend"]
    return held.data("yahoo_daily_bars", code="ABC", columns=names, **asked).rows()


def test_bars_that_came_after_a_split_are_raw_once_it_is_undone(held: Library) -> None:
    rows = [yahoo(date(2026, 11, 2), 25.0, 20.0), yahoo(date(2026, 11, 9), 26.0, 26.0, split=4.0)]
    held.store(*rows, dataset=YAHOO_DAILY_BARS, source="yahoo")

    assert abc(held) == [(100.0, 100.0, 250.0, 2.0), (26.0, 26.0, 1000.0, 0.5)]
    assert abc(held, adjusted=True) == [(20.0, 20.0, 1000.0, 0.5), (26.0, 26.0, 1000.0, 0.5)]


def test_bars_that_came_before_a_split_are_raw_already(held: Library) -> None:
    before = datetime.fromisoformat("2026-11-03T00:00Z")
    held.store(yahoo(date(2026, 11, 2), 100.0, 80.0), dataset=YAHOO_DAILY_BARS, source="yahoo", at=before)
    held.store(yahoo(date(2026, 11, 9), 26.0, 26.0, split=4.0), dataset=YAHOO_DAILY_BARS, source="yahoo")

    assert abc(held)[0] == (100.0, 100.0, 1000.0, 0.5)
    assert abc(held, adjusted=True)[0] == (20.0, 20.0, 4000.0, 0.125)


def test_where_yahoo_adjusts_no_close_only_splits_count(held: Library) -> None:
    held.store(yahoo(DAY, 25.0, None), dataset=YAHOO_DAILY_BARS, source="yahoo")

    assert abc(held, adjusted=True) == [(25.0, 25.0, 1000.0, 0.5)]


# What was known when.


def test_a_correction_is_undone_for_who_asks_what_was_known_before_it(held: Library) -> None:
    held.store(bar(close=1.0))
    held.store(bar(close=2.0), at=later(10))
    held.store(bar(close=3.0), at=later(20))

    known = {hours: closes(held, as_of=later(hours)) for hours in (-1, 0, 9, 10, 19, 20, 99)}

    values = {hours: rows[0][1] if rows else None for hours, rows in known.items()}
    assert values == {-1: None, 0: 1.0, 9: 1.0, 10: 2.0, 19: 2.0, 20: 3.0, 99: 3.0}
    assert closes(held) == known[99]


def test_rows_that_came_later_were_not_known(held: Library) -> None:
    held.store(bar(on=date(2026, 11, 18)))
    held.store(bar(on=date(2026, 11, 19)), at=later(24))

    assert [day for day, _ in closes(held, as_of=later(1))] == [date(2026, 11, 18)]


def test_storing_the_same_again_does_not_change_when_it_was_known(held: Library) -> None:
    held.store(bar())
    held.store(bar(), at=later(24))

    assert len(closes(held, as_of=later(1))) == 1


def test_a_split_that_came_later_changes_what_is_adjusted_now_but_not_then(held: Library) -> None:
    held.store(bar(on=date(2026, 11, 18), close=1000.0))
    held.store(bar(on=date(2026, 11, 24), close=500.0, factor=0.5), at=later(24))

    assert closes(held, adjusted=True)[0][1] == 500.0
    assert closes(held, adjusted=True, as_of=later(1)) == [(date(2026, 11, 18), 1000.0)]


def test_a_factor_that_was_corrected_away_counts_only_for_then(held: Library) -> None:
    held.store(bar(on=date(2026, 11, 18), close=1000.0), bar(factor=0.98))
    held.store(bar(factor=1.0), at=later(10))
    held.store(bar(close=1.0, factor=1.0), at=later(20))

    adjusted = [closes(held, adjusted=True, as_of=later(hours))[0][1] for hours in (1, 11, 21)]

    assert adjusted == [980.0, 1000.0, 1000.0]


def test_the_whole_market_as_of_an_instant_is_each_row_as_it_was(held: Library) -> None:
    codes = [f"{number:04}0" for number in range(500)]
    held.store(*(bar(code, close=1.0) for code in codes))
    held.store(*(bar(code, close=2.0) for code in codes[::3]), at=later(1))

    was = held.data("daily_bars", as_of=later(0.5))
    now = held.data("daily_bars", as_of=later(1))

    assert was["code"].to_list() == now["code"].to_list() == codes
    assert set(was["close"]) == {1.0}
    assert now.equals(held.data("daily_bars"))


# Streams and errors.


def test_a_reader_never_shows_its_password() -> None:
    reader = Reader("postgresql://app:hunter2@127.0.0.1:1/x")

    for ask in (lambda: list(reader.batches("SELECT 1")), lambda: list(reader.csv("SELECT 1"))):
        with pytest.raises(StoreUnavailable) as raised:
            ask()
        assert str(raised.value).startswith("database: ")
        assert "hunter2" not in f"{raised.value!r}{reader!r}"


def test_not_even_an_answer_that_quotes_the_password_shows_it(held: Library, database_url: str) -> None:
    password = make_url(database_url).password

    for ask in (held.reader.batches, held.reader.csv):
        with pytest.raises(StoreUnavailable, match=r"invalid input syntax .*\*\*\*") as raised:
            list(ask(f"SELECT CAST('{password}' AS integer)"))
        assert str(password) not in repr(raised.value)


def test_a_reader_cannot_write(held: Library) -> None:
    held.store(bar())

    with pytest.raises(StoreUnavailable, match="read-only"):
        held.reader.records("DELETE FROM daily_bars RETURNING code")


def test_a_connection_that_is_lost_on_the_way_is_an_error_and_no_short_answer(held: Library) -> None:
    ended = "SELECT pg_terminate_backend(pg_backend_pid()), generate_series(1, 100000)"

    with pytest.raises(StoreUnavailable, match="database"):
        list(held.reader.batches(f"SELECT 1 FROM ({ended}) AS x"))


def test_json_arrives_as_text(held: Library) -> None:
    held.store((*bar()[:-1], {"New": [1, "文字"]}))

    assert held.data("daily_bars", columns=["extra"]).rows() == [('{"New": [1, "文字"]}',)]
