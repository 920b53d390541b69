"""Daily, half-day, minute and tick prices of equities, their valuation, and the list of issues."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.accounts import accounts_of, shares_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.disclosures import closing_day
from datasources.simulators.jquants.view import Row, View, texts
from datasources.simulators.tokyo_calendar import is_trading_day, trading_day_from

_MORNING, _AFTERNOON = range(9 * 60, 11 * 60 + 30), range(12 * 60 + 30, 15 * 60 + 25)
_MINUTES = (*_MORNING, *_AFTERNOON)
_CLOSING_MINUTE = 15 * 60 + 30


def bars(view: View, day: date, code: str) -> list[str]:
    """One row per issue that is listed that day."""
    if not is_trading_day(day):
        return []
    today = view.now.date()
    if code:
        issues = view.market.issues_named(code)
        return [row for issue in issues for row in view.market.bars_of_issue(issue, day, day, today, view.is_premium)]
    return view.market.bars_of_day(day, today, view.is_premium)


def master(view: View, day: date, code: str) -> list[str]:
    """The list of issues for a business day."""
    if not is_trading_day(day):
        return []
    return view.market.master(day, view.market.issues_named(code) if code else None)


def morning_bars(view: View, day: date, code: str) -> list[str]:
    """The morning alone, of the issues that were traded in it."""
    found = []
    for issue in view.listed(code, day) if is_trading_day(day) else ():
        bar = view.market.bar(issue, day, day, halves=True)
        found.append({name: bar[name] for name in ("Date", "Code", "MO", "MH", "ML", "MC", "MVo", "MVa")})
    return texts(found)


def valuation(view: View, day: date, code: str) -> list[str]:
    """Prices beside what the companies earn and own; shares without a trade have no ratios to a price."""
    if not is_trading_day(day):
        return []
    return texts(_valuation_row(view, issue, day) for issue in view.stocks(code, day))


def _valuation_row(view: View, issue: Issue, day: date) -> Row:
    close = view.market.bar(issue, day, day)["C"]
    # Accounts come out within a quarter.
    year = day.year if closing_day(issue, day.year).toordinal() + 60 < day.toordinal() else day.year - 1
    past, coming = accounts_of(issue, year, 4), accounts_of(issue, year + 1, 4)
    earned, expected = past.earnings_per_share, coming.earnings_per_share
    return {
        "Date": str(day),
        "Code": issue.code,
        "EPS": earned,
        "FwdEPS": expected,
        "BPS": past.book_per_share,
        "ROE": round(past.profit / past.own_equity, 4),
        "FwdROE": round(coming.profit / past.own_equity, 4),
        "PER": _ratio(close, earned),
        "FwdPER": _ratio(close, expected),
        "PBR": _ratio(close, past.book_per_share),
        "MktCap": None if close is None else round(close * shares_of(issue) / 1e6, 1),
    }


def _ratio(close: float | None, value: float) -> float | None:
    return None if close is None or value <= 0 else round(close / value, 2)


def minute_bars(view: View, day: date, code: str) -> list[str]:
    """A row for each minute in which the issue was traded; they add up to the bar of the day."""
    return [row for issue in _traded(view, day, code) for row in _minutes_of(view, issue, day)]


def _traded(view: View, day: date, code: str) -> Iterator[Issue]:
    if is_trading_day(day):
        yield from view.listed(code, day)


def _minutes_of(view: View, issue: Issue, day: date) -> list[str]:
    bar = view.market.bar(issue, day, day)
    if bar["C"] is None:
        return []
    rows = []
    for minute, prices, volume in _steps(issue, day, bar):
        o, h, lo, c = prices
        rows.append(
            f'{{"Date":"{day}","Time":"{minute // 60:02d}:{minute % 60:02d}","Code":"{issue.code}","O":{o},"H":{h},'
            f'"L":{lo},"C":{c},"Vo":{volume},"Va":{round(volume * (o + c) / 2)}}}'
        )
    return rows


def _steps(
    issue: Issue, day: date, bar: dict[str, Any]
) -> Iterator[tuple[int, tuple[float, float, float, float], float]]:
    """Minutes with their prices and volume: from the opening to the close, by way of the high and the low."""
    lots, number = int(bar["Vo"] // 100), day.toordinal()
    count = min(lots, 4 + draw(issue.seed, number, 31) % 40)
    first = draw(issue.seed, number, 32) % 7
    step = max(1, (len(_MINUTES) - first) // max(count, 1))
    before = bar["O"]
    for place in range(count):
        is_last = place == count - 1
        close = bar["C"] if is_last else _between(bar["L"], bar["H"], draw(issue.seed, number, 33, place))
        high = bar["H"] if place == count // 3 else max(before, close)
        low = bar["L"] if place == count // 2 else min(before, close)
        volume = 100.0 * (lots - lots // count * (count - 1) if is_last else lots // count)
        minute = _CLOSING_MINUTE if is_last and count > 1 else _MINUTES[first + place * step]
        yield minute, (before, high, low, close), volume
        before = close


def _between(low: float, high: float, chance: int) -> float:
    return round(low + (high - low) * (chance % 101) / 100, 1)


def trades(view: View, day: date, code: str) -> list[str]:
    """Single trades: those of which the minutes are made; they come in files only."""
    rows: list[Row] = []
    for issue in _traded(view, day, code):
        bar = view.market.bar(issue, day, day)
        if bar["C"] is None:
            continue
        for minute, (_, _, _, price), volume in _steps(issue, day, bar):
            chance = draw(issue.seed, day.toordinal(), minute, 34)
            rows.append(
                {
                    "Date": str(day),
                    "Code": issue.code,
                    "Time": f"{minute // 60:02d}:{minute % 60:02d}:{chance % 60:02d}.{chance // 60 % 1_000_000:06d}",
                    "SessionDistinction": "01" if minute < 12 * 60 else "02",
                    "Price": price,
                    "TradingVolume": volume,
                    "TransactionId": f"{len(rows) + 1:012d}",
                }
            )
    return texts(rows)


def list_day(asked: date, newest: date) -> date:
    """The business day whose list is shown to somebody who asks for `asked`."""
    return newest if asked >= newest else min(trading_day_from(asked), newest)
