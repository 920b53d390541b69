"""The exchanges whose trading days are known: zone, close, calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from moomarkets.domain.calendar import NEW_YORK, TOKYO, TokyoCalendar, TradingDays
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.new_york_calendar import NewYorkCalendar


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange by its ISO 10383 code; `close` is the regular end of the session, `days` come from its rules."""

    code: str
    zone: ZoneInfo
    close: time
    days: TradingDays


EXCHANGES = {
    exchange.code: exchange
    for exchange in (
        # 15:30 since 2024-11-05, 15:00 before.
        Exchange("XTKS", TOKYO, time(15, 30), TokyoCalendar({})),
        Exchange("XNYS", NEW_YORK, time(16, 0), NewYorkCalendar()),
    )
}
_FAMILIAR = {
    "tse": "XTKS", "jpx": "XTKS", "tokyo": "XTKS", "xjpx": "XTKS",
    "nyse": "XNYS", "nasdaq": "XNYS", "xnas": "XNYS", "new york": "XNYS",
}  # fmt: skip


def exchange_named(code: object) -> Exchange:
    """The exchange of that code; `InvalidInput` with the nearest known one where there is none.

    Example:
        >>> exchange_named("XTKS").zone.key
        'Asia/Tokyo'
    """
    if isinstance(code, str) and code in EXCHANGES:
        return EXCHANGES[code]
    meant = _FAMILIAR.get(code.strip().lower()) if isinstance(code, str) else None
    guess = f" (did you mean {meant}?)" if meant else did_you_mean(code, EXCHANGES)
    raise InvalidInput("market", f"one of {', '.join(EXCHANGES)}{guess}", code)
