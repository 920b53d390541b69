"""What is about the whole market: indices, who bought and sold in a week, and the calendar."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from math import sin
from zlib import crc32

from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.fields import FIELDS
from datasources.simulators.jquants.view import Row, View, instant, texts
from datasources.simulators.tokyo_calendar import holiday_division, is_trading_day, trading_days

_INDEX_CODES = (
    "0000 0001 0028 0029 002A 002B 002C 002D 002E 002F 0040 0041 0042 0043 0044 0045 0046 0047 0048 0049 004A 004B "
    "004C 004D 004E 004F 0050 0051 0052 0053 0054 0055 0056 0057 0058 0059 005A 005B 005C 005D 005E 005F 0060 0070 "
    "0075 0080 0081 0082 0083 0084 0085 0086 0087 0088 0089 008A 008B 008C 008D 008E 008F 0090 0091 0500 0501 0502 "
    "0503 8100 812C 812D 8200 822C 822D 8501 8502 8503"
)
INDICES = tuple(_INDEX_CODES.split())
_SEGMENTS_SINCE = date(2022, 4, 4)
_OLD_SECTIONS = ("TSE1st", "TSE2nd", "TSEMothers", "TSEJASDAQ", "TokyoNagoya")
_NEW_SECTIONS = ("TSEPrime", "TSEStandard", "TSEGrowth", "TokyoNagoya")
_INVESTORS = tuple(name[:-4] for name in FIELDS["/equities/investor-types"] if name.endswith("Sell"))
_SUMS = {"Tot": ("Prop", "Brk")}


def indices(view: View, day: date, code: str) -> list[str]:
    """One row per index."""
    if not is_trading_day(day):
        return []
    return texts(_index_row(day, other) for other in INDICES if code in ("", other))


def topix(view: View, day: date, code: str) -> list[str]:
    """The index 0000 alone, without its code."""
    if not is_trading_day(day):
        return []
    row = _index_row(day, INDICES[0])
    return texts([{name: value for name, value in row.items() if name != "Code"}])


def index_close(day: date, code: str) -> float:
    """Where that index closes on a day."""
    value: float = _index_row(day, code)["C"]
    return value


def _index_row(day: date, code: str) -> Row:
    seed, number = crc32(code.encode()), day.toordinal()
    level = (800 + seed % 2400) * (1 + (number - 733_000) / 12_000) * (1 + 0.12 * sin(number / 131 + seed % 7))
    opening, close = (round(level * (0.992 + draw(seed, number, place) % 160 / 10_000), 2) for place in (71, 72))
    high = round(max(opening, close) + draw(seed, number, 73) % 900 / 100, 2)
    low = round(min(opening, close) - draw(seed, number, 74) % 900 / 100, 2)
    return {"Date": str(day), "Code": code, "O": opening, "H": high, "L": low, "C": close}


def investor_types(view: View, day: date, section: str) -> list[str]:
    """What came out on a day about the week before: on the fourth business day, or the last of a short week."""
    monday = day - timedelta(days=day.weekday())
    of_week = trading_days(monday, monday + timedelta(days=4))
    if not of_week or day != of_week[min(3, len(of_week) - 1)]:
        return []
    start = monday - timedelta(days=7)
    sections = _NEW_SECTIONS if start >= _SEGMENTS_SINCE else _OLD_SECTIONS
    return texts(_investor_row(day, start, other) for other in sections if section in ("", other))


def _investor_row(published_on: date, start: date, section: str) -> Row:
    seed, number = crc32(section.encode()), start.toordinal()
    row: Row = {
        "PubDate": str(published_on),
        "StDate": str(start),
        "EnDate": str(start + timedelta(days=4)),
        "Section": section,
    }
    amounts: dict[str, tuple[float, float]] = {}
    for place, name in enumerate(_INVESTORS):
        sold, bought = (1e6 * (1000 + draw(seed, number, 2 * place + side, 75) % 900_000) for side in (0, 1))
        if name in _SUMS:
            sold, bought = (sum(amounts[part][side] for part in _SUMS[name]) for side in (0, 1))
        amounts[name] = sold, bought
        row |= {
            f"{name}Sell": sold,
            f"{name}Buy": bought,
            f"{name}Tot": sold + bought,
            f"{name}Bal": bought - sold,
        }
    return row


def calendar_known_from(year: int) -> datetime:
    """When the calendar of a year comes out: at the end of March of the year before."""
    return instant(date(year - 1, 3, 31), 12)


def calendar_ends_on(view: View) -> date:
    """The last day that is known by now."""
    year = view.now.year
    return date(year + (view.now >= calendar_known_from(year + 1)), 12, 31)


def calendar(view: View, day: date, division: str) -> list[str]:
    """Whether the exchange is open."""
    found = holiday_division(day)
    return [f'{{"Date":"{day}","HolDiv":"{found}"}}'] if division in ("", found) else []
