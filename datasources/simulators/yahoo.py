"""A stand-in for Yahoo's chart endpoint, with made-up series or with histories that it is given."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sin
from zlib import crc32
from zoneinfo import ZoneInfo

from datasources.simulators.command_line import evening_of
from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, Simulator, json_answer
from datasources.simulators.sliding_limit import SlidingLimit
from datasources.simulators.yahoo_intraday import intraday
from datasources.yahoo_intervals import INTERVALS, Interval
from moomarkets.domain.clock import Clock
from moomarkets.domain.limits import Window

SYMBOLS = ("AAPL", "MSFT", "GOOG", "AMZN", "NVDA", "META", "TSLA", "BRK-B", "JPM", "^GSPC", "^IXIC")
_PREFIX = "/v8/finance/chart/"
_NEW_YORK = ZoneInfo("America/New_York")
_OPEN, _CLOSE = time(9, 30), time(16, 0)
_DAY_S = 86_400
_SERIES_SINCE = date(2010, 1, 4)
_FIXED_HOLIDAYS = frozenset({(1, 1), (6, 19), (7, 4), (12, 25)})


@dataclass(frozen=True, slots=True)
class Bar:
    """One day of one symbol, adjusted for splits as Yahoo serves it; `split` is new shares per old."""

    on_date: date
    open: float | None
    high: float | None
    low: float | None
    close: float | None
    adjusted_close: float | None
    volume: float | None
    dividend: float | None = None
    split: float | None = None


class YahooSimulator(Simulator):
    """Yahoo's chart endpoint on a loopback port, sessions in New York.

    Without `histories` it serves `SYMBOLS` with made-up series up to its own today. With `live_row` an answer
    ends with a row of the newest day even when that lies after the asked range, as the service does.

    Example:
        >>> day = Bar(date(2026, 11, 20), 1.0, 1.2, 0.9, 1.1, 1.1, 100)
        >>> with YahooSimulator({"ABC": [day]}) as simulator:
        ...     simulator.url.startswith("http://127.0.0.1:")
        True
    """

    def __init__(
        self,
        histories: Mapping[str, Sequence[Bar]] | None = None,
        *,
        today: datetime | date | None = None,
        clock: Clock | None = None,
        limit: Window | None = None,
        live_row: bool = False,
        speed: float = 1.0,
        port: int = 0,
    ) -> None:
        start = evening_of(today.isoformat()) if today else None
        super().__init__(clock=clock, start=start, port=port, speed=speed)
        self._histories = histories
        self._live_row = live_row
        self._limit = SlidingLimit(limit, self.clock.monotonic) if limit else None

    def answer(self, question: Question) -> Answer:
        """One symbol's chart, or the provider's way of refusing."""
        if self._limit is not None and not self._limit.admits(""):
            return Answer(429, b"Too Many Requests", "text/plain")
        symbol = question.path.removeprefix(_PREFIX)
        bars = self._bars(symbol) if question.path.startswith(_PREFIX) else None
        if question.method != "GET" or bars is None:
            return _refused(404, "Not Found", "No data found, symbol may be delisted")
        interval = question.query.get("interval", "1d")
        if interval != "1d" and interval not in INTERVALS:
            known = ", ".join(["1d", *INTERVALS])
            return _refused(
                422, "Unprocessable Entity", f"Invalid input - interval={interval} is not supported. Valid: [{known}]"
            )
        try:
            first, end = int(question.query.get("period1", "")), int(question.query.get("period2", ""))
        except ValueError:
            return _refused(400, "Bad Request", "Invalid input - period1 and period2 are needed")
        if interval != "1d":
            return self._intraday(symbol, bars, INTERVALS[interval], first, end)
        stamps = [_opening(bar.on_date) for bar in bars]
        start, stop = bisect_left(stamps, first), bisect_left(stamps, end)
        wanted = list(bars[start:stop])
        if self._live_row and bars and stop < len(bars):
            wanted.append(bars[-1])
        content = {"chart": {"result": [self._result(symbol, bars, wanted)], "error": None}}
        return json_answer(200, content, rows=len(wanted))

    def _intraday(self, symbol: str, bars: Sequence[Bar], interval: Interval, first: int, end: int) -> Answer:
        now = self.clock.now()
        asked = f"{interval.name} data not available for startTime={first} and endTime={end}."
        if end - first > interval.widest_days * _DAY_S:
            limit = f"Only {interval.widest_days} days worth of {interval.name} granularity data are allowed"
            return _refused(422, "Unprocessable Entity", f"{asked} {limit} to be fetched per request.")
        if first < now.timestamp() - interval.kept_days * _DAY_S:
            limit = f"The requested range must be within the last {interval.kept_days} days."
            return _refused(422, "Unprocessable Entity", f"{asked} {limit}")
        ticks = [
            tick
            for bar in bars
            for tick in intraday(bar, interval.seconds, _opening(bar.on_date))
            if first <= tick.stamp < end and tick.stamp <= now.timestamp()
        ]
        result: dict[str, object] = {"meta": {**self._meta(symbol, bars), "dataGranularity": interval.name}}
        if ticks:
            result["timestamp"] = [tick.stamp for tick in ticks]
        names = ("open", "high", "low", "close", "volume")
        quote = {name: [getattr(tick, name) for tick in ticks] for name in names}
        result["indicators"] = {"quote": [quote if ticks else {}]}
        return json_answer(200, {"chart": {"result": [result], "error": None}}, rows=len(ticks))

    def _bars(self, symbol: str) -> Sequence[Bar] | None:
        if self._histories is not None:
            return self._histories.get(symbol)
        if symbol not in SYMBOLS:
            return None
        return _series(symbol, self.clock.now().astimezone(_NEW_YORK))

    def _result(self, symbol: str, bars: Sequence[Bar], wanted: Sequence[Bar]) -> dict[str, object]:
        result: dict[str, object] = {"meta": self._meta(symbol, bars)}
        quote = {name: [getattr(bar, name) for bar in wanted] for name in ("open", "high", "low", "close", "volume")}
        adjusted = {"adjclose": [bar.adjusted_close for bar in wanted]}
        if wanted:
            result["timestamp"] = [_opening(bar.on_date) for bar in wanted]
        if events := _events(wanted):
            result["events"] = events
        # Without rows the service leaves the time stamps out and the arrays empty.
        result["indicators"] = {"quote": [quote if wanted else {}], "adjclose": [adjusted if wanted else {}]}
        return result

    def _meta(self, symbol: str, bars: Sequence[Bar]) -> dict[str, object]:
        today = self.clock.now().astimezone(_NEW_YORK).date()
        start = _opening(today)
        end = int(datetime.combine(today, _CLOSE, _NEW_YORK).timestamp())
        period = {"timezone": "EST", "start": start, "end": end, "gmtoffset": -18000}
        return {
            "currency": "USD",
            "symbol": symbol,
            "exchangeName": "SIM",
            "instrumentType": "INDEX" if symbol.startswith("^") else "EQUITY",
            "firstTradeDate": _opening(bars[0].on_date) if bars else None,
            "gmtoffset": -18000,
            "timezone": "EST",
            "exchangeTimezoneName": "America/New_York",
            "currentTradingPeriod": {"regular": period},
            "dataGranularity": "1d",
            "range": "",
            "validRanges": ["1d", "1mo", "1y", "max"],
        }


def _series(symbol: str, now: datetime) -> list[Bar]:
    """A made-up series up to `now`; today's row is there from the opening on."""
    last = now.date() if now.time() >= _OPEN else now.date() - timedelta(days=1)
    days = (_SERIES_SINCE + timedelta(days=n) for n in range((last - _SERIES_SINCE).days + 1))
    return [_bar(symbol, day) for day in days if _is_session(day)]


