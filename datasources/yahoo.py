"""The client of Yahoo's chart endpoint: daily bars, dividends, splits and capital gains of one symbol."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from datasources.columns import clean, numbers, without_twins
from datasources.host_names import HostNames
from datasources.pace import narrowest
from datasources.transport import MAX_BYTES, Reply, Transport
from moomarkets.domain.calendar import NEW_YORK
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.limits import Window
from moomarkets.domain.schedule import CronSchedule
from moomarkets.domain.source import Endpoint, PermitGate, SourceSpec
from moomarkets.domain.upkeep import Cut, Publication, Upkeep

YAHOO_BARS_ENDPOINT = Endpoint(
    "yahoo_daily_bars",
    "/v8/finance/chart/{symbol}",
    YAHOO_DAILY_BARS,
    requires_symbol=True,
    # After the close in New York.
    upkeep=Upkeep(Cut.SYMBOL, Publication(NEW_YORK, time(16, 0)), CronSchedule("0 18 * * 1-5", "America/New_York")),
)

YAHOO = SourceSpec(
    code="yahoo",
    name="Yahoo Finance",
    description="Daily bars of single symbols from Yahoo's chart endpoint; for personal use only",
    provider_type="yfinance",
    base_url="https://query2.finance.yahoo.com",
    api_version="v8",
    windows=(Window(1, 2),),
    endpoints=(YAHOO_BARS_ENDPOINT,),
    needs_credential=False,
    default_silence_s=900.0,
)

LIVE_ROWS = "live_rows"
NULL_ROWS = "null_rows"
ORPHAN_EVENTS = "orphan_events"

_PRICES = ("open", "high", "low", "close")
_SYMBOL = re.compile(r"[A-Za-z0-9.^=_-]{1,32}")


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked: a symbol, and the exchange dates from `first` to `last`, both included."""

    symbol: str
    first: date
    last: date

    def query(self) -> dict[str, str]:
        # A day more at the front: east of UTC a session opens on the UTC day before its own date.
        first = datetime.combine(max(self.first, date(1900, 1, 2)) - timedelta(days=1), datetime.min.time(), UTC)
        end = datetime.combine(self.last, datetime.min.time(), UTC) + timedelta(days=1)
        return {
            "period1": str(int(first.timestamp())),
            "period2": str(int(end.timestamp())),
            "interval": "1d",
            "includePrePost": "false",
            "events": "div,splits,capitalGains",
        }


