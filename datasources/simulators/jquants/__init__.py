"""A stand-in for J-Quants: V2 and V1 with made-up data, their checks, limits, pages, files and publication times."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from datasources.jquants.endpoints import PLANS
from datasources.simulators.command_line import evening_of
from datasources.simulators.faults import Answer
from datasources.simulators.jquants import refusals
from datasources.simulators.jquants.service import Service
from datasources.simulators.jquants.signing import PREFIX
from datasources.simulators.jquants.v2 import V2
from datasources.simulators.market import Market
from datasources.simulators.server import Question, Simulator, json_answer
from moomarkets.domain.clock import Clock
from moomarkets.domain.limits import Window

DEMO_KEY = "demo-key"


class JQuantsSimulator(Simulator):
    """J-Quants on a loopback port; `base_url` is what a client of V2 is given.

    Its clock starts in the evening of `today`, or at that instant; `limit` replaces the plan's window, for
    tests in seconds instead of minutes; pages are cut at `page_bytes`; `addons` are those of the catalogue.

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
        addons: Collection[str] = (),
        port: int = 0,
    ) -> None:
        start = evening_of(today.isoformat()) if today else None
        super().__init__(clock=clock, start=start, port=port)
        self.plan = PLANS[plan]
        self.limit = limit or self.plan.windows[0]
        market = Market(issues)
        self._service = Service(self.plan, addons, market, self.clock, self.limit, block_after, page_bytes)
        self._v2 = V2(self._service, frozenset(keys))

    @property
    def base_url(self) -> str:
        """The address of V2."""
        return f"{self.url}/v2"

    def key_of(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-api-key", "") or headers.get("authorization", "").removeprefix("Bearer ")

    def answer(self, question: Question) -> Answer:
        """By protocol; addresses of files lie outside of both."""
        if question.path.startswith("/v2/"):
            return self._v2.answer(question, self.url)
        if question.path.startswith(PREFIX) and question.method == "GET":
            return self._service.downloads(self.url).behind(question.path.removeprefix(PREFIX), question.query)
        refusal = refusals.no_such_path()
        return json_answer(refusal.status, {"message": refusal.message})
