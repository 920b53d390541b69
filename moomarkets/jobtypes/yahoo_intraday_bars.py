"""Keeps bars within a day of single symbols, from Yahoo's chart service, before they are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from datasources.yahoo import YAHOO_INTRADAY_ENDPOINT
from datasources.yahoo_intervals import INTERVALS, Interval
from moomarkets.domain.calendar import NEW_YORK, WeekdaysOnly
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Expected, missing
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import CronSchedule, Schedule
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.scope import symbols_of

DEFAULT = "1m"


class YahooIntradayBars:
    """A job for each symbol and stretch of missing days, as many days as one request may bring.

    The service forgets bars of a minute after 30 days: what it forgets first is fetched first. Scope: `symbols` (a
    list) and `interval` (`1m`, which is the default, `5m`, `15m`, `30m` or `60m`).
    """

    name = "yahoo_intraday_bars"
    description = "Bars within a day of single symbols (Yahoo)"
    default_schedule: Schedule | None = CronSchedule("0 18 * * 1-5", "America/New_York")
    source = "yahoo"
    dataset = "yahoo_intraday_bars"
    scope_keys = frozenset({"symbols", "interval"})

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The stretches that are missing, the oldest first."""
        interval = interval_of(scope)
        assert YAHOO_INTRADAY_ENDPOINT.upkeep is not None
        publication = YAHOO_INTRADAY_ENDPOINT.upkeep.publication
        last = publication.newest(view.now, WeekdaysOnly())
        days = _weekdays(interval.oldest(view.now.astimezone(NEW_YORK).date()), last)
        stretches = [
            stretch
            for symbol in symbols_of(scope)
            for stretch in _stretches(
                missing(
                    [Expected(_key(symbol, interval), day, day, publication.of(day)) for day in days], view.covered
                ),
                interval,
            )
        ]
        return [self._job(stretch, interval) for stretch in sorted(stretches, key=lambda found: found.from_on)]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, "yahoo_intraday_bars", attempt, tools, token)

    def _job(self, stretch: Expected, interval: Interval) -> PlannedJob:
        symbol = stretch.key.partition(" ")[0]
        first, last = stretch.from_on.isoformat(), stretch.to_on.isoformat()
        request = {"symbol": symbol, "interval": interval.name, "from": first, "to": last}
        title = f"{interval.name} bars of {symbol} from {first} to {last}"
        return Fetch(stretch, request).job(f"{stretch.key} {first}", self.name, title, symbol)


def interval_of(scope: Mapping[str, object]) -> Interval:
    """`interval`: how long the bars are."""
    interval = INTERVALS.get(str(scope.get("interval", DEFAULT)))
    if interval is None:
        raise InvalidInput("scope interval", f"one of {', '.join(INTERVALS)}", scope.get("interval"))
    return interval


def _key(symbol: str, interval: Interval) -> str:
    return f"{symbol} {interval.name}"


def _weekdays(first: date, last: date) -> list[date]:
    days = (first + timedelta(days=ahead) for ahead in range((last - first).days + 1))
    return [day for day in days if WeekdaysOnly().is_trading_day(day)]


def _stretches(gaps: list[Expected], interval: Interval) -> Iterator[Expected]:
    """Missing days joined as far as one request reaches; what lies between them is asked for again, at no cost."""
    while gaps:
        first = gaps[0]
        end = first.from_on + timedelta(days=interval.request_days - 1)
        within = [gap for gap in gaps if gap.from_on <= end]
        gaps = gaps[len(within) :]
        yield Expected(first.key, first.from_on, within[-1].to_on, within[-1].published_at)
