"""The client of Yahoo's chart endpoint: bars of one symbol, with dividends, splits and capital gains."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, time
from typing import Any
from urllib.parse import quote

from datasources.columns import clean, without_twins
from datasources.host_names import HostNames
from datasources.pace import narrowest
from datasources.transport import MAX_BYTES, Reply, Transport
from datasources.yahoo_daily import DailyTable
from datasources.yahoo_intervals import INTERVALS, Interval
from datasources.yahoo_intraday import intraday_rows
from datasources.yahoo_question import Question
from moomarkets.domain.calendar import NEW_YORK
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS, YAHOO_INTRADAY_BARS
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.limits import SilenceRule, Window, doubling
from moomarkets.domain.schedule import CronSchedule
from moomarkets.domain.source import Endpoint, PermitGate, SourceSpec
from moomarkets.domain.upkeep import Cut, Publication, Upkeep

# After the close in New York.
_UPKEEP = Upkeep(Cut.SYMBOL, Publication(NEW_YORK, time(16, 0)), CronSchedule("0 18 * * 1-5", "America/New_York"))
_PATH = "/v8/finance/chart/{symbol}"

YAHOO_BARS_ENDPOINT = Endpoint("yahoo_daily_bars", _PATH, YAHOO_DAILY_BARS, requires_symbol=True, upkeep=_UPKEEP)
YAHOO_INTRADAY_ENDPOINT = Endpoint(
    "yahoo_intraday_bars", _PATH, YAHOO_INTRADAY_BARS, requires_symbol=True, upkeep=_UPKEEP
)

YAHOO = SourceSpec(
    code="yahoo",
    name="Yahoo Finance",
    description="Bars of single symbols from Yahoo's chart endpoint; for personal use only",
    provider_type="yfinance",
    base_url="https://query2.finance.yahoo.com",
    api_version="v8",
    windows=(Window(1, 2),),
    endpoints=(YAHOO_BARS_ENDPOINT, YAHOO_INTRADAY_ENDPOINT),
    needs_credential=False,
    silences=SilenceRule(doubling(900, 14_400)),
)

_SYMBOL = re.compile(r"[A-Za-z0-9.^=_-]{1,32}")


class YahooChart:
    """A `DataSource` over Yahoo's chart endpoint; thread-safe, one request per symbol, no credential.

    Parameters of `fetch_data`: `symbol`, and ISO dates `from` (default: all history) and `to` (included;
    default: today in UTC); for bars within a day also `interval`, one of `INTERVALS`. Yahoo adjusts prices and
    volumes for splits, as of the day of the request.

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
        question = self._question(endpoint, parameters)
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
        names = endpoint.dataset.column_names
        rows = without_twins(rows, [names.index(name) for name in endpoint.dataset.key], warnings)
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

    def _question(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> Question:
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
        return Question(symbol, first, last, self._interval(endpoint, parameters))

    def _interval(self, endpoint: Endpoint, parameters: Mapping[str, str]) -> Interval | None:
        if endpoint.name == YAHOO_BARS_ENDPOINT.name:
            return None
        interval = INTERVALS.get(parameters.get("interval", ""))
        if endpoint.name != YAHOO_INTRADAY_ENDPOINT.name or interval is None:
            raise self._transport.failure(Reason.INVALID, f"interval: expected one of {', '.join(INTERVALS)}")
        return interval

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
        self, result: Mapping[str, Any] | None, question: Question, warnings: Counter[str], reply: Reply
    ) -> list[tuple[object, ...]]:
        if result is None or not result.get("timestamp"):
            return []
        try:
            now = self._clock.now()
            if question.interval is None:
                return DailyTable(result, question, now, warnings).rows()
            return intraday_rows(result, question, question.interval, now, warnings)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            detail = f"chart: not in the documented shape ({type(error).__name__})"
            raise self._transport.failure(Reason.SCHEMA, detail, reply) from None


def _part(content: object, name: str) -> Mapping[str, Any]:
    part = content.get(name) if isinstance(content, dict) else None
    return part if isinstance(part, dict) else {}


def _description(chart: Mapping[str, Any]) -> str:
    error = _part(chart, "error")
    return clean(str(error.get("description") or error.get("code") or ""))[:200]
