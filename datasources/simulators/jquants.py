"""A stand-in for J-Quants API V2: its routes, checks, limits, pages and publication times, with made-up data.

Run it alone: `python -m datasources.simulators.jquants --port 8790 --plan light --key K --today 2027-01-04`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache

from datasources.jquants.plans import PLANS
from datasources.simulators.command_line import evening_of, port, run_until_stopped, window
from datasources.simulators.faults import PAGING_KINDS, Answer, spoil_rows
from datasources.simulators.issues import Issue
from datasources.simulators.market import Market
from datasources.simulators.paging import BadKey, Pager
from datasources.simulators.server import Question, Simulator, json_answer
from datasources.simulators.sliding_limit import SlidingLimit
from datasources.simulators.tokyo_calendar import (
    FIRST_DAY,
    holiday_division,
    is_trading_day,
    trading_day_from,
)
from moomarkets.domain.clock import Clock
from moomarkets.domain.limits import Window

DEMO_KEY = "demo-key"
_TOKYO = timezone(timedelta(hours=9))
_BARS_AT, _MASTER_AT = time(16, 30), time(17, 30)
_DATA_SINCE = date(2008, 5, 7)
_MORE = "If you want more data, please check other plans:https://jpx-jquants.com/#dataset"
_RANKS = {plan: rank for rank, plan in enumerate(PLANS)}
# Known to the service but without data here: the lowest plan that may ask.
_EMPTY_ROUTES = {
    "/equities/investor-types": "light",
    "/indices/bars/daily/topix": "light",
    "/indices/bars/daily": "standard",
    "/markets/margin-interest": "standard",
    "/markets/short-ratio": "standard",
    "/equities/bars/daily/am": "premium",
    "/fins/summary": "free",
    "/fins/details": "premium",
    "/fins/dividend": "premium",
    "/markets/breakdown": "premium",
}


class Refusal(Exception):
    """The request is answered with this status and message."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


