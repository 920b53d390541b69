"""Keeps the daily bars of single symbols, from Yahoo's chart service."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from datasources.yahoo import YAHOO_BARS_ENDPOINT
from moomarkets.domain.calendar import WeekdaysOnly
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Expected, missing
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.schedule import CronSchedule, Schedule
from moomarkets.jobtypes.fetch import Fetch, perform_fetch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.scope import date_of, symbols_of


class YahooDailyBars:
    """One job per symbol, with its whole range in one request.

    Yahoo adjusts a symbol's history for splits after the fact, so a range is always fetched as a whole. Scope:
    `symbols` (a list), `from` (a date, by default 1 January of last year) and `to` (a date).
    """

    name = "yahoo_daily_bars"
    description = "Daily bars, dividends and splits of single symbols (Yahoo)"
    default_schedule: Schedule | None = CronSchedule("0 18 * * 1-5", "America/New_York")
    source = "yahoo"
    dataset = "yahoo_daily_bars"
    scope_keys = frozenset({"symbols", "from", "to"})

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """The symbols whose newest published day is not here yet."""
        assert YAHOO_BARS_ENDPOINT.upkeep is not None
        publication = YAHOO_BARS_ENDPOINT.upkeep.publication
        newest = publication.newest(view.now, WeekdaysOnly())
        last = min(newest, date_of(scope, "to") or newest)
        first = date_of(scope, "from") or date(newest.year - 1, 1, 1)
        if first > last:
            raise InvalidInput("scope from", f"a date up to {last}", first.isoformat())
        published_at = publication.of(last)
        wanted = [Expected(symbol, first, last, published_at) for symbol in symbols_of(scope)]
        return [self._job(partition) for partition in missing(wanted, view.covered)]

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        return perform_fetch(self.source, "yahoo_daily_bars", attempt, tools, token)

    def _job(self, partition: Expected) -> PlannedJob:
        symbol = partition.key
        request = {
            "symbol": symbol,
            "from": partition.from_on.isoformat(),
            "to": partition.to_on.isoformat(),
        }
        return Fetch(partition, request).job(symbol, self.name, f"daily bars of {symbol}", symbol)
