"""A stand-in for J-Quants: V2 and V1 with made-up data, their checks, limits, pages, files and publication times."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from datasources.jquants.plans import PLANS
from datasources.simulators.command_line import evening_of
from datasources.simulators.faults import Answer
from datasources.simulators.jquants import refusals
from datasources.simulators.jquants.catalogue import DATA_SETS
from datasources.simulators.jquants.corrections import BARS
from datasources.simulators.jquants.orders import carry_out, revokes_all
from datasources.simulators.jquants.service import Service
from datasources.simulators.jquants.signing import PREFIX
from datasources.simulators.jquants.tokens import Tokens
from datasources.simulators.jquants.v1 import V1
from datasources.simulators.jquants.v2 import V2
from datasources.simulators.market import Market
from datasources.simulators.server import Question, Simulator, json_answer
from datasources.simulators.tokyo_calendar import trading_day_off, trading_day_until
from moomarkets.domain.clock import Clock
from moomarkets.domain.limits import Window

DEMO_KEY = "demo-key"
DEMO_ACCOUNTS: Mapping[str, str] = MappingProxyType({"demo@example.com": "demo-password"})
"""Mail and password of the account of V1."""


class JQuantsSimulator(Simulator):
    """J-Quants on a loopback port; `base_url` is what a client of V2 is given.

    Its clock starts in the evening of `today`, or at that instant; `limit` replaces the plan's window, for
    tests in seconds instead of minutes; pages are cut at `page_bytes`; `addons` are those of the catalogue.
    `accounts` (mail to password) may log in to V1, unless it is `gone`. With `speed` limits and expiries pass so
    many times as fast.

    Example:
        >>> with JQuantsSimulator(plan="light", issues=9) as simulator:
        ...     simulator.base_url.endswith("/v2")
        True
    """

    own_admin_paths = ("corrections", "tokens")

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
        addons: Collection[str] = (),
        accounts: Mapping[str, str] = DEMO_ACCOUNTS,
        gone: bool = False,
        speed: float = 1.0,
        port: int = 0,
    ) -> None:
        start = evening_of(today.isoformat()) if today else None
        super().__init__(clock=clock, start=start, port=port, speed=speed)
        self.plan = PLANS[plan]
        self.limit = limit or self.plan.windows[0]
        market = Market(issues)
        self._service = Service(self.plan, addons, market, self.clock, self.limit, block_after, page_bytes)
        self._v2 = V2(self._service, frozenset(keys))
        self._tokens = Tokens(accounts, self.clock.monotonic)
        self._v1 = V1(self._service, self._tokens, is_gone=gone)

    @property
    def base_url(self) -> str:
        """The address of V2."""
        return f"{self.url}/v2"

    @property
    def v1_url(self) -> str:
        """The address of V1."""
        return f"{self.url}/v1"

    def newest_bars_on(self) -> date:
        """The newest day of daily bars that the plan may read by now."""
        reach, now = self._service.reach(BARS), self._service.now()
        day = trading_day_until(min(now.date(), reach.last or now.date()))
        return day if now >= DATA_SETS[BARS].out_at(day) else trading_day_off(day, -1)

    def correct(self, code: str, day: date, path: str = BARS, **values: Any) -> None:
        """From now on the row of that issue and day has these values, in JSON, files and V1."""
        self._service.corrections.correct(code, day, values, self._service.now(), path)

    def split(self, code: str, ex_on: date, ratio: float) -> None:
        """One share becomes `ratio` shares on that day; 0.1 puts ten into one."""
        self._service.corrections.split(code, ex_on, ratio, self._service.now())

    def delist(self, code: str, last_on: date) -> None:
        """The issue is listed until that day and no longer."""
        self._service.corrections.delist(code, last_on, self._service.now())

    def revoke_tokens(self, *, refresh_too: bool = True) -> None:
        """No token of V1 is good any more; without `refresh_too` only those for asking."""
        self._tokens.revoke(refresh_too=refresh_too)

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "") or headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, question: Question) -> Answer:
        """By protocol; addresses of files lie outside of both."""
        if question.path.startswith("/v2/"):
            return self._v2.answer(question, self.url)
        if question.path.startswith("/v1/"):
            return self._v1.answer(question)
        if question.path.startswith(PREFIX) and question.method == "GET":
            return self._file(question)
        refusal = refusals.no_such_path()
        return json_answer(refusal.status, {"message": refusal.message})

    def administer_own(self, method: str, name: str, content: Any) -> Answer:
        corrections = self._service.corrections
        if method == "POST" and name == "tokens":
            self.revoke_tokens(refresh_too=revokes_all(content))
        elif method == "POST":
            carry_out(content, corrections, self._service.now())
        return json_answer(200, {"corrections": corrections.as_json()} if name == "corrections" else {})

    def _file(self, question: Question) -> Answer:
        query = {} if any(fault.kind == "expired_url" for fault in question.faults) else question.query
        return self._service.downloads(self.url).behind(question.path.removeprefix(PREFIX), query)