def _is_session(day: date) -> bool:
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED_HOLIDAYS


def _bar(symbol: str, day: date) -> Bar:
    seed, number = crc32(symbol.encode()), day.toordinal()
    noise = (((seed ^ (number * 2654435761)) * 2246822519) & 0xFFFFFFFF) >> 7
    level = (40 + seed % 400) * (1 + (number - 733_000) / 9_000) * (1 + 0.15 * sin(number / 97 + seed % 7))
    opening, close = (round(level * (0.99 + (noise >> shift & 255) / 12_800), 2) for shift in (0, 8))
    pays = not symbol.startswith("^") and day.month % 3 == 2 and 8 <= day.day <= 14 and day.weekday() == 2
    return Bar(
        on_date=day,
        open=opening,
        high=round(max(opening, close) * 1.004, 2),
        low=round(min(opening, close) * 0.996, 2),
        close=close,
        adjusted_close=round(close * 0.995, 2),
        volume=float(1_000_000 + noise % 50_000_000),
        dividend=0.25 if pays else None,
        split=4.0 if (symbol, day) == ("NVDA", date(2021, 7, 20)) else None,
    )


def _opening(day: date) -> int:
    return int(datetime.combine(day, _OPEN, _NEW_YORK).timestamp())


def _events(bars: Sequence[Bar]) -> dict[str, object]:
    dividends, splits = {}, {}
    for bar in bars:
        stamp = _opening(bar.on_date)
        if bar.dividend is not None:
            dividends[str(stamp)] = {"amount": bar.dividend, "date": stamp}
        if bar.split is not None:
            ratio = f"{bar.split:g}:1"
            splits[str(stamp)] = {
                "date": stamp,
                "numerator": bar.split,
                "denominator": 1.0,
                "splitRatio": ratio,
            }
    return {name: part for name, part in (("dividends", dividends), ("splits", splits)) if part}


def _refused(status: int, code: str, description: str) -> Answer:
    error = {"code": code, "description": description}
    return json_answer(status, {"chart": {"result": None, "error": error}})
