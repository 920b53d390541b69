"""Looks at one answer alone, by the rules of its dataset: pure, a column at a time, a few milliseconds for a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from moomarkets.domain.dataset import Batch
from moomarkets.domain.quality import OUTAGES, Asked, Finding, Jump, Rules, Severity, keys_of, severity_of

TOLERANCE = 0.01
"""By which turnover may leave what the prices allow, as part of it: prices are rounded, and volumes to lots."""

ROUNDING = 1e-6
"""By which prices may differ from their order, as part of them."""

ENOUGH_DAYS = 5
"""Days that the usual number of rows is taken from, at least."""

ENOUGH_ROWS = 20
"""Fewer rows are too few to be called half of what is usual."""

TWIN_ROWS = "twin_rows"
ODD_NUMBERS = "odd_numbers"

Column = Sequence[Any]
Columns = dict[str, Column]


def examine(batch: Batch, rules: Rules, asked: Asked) -> list[Finding]:
    """Everything that the answer itself shows to be wrong; what needs stored data to compare with is not here."""
    found = list(_warned(batch, rules))
    if not batch.rows:
        return found
    columns: Columns = dict(zip(batch.dataset.column_names, zip(*batch.rows, strict=True), strict=True))
    for look in _LOOKS:
        found += look(batch, columns, rules, asked)
    return found


def judge_count(count: int, usual: Sequence[int], rules: Rules) -> Finding | None:
    """Whether a day of `count` rows is one that is as large as those around it."""
    if rules.row_band is None or len(usual) < ENOUGH_DAYS:
        return None
    middle = median(usual)
    low, high = rules.row_band
    if middle < ENOUGH_ROWS or low * middle <= count <= high * middle:
        return None
    detail = f"expected from {low * middle:,.0f} to {high * middle:,.0f} rows, as on the days around it, got {count:,}"
    return Finding("row_band", Severity.REJECT, detail, count=count)


def _warned(batch: Batch, rules: Rules) -> Iterator[Finding]:
    """What the client has noticed while it read the answer."""
    if twins := batch.warnings.get(TWIN_ROWS, 0):
        yield Finding("twins", rules.twins, f"expected each key once, got {twins:,} rows again", count=twins)
    odd = batch.warnings.get(ODD_NUMBERS, 0)
    if odd and rules.sound_numbers:
        yield Finding("numbers", Severity.REJECT, f"expected finite numbers, got {odd:,} other values", count=odd)


def _dates(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    if not rules.keeps_to_dates:
        return
    days = columns[batch.dataset.date]
    if asked.from_on <= min(days) and max(days) <= asked.to_on:
        return
    places = [place for place, day in enumerate(days) if not asked.from_on <= day <= asked.to_on]
    wanted = f"{asked.from_on}" if asked.from_on == asked.to_on else f"{asked.from_on} to {asked.to_on}"
    detail = f"expected rows of {wanted}, got {len(places):,} of other dates, such as {days[places[0]]}"
    yield Finding("dates", Severity.REJECT, detail, keys_of(batch, places), len(places))


def _codes(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    if not rules.code_lengths:
        return
    lengths = frozenset(rules.code_lengths)
    bad = {
        code
        for code in set(columns[batch.dataset.symbol])
        if len(code) not in lengths or not (code.isascii() and code.isalnum()) or code != code.upper()
    }
    if not bad:
        return
    places = [place for place, code in enumerate(columns[batch.dataset.symbol]) if code in bad]
    detail = f"expected codes of {' or '.join(map(str, sorted(lengths)))} letters and digits, got {min(bad)[:20]!r}"
    yield Finding("codes", Severity.REJECT, detail, keys_of(batch, places), len(places))


def _signs(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    for names, is_bad, expected in (
        (rules.positive, _is_not_positive, "more than 0"),
        (rules.not_negative, _is_negative, "0 or more"),
    ):
        for name in names:
            values = columns[name]
            least = min((value for value in values if value is not None), default=None)
            if not is_bad(least):
                continue
            places = [place for place, value in enumerate(values) if is_bad(value)]
            detail = f"{name}: expected {expected}, got {least:g}"
            yield Finding("signs", Severity.REJECT, detail, keys_of(batch, places), len(places))


def _is_negative(value: float | None) -> bool:
    return value is not None and value < 0


def _is_not_positive(value: float | None) -> bool:
    return value is not None and value <= 0


def _wholeness(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    """Prices and volume are there together or not at all."""
    for bars in rules.bars:
        if not bars.is_whole:
            continue
        names = [*bars.prices, *(name for name in (bars.volume, bars.turnover) if name)]
        size = len(names)
        rows = zip(*(columns[name] for name in names), strict=True)
        places = [place for place, row in enumerate(rows) if None in row and row.count(None) != size]
        if places:
            detail = f"expected {', '.join(names)} all or none, got some of them in {len(places):,} rows"
            yield Finding("nulls", Severity.REJECT, detail, keys_of(batch, places), len(places))


def _order(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    for bars in rules.bars:
        rows = zip(*(columns[name] for name in bars.prices), strict=True)
        places = [
            place
            for place, (opening, high, low, close) in enumerate(rows)
            if None not in (opening, high, low, close)
            and not (low <= opening <= high and low <= close <= high)
            and not _is_rounded(opening, high, low, close)
        ]
        if places:
            detail = f"expected {bars.open} and {bars.close} from {bars.low} to {bars.high}, got others"
            yield _strange("order", f"{detail} in {len(places):,} rows", batch, places)


def _is_rounded(opening: float, high: float, low: float, close: float) -> bool:
    margin = ROUNDING * max(abs(high), abs(low))
    return low - margin <= min(opening, close) and max(opening, close) <= high + margin


def _turnover(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    for bars in rules.bars:
        if not (bars.volume and bars.turnover):
            continue
        rows = zip(*(columns[name] for name in (bars.low, bars.high, bars.volume, bars.turnover)), strict=True)
        places = [
            place
            for place, (low, high, volume, turnover) in enumerate(rows)
            if None not in (low, high, volume, turnover)
            and not low * volume * (1 - TOLERANCE) - 1 <= turnover <= high * volume * (1 + TOLERANCE) + 1
        ]
        if places:
            detail = f"expected {bars.turnover} from {bars.low} to {bars.high} times {bars.volume}, got others"
            yield _strange("turnover", f"{detail} in {len(places):,} rows", batch, places)


def _variety(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    """A whole market in which every value is the same, or none, is an answer that was made up or not filled yet."""
    if not asked.is_whole_day or len(batch.rows) < ENOUGH_ROWS:
        return
    for name in rules.varied:
        values = [value for value in columns[name] if value is not None]
        if (not values and asked.from_on in OUTAGES) or 0 < len(values) < ENOUGH_ROWS or len(set(values)) > 1:
            continue
        shown = values[0] if values else "none"
        yield Finding(
            "sameness",
            Severity.REJECT,
            f"{name}: expected values that differ, got {shown} in every row",
            count=len(batch.rows),
        )


def _series(batch: Batch, columns: Columns, rules: Rules, asked: Asked) -> Iterator[Finding]:
    """Jumps within an answer of many days: each symbol's closes, one after the other."""
    if rules.jump is None or asked.from_on == asked.to_on or not batch.dataset.symbol:
        return
    jump = rules.jump
    days, symbols = columns[batch.dataset.date], columns[batch.dataset.symbol]
    values = columns[jump.column]
    factors = columns[jump.factor] if jump.factor else [None] * len(values)
    traded = [place for place, value in enumerate(values) if value is not None]
    traded.sort(key=lambda place: (symbols[place], days[place]))
    places = [
        after
        for before, after in pairwise(traded)
        if symbols[before] == symbols[after] and is_jump(values[before], values[after], factors[after] or 1.0, jump)
    ]
    if places:
        detail = f"expected {jump.column} within {jump.times:g} times that of the day before, got others"
        yield Finding(
            "jumps", Severity.SUSPECT, f"{detail} in {len(places):,} rows", keys_of(batch, places), len(places)
        )


def is_jump(before: float, after: float, factor: float, jump: Jump) -> bool:
    """Whether nothing that happens on an exchange leads from one price to the other.

    Example:
        >>> is_jump(1000.0, 500.0, 0.5, Jump()), is_jump(1000.0, 1e5, 1.0, Jump()), is_jump(1.0, 31.0, 1.0, Jump())
        (False, True, False)
    """
    expected = before * factor
    if abs(after - expected) <= jump.least:
        return False
    return after >= expected * jump.times or after * jump.times <= expected


def _strange(rule: str, detail: str, batch: Batch, places: Sequence[int]) -> Finding:
    severity = severity_of(len(places), len(batch.rows))
    return Finding(rule, severity, detail, keys_of(batch, places), len(places))


Look = Callable[[Batch, Columns, Rules, Asked], Iterator[Finding]]
_LOOKS: tuple[Look, ...] = (_dates, _codes, _signs, _wholeness, _order, _turnover, _variety, _series)