class YahooChart:
    """A `DataSource` over Yahoo's chart endpoint; thread-safe, one request per symbol, no credential.

    Parameters of `fetch_data`: `symbol`, and ISO dates `from` (default: all history) and `to` (included;
    default: today in UTC). Yahoo adjusts prices and volumes for splits, as of the day of the request.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> from moomarkets.domain.events import NoEvents
        >>> from moomarkets.testing.open_gate import OpenGate
        >>> clock = SystemClock()
        >>> YahooChart(YAHOO.base_url, OpenGate(clock), clock, NoEvents()).get_rate_limit()
        (30, 'minute')
    """

    spec = YAHOO

    def __init__(
        self,
        base_url: str,
        gate: PermitGate,
        clock: Clock,
        events: Events,
        *,
        windows: Sequence[Window] = YAHOO.windows,
        max_bytes: int = MAX_BYTES,
        hosts: HostNames | None = None,
    ) -> None:
        self._gate, self._clock, self._events = gate, clock, events
        self._windows = tuple(windows)
        self._transport = Transport(YAHOO.code, base_url, clock, max_bytes=max_bytes, hosts=hosts)

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        """The bars of one symbol; an existing symbol without rows in that time is an empty batch."""
        question = self._question(parameters)
        started = self._clock.monotonic()
        path = endpoint.path.replace("{symbol}", quote(question.symbol, safe=""))
        with self._gate.permit(endpoint, token) as permit:
            reply = self._transport.send(endpoint.method, path, question.query(), permit, token)
            if reply.status == 429:
                # First of all: others may be about to send.
                self._gate.silence(reply.retry_after_s)
                raise RateLimited(source=YAHOO.code, retry_after_s=reply.retry_after_s)
        warnings: Counter[str] = Counter()
        rows = self._rows(self._result(reply), question, warnings, reply)
        rows = without_twins(rows, (0, 1), warnings)
        fields = {"source": YAHOO.code, "endpoint": endpoint.name}
        if warnings:
            self._events.emit("source.oddities_found", **fields, warnings=dict(warnings))
        seconds = round(self._clock.monotonic() - started, 3)
        self._events.emit("source.fetched", **fields, rows=len(rows), pages=1, bytes=len(reply.body), seconds=seconds)
        return Batch(endpoint.dataset, rows, 1, 1, len(reply.body), dict(warnings))

    def validate_credentials(self) -> bool:
        """True without a request: there is no credential that could be wrong."""
        return True

    def get_rate_limit(self) -> tuple[int, str]:
        """The narrowest limit that applies."""
        return narrowest(self._windows)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _question(self, parameters: Mapping[str, str]) -> _Question:
        symbol = parameters.get("symbol", "")
        if _SYMBOL.fullmatch(symbol) is None:
            raise self._transport.failure(Reason.INVALID, "symbol: expected one like AAPL, 7203.T or ^GSPC")
        try:
            first = date.fromisoformat(parameters.get("from") or "1900-01-02")
            given = parameters.get("to")
            last = date.fromisoformat(given) if given else self._clock.now().date()
        except ValueError:
            raise self._transport.failure(Reason.INVALID, "from, to: expected dates like 2026-11-20") from None
        if not date(1900, 1, 2) <= first <= last <= date(9000, 1, 1):
            raise self._transport.failure(Reason.INVALID, "from: expected a date not after to")
        return _Question(symbol, first, last)

    def _result(self, reply: Reply) -> Mapping[str, Any] | None:
        """The one result of a chart answer, or None where there is none though nothing is wrong."""
        if reply.status != 200:
            raise self._refused(reply)
        chart = _part(self._transport.json(reply), "chart")
        if chart.get("error"):
            raise self._transport.failure(Reason.INVALID, _description(chart), reply)
        results = chart.get("result")
        if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
            raise self._transport.failure(Reason.SCHEMA, "chart.result: expected a list", reply)
        return results[0] if results else None

    def _refused(self, reply: Reply) -> SourceError:
        try:
            detail = _description(_part(self._transport.json(reply), "chart"))
        except SourceError:
            detail = ""
        reasons = {401: Reason.AUTH, 403: Reason.AUTH, 408: Reason.UPSTREAM}
        default = Reason.INVALID if 400 <= reply.status < 500 else Reason.UPSTREAM
        text = self._transport.excerpt(detail.encode() if detail else reply.body)
        return self._transport.failure(reasons.get(reply.status, default), text, reply)

    def _rows(
        self, result: Mapping[str, Any] | None, question: _Question, warnings: Counter[str], reply: Reply
    ) -> list[tuple[object, ...]]:
        if result is None or not result.get("timestamp"):
            return []
        try:
            table = _Table(result, question, self._clock.now(), warnings)
            return table.rows()
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            detail = f"chart: not in the documented shape ({type(error).__name__})"
            raise self._transport.failure(Reason.SCHEMA, detail, reply) from None