class JQuantsSimulator(Simulator):
    """J-Quants on a loopback port; `base_url` is what a client is given.

    Its clock starts in the evening of `today`, or at that instant; `limit` replaces the plan's window, for
    tests in seconds instead of minutes; pages are cut at `page_bytes`.

    Example:
        >>> with JQuantsSimulator(plan="light", issues=9) as simulator:
        ...     simulator.base_url.endswith("/v2")
        True
    """

    def __init__(
        self,
        plan: str = "light",
        keys: Sequence[str] = (DEMO_KEY,),
        *,
        today: datetime | date | None = None,
        clock: Clock | None = None,
        limit: Window | None = None,
        block_after: int = 3,
        issues: int = 4400,
        page_bytes: int = 5_000_000,
        port: int = 0,
    ) -> None:
        start = evening_of(today.isoformat()) if today else None
        super().__init__(clock=clock, start=start, port=port)
        self.plan = PLANS[plan]
        self._keys = frozenset(keys)
        self.limit = limit or self.plan.windows[0]
        self._limit = SlidingLimit(self.limit, self.clock.monotonic, block_after)
        self._pager = Pager(page_bytes)
        self._market = Market(issues)
        self._is_premium = plan == "premium"
        # Pages of one day are asked for one after the other, and several clients like the newest day.
        self._bars_of_day = lru_cache(maxsize=4)(self._market.bars_of_day)
        self._routes = {
            "/equities/master": self._master,
            "/equities/bars/daily": self._daily_bars,
            "/markets/calendar": self._calendar,
            **dict.fromkeys(_EMPTY_ROUTES, _nothing),
        }

    @property
    def base_url(self) -> str:
        """The API's address."""
        return f"{self.url}/v2"

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "")

    def answer(self, question: Question) -> Answer:
        """The checks in their order, then the rows in pages."""
        try:
            return self._answer(question)
        except Refusal as refusal:
            return json_answer(refusal.status, {"message": refusal.message})

    def _answer(self, question: Question) -> Answer:
        path = question.path.removeprefix("/v2")
        route = self._routes.get(path) if question.path.startswith("/v2/") else None
        if route is None or question.method != "GET":
            raise Refusal(403, "The requested endpoint does not exist. Please check the URL, HTTP method.")
        self._check_key(question)
        if not self._limit.admits(self.key_of(question.headers)):
            raise Refusal(429, "Too Many Requests")
        if _RANKS[self.plan.name] < _RANKS[_EMPTY_ROUTES.get(path, "free")]:
            raise Refusal(403, f"This API is not available on your subscription. {_MORE}")
        if path == "/equities/bars/daily/am":
            # Its data come at noon and are gone in the evening; here there never are any.
            return Answer(210, b"{}")
        rows = route(question.query)
        return self._paged(question, path, rows)

    def _paged(self, question: Question, path: str, rows: Sequence[str]) -> Answer:
        kinds = {fault.kind for fault in question.faults}
        if path == "/markets/calendar":
            page, key = rows, ""
        elif kinds & PAGING_KINDS:
            page, key = self._misleading(question, path, rows, kinds)
        else:
            try:
                page, key = self._pager.page(rows, path, question.query)
            except BadKey:
                raise Refusal(400, "The pagination_key does not belong to this query.") from None
        if question.faults:
            spoilt = spoil_rows([json.loads(row) for row in page], question.faults)
            # Odd characters go out as escapes, and infinity as the number that overflows into it.
            page = [json.dumps(row).replace("Infinity", "1e999") for row in spoilt]
        ending = f',"pagination_key":{json.dumps(key)}' if key else ""
        body = f'{{"data":[{",".join(page)}]{ending}}}'
        return Answer(200, body.encode(), rows=len(page))

    def _misleading(
        self, question: Question, path: str, rows: Sequence[str], kinds: set[str]
    ) -> tuple[Sequence[str], str]:
        asked = question.query.get("pagination_key", "x0")
        if "empty_page" in kinds:
            return (), self._pager.key(0, path, question.query)
        if "repeat_key" in kinds:
            return rows, "x1"
        if "endless_pages" in kinds:
            return rows, f"x{int(asked.removeprefix('x'), 16) + 1:x}"
        page, key = self._pager.page(rows, path, question.query)
        return [rows[rows.index(page[0]) - 1], *page], key

    def _check_key(self, question: Question) -> None:
        key = self.key_of(question.headers)
        if not key:
            raise Refusal(403, "The api key is required.")
        if key not in self._keys or any(fault.kind == "revoked_key" for fault in question.faults):
            raise Refusal(403, "The incoming api key is invalid or expired.")

    def _master(self, query: Mapping[str, str]) -> Sequence[str]:
        now = self._now()
        code, day = query.get("code", ""), _day(query, "date")
        if day is not None:
            self._check_window(day)
        _, last = self._reach()
        asked = day or min(now.date(), last or now.date())
        # The next business day's list comes out in the evening, and none further ahead.
        newest = trading_day_from(now.date() + timedelta(days=1 if now.time() >= _MASTER_AT else 0))
        shown = min(trading_day_from(asked), newest)
        if shown < _DATA_SINCE:
            return []
        return self._market.master(shown, self._named(code) if code else None)

    def _daily_bars(self, query: Mapping[str, str]) -> Sequence[str]:
        code, day = query.get("code", ""), _day(query, "date")
        if not code and day is None:
            raise Refusal(400, "This API requires at least 1 parameter as follows; date, code")
        newest = self._newest_bars()
        if day is not None:
            self._check_window(day)
            if day > newest or day < _DATA_SINCE or not is_trading_day(day):
                return []
            if not code:
                return self._bars_of_day(day, newest, self._is_premium)
            first = last = day
        else:
            first, last = self._range(query)
        rows: list[str] = []
        for issue in self._named(code):
            rows += self._market.bars_of_issue(
                issue, max(first, _DATA_SINCE), min(last, newest), newest, self._is_premium
            )
        return rows

    def _calendar(self, query: Mapping[str, str]) -> Sequence[str]:
        first = _day(query, "from") or FIRST_DAY
        last = _day(query, "to") or date(self._now().year + 1, 12, 31)
        _check_order(first, last)
        first, last = max(first, FIRST_DAY), min(last, date(self._now().year + 1, 12, 31))
        days = ((first + timedelta(days=n)) for n in range((last - first).days + 1))
        wanted = query.get("hol_div", "")
        lines = ((day, holiday_division(day)) for day in days)
        return [
            f'{{"Date":"{day}","HolDiv":"{division}"}}' for day, division in lines if not wanted or wanted == division
        ]

    def _named(self, code: str) -> Sequence[Issue]:
        if not 4 <= len(code) <= 5 or not code.isalnum():
            raise Refusal(400, "'code' must have 4 or 5 characters.")
        return self._market.issues_named(code)

    def _range(self, query: Mapping[str, str]) -> tuple[date, date]:
        """The asked range; an open end reaches as far as the plan does."""
        start, end = _day(query, "from"), _day(query, "to")
        oldest, newest = self._reach()
        for day in (start, end):
            if day is not None:
                self._check_window(day)
        first, last = start or oldest, end or newest or self._now().date()
        _check_order(first, last)
        return first, last

    def _check_window(self, day: date) -> None:
        first, last = self._reach()
        if day < first or (last is not None and day > last):
            covered = f"{first} ~ {last or ''}"
            raise Refusal(400, f"Your subscription covers the following dates: {covered}. {_MORE}")

    def _reach(self) -> tuple[date, date | None]:
        return self.plan.reach(self._now().date())

    def _now(self) -> datetime:
        return self.clock.now().astimezone(_TOKYO)

    def _newest_bars(self) -> date:
        now = self._now()
        return now.date() if now.time() >= _BARS_AT else now.date() - timedelta(days=1)


def _nothing(query: Mapping[str, str]) -> Sequence[str]:
    return ()


def _check_order(first: date, last: date) -> None:
    if first > last:
        raise Refusal(400, "'from' must be older than 'to'.")


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d" if "-" not in text else "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise Refusal(400, f"'{name}' must be a date like 2026-11-20 or 20261120.") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m datasources.simulators.jquants", description=__doc__)
    parser.add_argument("--port", type=port, default=0, help="0 picks a free one")
    parser.add_argument("--plan", choices=list(PLANS), default="light")
    parser.add_argument("--key", action="append", help=f"may be given several times; default {DEMO_KEY}")
    parser.add_argument("--today", type=evening_of, help="a date (its evening in Tokyo) or an ISO instant")
    parser.add_argument("--limit", type=window, help="count/seconds in place of the plan's, such as 5/3")
    parser.add_argument("--issues", type=int, default=4400)
    parser.add_argument("--page-bytes", type=int, default=5_000_000)
    given = parser.parse_args(arguments)
    simulator = JQuantsSimulator(
        given.plan,
        given.key or (DEMO_KEY,),
        today=given.today,
        limit=given.limit,
        issues=given.issues,
        page_bytes=given.page_bytes,
        port=given.port,
    )
    run_until_stopped(simulator)


if __name__ == "__main__":
    main()
