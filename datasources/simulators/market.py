"""The fictional market: prices of any issue on any day, computed from its seed and the date alone."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from math import sin
from typing import Any

from datasources.simulators.issues import Issue, listed_issues
from datasources.simulators.tokyo_calendar import trading_days

# The exchange's system stood still: rows exist, and nothing was traded.
_OUTAGE = date(2020, 10, 1)
_MASK = 0xFFFFFFFF
_HALVES = (("M", 0.4), ("A", 0.6))


class Market:
    """Rows in the provider's own JSON, ready to be joined into an answer.

    `today` is the day on which the rows are read: adjusted prices follow the actions known by then.

    Example:
        >>> market = Market(9)
        >>> day = market.bars_of_day(date(2026, 11, 20), date(2026, 11, 20))
        >>> len(day), json.loads(day[0])["Code"]
        (8, '99010')
    """

    def __init__(self, issue_count: int = 4400) -> None:
        self.issues = listed_issues(issue_count)
        self._by_code = {issue.code: issue for issue in self.issues}
        self._places = {issue.code: place for place, issue in enumerate(self.issues)}
        self.version = 0
        """Grows whenever an issue is replaced."""

    def place_of(self, issue: Issue) -> int:
        """Its number in the order of codes, from 0; an issue keeps it for good."""
        return self._places[issue.code]

    def replace(self, issue: Issue) -> None:
        """From now on this is the issue with that code."""
        self._by_code[issue.code] = issue
        self.issues = tuple(self._by_code[other.code] for other in self.issues)
        self.version += 1

    def issues_named(self, code: str) -> list[Issue]:
        """The issue with that code; four characters mean the common share."""
        issue = self._by_code.get(code if len(code) == 5 else f"{code}0")
        return [issue] if issue else []

    def master(self, day: date, issues: Sequence[Issue] | None = None) -> list[str]:
        """The list of issues as of `day`."""
        listed = [issue for issue in (self.issues if issues is None else issues) if issue.is_listed(day)]
        shown = day.isoformat()
        return [json.dumps({"Date": shown, **issue.master_fields()}, ensure_ascii=False) for issue in listed]

    def bar(self, issue: Issue, day: date, today: date, halves: bool = False) -> dict[str, Any]:
        """One row, read."""
        row: dict[str, Any] = json.loads(_bar(issue, day, today, halves))
        return row

    def bars_of_day(self, day: date, today: date, halves: bool = False) -> list[str]:
        """One row per issue that was listed on `day`; `halves` adds the Premium plan's fields."""
        return [_bar(issue, day, today, halves) for issue in self.issues if issue.first_on <= day <= issue.last_on]

    def bars_of_issue(self, issue: Issue, first: date, last: date, today: date, halves: bool = False) -> list[str]:
        """One row per trading day of one issue, oldest first."""
        days = trading_days(max(first, issue.first_on), min(last, issue.last_on))
        return [_bar(issue, day, today, halves) for day in days]


def _bar(issue: Issue, day: date, today: date, halves: bool) -> str:
    # One function, and text put together by hand: a day has 4,400 of these, made while somebody waits.
    number = day.toordinal()
    noise = ((issue.seed ^ (number * 2654435761)) * 2246822519) & _MASK
    noise ^= noise >> 15
    head = f'{{"Date":"{day}","Code":"{issue.code}",'
    factor, raw, shown = factors(issue, day, today) if issue.actions else (1.0, 1.0, 1.0)
    if noise % 97 == 0 or day == _OUTAGE:
        return head + _no_trade(factor, halves)
    phase = issue.seed % 6283 / 1000
    level = issue.level * (1.0 + 0.28 * sin(number / 211 + phase) + 0.05 * sin(number / 17 + phase * 3)) / raw
    close = int(level * (9900 + (noise & 255)) / 1000) / 10
    opening = int(level * (9900 + (noise >> 8 & 255)) / 1000) / 10
    high = (close if close > opening else opening) + (noise >> 16 & 15) / 10
    low = (close if close < opening else opening) - (noise >> 20 & 7) / 10
    volume = 100.0 * (1 + (noise >> 5) % 20_000)
    prices = f"{opening},{high:.1f},{low:.1f},{close}".split(",")
    limits = '"1"' if noise % 911 == 1 else '"0"', '"1"' if noise % 911 == 2 else '"0"'
    value = int(volume * close)
    if shown == 1.0:
        adjusted, adjusted_volume = prices, volume
    else:
        adjusted = [str(round(float(price) * shown, 1)) for price in prices]
        adjusted_volume = volume / shown
    o, h, lo, c = prices
    ao, ah, al, ac = adjusted
    body = (
        f'"O":{o},"H":{h},"L":{lo},"C":{c},"UL":{limits[0]},"LL":{limits[1]},"Vo":{volume},"Va":{value},'
        f'"AdjFactor":{factor},"AdjO":{ao},"AdjH":{ah},"AdjL":{al},"AdjC":{ac},"AdjVo":{adjusted_volume}'
    )
    if not halves:
        return f"{head}{body}}}"
    return f"{head}{body},{_half_days(prices, adjusted, volume, adjusted_volume, value)}}}"


def factors(issue: Issue, day: date, today: date) -> tuple[float, float, float]:
    """The row's own factor, the divisor of its raw price, and the multiplier of its adjusted price."""
    own = raw = shown = 1.0
    for action in issue.actions:
        published = action.published(today)
        if action.ex_on == day:
            own *= published
        if action.is_ordered:
            raw /= action.factor if action.ex_on <= day else 1.0
        if action.ex_on > day:
            raw *= 1.0 if action.is_ordered else action.factor
            if action.ex_on <= today:
                shown *= published
    return own, raw, shown


def _no_trade(factor: float, halves: bool) -> str:
    text = (
        '"O":null,"H":null,"L":null,"C":null,"UL":"0","LL":"0","Vo":null,"Va":null,'
        f'"AdjFactor":{factor},"AdjO":null,"AdjH":null,"AdjL":null,"AdjC":null,"AdjVo":null'
    )
    for half, _ in _HALVES if halves else ():
        text += "".join(f',"{half}{name}":null' for name in ("O", "H", "L", "C"))
        text += f',"{half}UL":"0","{half}LL":"0","{half}Vo":null,"{half}Va":null'
        text += "".join(f',"{half}Adj{name}":null' for name in ("O", "H", "L", "C", "Vo"))
    return text + "}"


def _half_days(
    prices: Sequence[str], adjusted: Sequence[str], volume: float, adjusted_volume: float, value: int
) -> str:
    parts = []
    for half, share in _HALVES:
        parts += [f'"{half}{name}":{price}' for name, price in zip("OHLC", prices, strict=True)]
        parts += [f'"{half}UL":"0"', f'"{half}LL":"0"']
        parts += [f'"{half}Vo":{volume * share:.1f}', f'"{half}Va":{int(value * share)}']
        parts += [f'"{half}Adj{name}":{price}' for name, price in zip("OHLC", adjusted, strict=True)]
        parts.append(f'"{half}AdjVo":{adjusted_volume * share:.1f}')
    return ",".join(parts)