class _Table:
    """The parallel arrays of one chart result, joined with its events into rows."""

    def __init__(self, result: Mapping[str, Any], question: _Question, now: datetime, warnings: Counter[str]) -> None:
        self._question, self._warnings = question, warnings
        self._meta = result["meta"]
        self._zone = _zone(self._meta)
        self._stamps = [int(stamp) for stamp in result["timestamp"]]
        self._quote: Mapping[str, Any] = result["indicators"]["quote"][0]
        self._adjusted = _adjusted(result["indicators"], len(self._stamps))
        self._events = result.get("events") or {}
        self._live_from = _live_from(self._meta, now)

    def rows(self) -> list[tuple[object, ...]]:
        days = [datetime.fromtimestamp(stamp, self._zone).date() for stamp in self._stamps]
        currency = clean(str(self._meta.get("currency") or "")) or None
        dividends = self._by_day("dividends", lambda event: event["amount"])
        splits = self._by_day("splits", lambda event: float(event["numerator"]) / float(event["denominator"]))
        gains = self._by_day("capitalGains", lambda event: event["amount"])
        columns = [numbers(self._quote[name], self._warnings) for name in _PRICES]
        columns.append(numbers(self._adjusted, self._warnings))
        columns.append(numbers(self._quote["volume"], self._warnings))
        joined = zip(self._stamps, days, *columns, self._extras(), strict=True)
        rows: list[tuple[object, ...]] = []
        for stamp, day, *values, extra in joined:
            actions = (dividends.pop(day, None), splits.pop(day, None), gains.pop(day, None))
            if self._is_wanted(stamp, day, values, actions):
                rows.append((self._question.symbol, day, *values, *actions, currency, extra))
        self._count(ORPHAN_EVENTS, len(dividends) + len(splits) + len(gains))
        return rows

    def _is_wanted(self, stamp: int, day: date, values: Sequence[object], actions: Sequence[object]) -> bool:
        if not self._question.first <= day <= self._question.last:
            return False
        if self._live_from is not None and stamp >= self._live_from:
            self._count(LIVE_ROWS, 1)
            return False
        if not any(value is not None for value in (*values, *actions)):
            self._count(NULL_ROWS, 1)
            return False
        return True

    def _by_day(self, kind: str, amount: Any) -> dict[date, float | None]:
        events = list((self._events.get(kind) or {}).values())
        amounts = numbers([_amount(amount, event) for event in events], self._warnings)
        days = [datetime.fromtimestamp(int(event["date"]), self._zone).date() for event in events]
        wanted = {day for day in days if self._question.first <= day <= self._question.last}
        return {day: value for day, value in zip(days, amounts, strict=True) if day in wanted}

    def _extras(self) -> list[dict[str, object] | None]:
        unknown = sorted(set(self._quote) - {*_PRICES, "volume"})
        if not unknown:
            return [None] * len(self._stamps)
        columns = [numbers(self._quote[name], self._warnings) for name in unknown]
        names = [clean(name) for name in unknown]
        return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]

    def _count(self, name: str, times: int) -> None:
        if times:
            self._warnings[name] += times


def _amount(amount: Any, event: Any) -> object:
    try:
        return amount(event)
    except ZeroDivisionError:
        return "a ratio without a denominator"


def _adjusted(indicators: Mapping[str, Any], count: int) -> Sequence[object]:
    """The closes adjusted for dividends too; Yahoo leaves them out for some instruments."""
    parts = indicators.get("adjclose")
    values: Sequence[object] = parts[0]["adjclose"] if parts else [None] * count
    return values


def _live_from(meta: Mapping[str, Any], now: datetime) -> int | None:
    """The opening second of a session that is not over yet: its row still changes."""
    regular = (meta.get("currentTradingPeriod") or {}).get("regular") or {}
    start, end = regular.get("start"), regular.get("end")
    if isinstance(start, int) and isinstance(end, int) and now.timestamp() < end:
        return start
    return None


def _zone(meta: Mapping[str, Any]) -> ZoneInfo:
    try:
        return ZoneInfo(meta["exchangeTimezoneName"])
    except ZoneInfoNotFoundError:
        raise ValueError("exchangeTimezoneName") from None


def _part(content: object, name: str) -> Mapping[str, Any]:
    part = content.get(name) if isinstance(content, dict) else None
    return part if isinstance(part, dict) else {}


def _description(chart: Mapping[str, Any]) -> str:
    error = _part(chart, "error")
    return clean(str(error.get("description") or error.get("code") or ""))[:200]
