"""What both protocols of the simulated J-Quants share: plan, limits, the market as it is by now, rows in pages."""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from datasources.jquants.plans import MINUTES, PLANS
from datasources.simulators.faults import PAGING_KINDS, spoil_rows
from datasources.simulators.jquants import refusals
from datasources.simulators.jquants.answers import Answers
from datasources.simulators.jquants.asking import Asking, Reach
from datasources.simulators.jquants.catalogue import ADDONS, DATA_SETS, OTHER_PATHS, DataSet
from datasources.simulators.jquants.corrections import Corrections
from datasources.simulators.jquants.disclosures import Disclosures
from datasources.simulators.jquants.downloads import Downloads
from datasources.simulators.jquants.limits import Limits
from datasources.simulators.jquants.signing import Signer
from datasources.simulators.jquants.view import TOKYO, View
from datasources.simulators.market import Market
from datasources.simulators.paging import BadKey, Pager
from datasources.simulators.server import Question
from datasources.simulators.simulator_clock import SimulatorClock
from datasources.simulators.tokyo_calendar import FIRST_DAY
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Plan, years_before

_RANKS = {plan: rank for rank, plan in enumerate(PLANS)}
_ADDON_YEARS = {MINUTES: 2}
_CALENDAR = "/markets/calendar"
_UNPAGED = (_CALENDAR,)
_KEPT_ANSWERS = 4


class Service:
    """One subscription: what it may ask for, how often, and the rows for it."""

    def __init__(
        self,
        plan: Plan,
        addons: Collection[str],
        market: Market,
        clock: SimulatorClock,
        limit: Window,
        block_after: int,
        page_bytes: int,
    ) -> None:
        if unknown := sorted(set(addons) - set(ADDONS)):
            raise ValueError(f"add-on: expected one of {', '.join(ADDONS)}, got {unknown[0]!r}")
        self.plan = plan
        self._addons = frozenset(addons)
        self._clock = clock
        self.market = market
        self._disclosures = Disclosures(market)
        self.corrections = Corrections(market)
        self._limits = Limits(limit, clock.monotonic, block_after)
        self._pager = Pager(page_bytes)
        self._signer = Signer(clock.monotonic)
        self._lock = threading.Lock()
        self._kept: dict[object, Sequence[str]] = {}

    def now(self) -> datetime:
        """Simulated time in Tokyo."""
        return self._clock.now().astimezone(TOKYO)

    def view(self) -> View:
        """The market as of now."""
        return View(self.market, self._disclosures, self.now(), self.plan.name == "premium")

    def admit(self, key: str, path: str) -> None:
        """Count a request, and refuse it where there are too many."""
        if not self._limits.admits(key, path, addon_of(path)):
            raise refusals.too_many()

    def check_plan(self, path: str, query: Mapping[str, str]) -> None:
        """Refuse what the plan does not contain."""
        if path.startswith("/bulk/"):
            # The calendar's files are there for everybody; a list of a day shows what may be read.
            is_allowed = self._is_at_least("light") or (
                query.get("endpoint", _CALENDAR) == _CALENDAR
                and query.get("key", "markets/calendar/").startswith("markets/calendar/")
            )
        elif addon := addon_of(path):
            is_allowed = self._has(addon)
        else:
            is_allowed = path not in DATA_SETS or self._is_at_least(DATA_SETS[path].plan)
        if not is_allowed:
            raise refusals.not_in_plan()

    def reach(self, path: str) -> Reach:
        """The days that may be asked for there."""
        today = self.now().date()
        if path == _CALENDAR:
            return Reach(FIRST_DAY, None)
        if addon := addon_of(path):
            return Reach(years_before(today, _ADDON_YEARS.get(addon, 5)), None)
        return Reach(*self.plan.reach(today))

    def file_reach(self, data_set: DataSet) -> Reach | None:
        """The days that may be asked for in files; None for no file of that data set."""
        if data_set.path == _CALENDAR:
            return self.reach(_CALENDAR)
        plan_allows = self._is_at_least("light") and self._is_at_least(data_set.plan)
        addon_allows = not data_set.addon or self._has(data_set.addon)
        return self.reach(data_set.path) if plan_allows and addon_allows else None

    def asking(self, path: str, query: Mapping[str, str]) -> Asking:
        """The query, to be read."""
        return Asking(query, self.reach(path), self.now().date())

    def rows(self, path: str, query: Mapping[str, str]) -> Sequence[str]:
        """All rows for a query; the newest answers are kept, as their pages are asked for one after the other."""
        asked = frozenset((name, value) for name, value in query.items() if name != "pagination_key")
        minute = self.now().replace(second=0, microsecond=0)
        stamp = (path, asked, minute, self.market.version, self.corrections.version)
        with self._lock:
            if stamp in self._kept:
                return self._kept[stamp]
        rows = Answers(self.view(), self.corrections).rows(path, self.asking(path, query))
        with self._lock:
            self._kept[stamp] = rows
            while len(self._kept) > _KEPT_ANSWERS:
                del self._kept[next(iter(self._kept))]
        return rows

    def downloads(self, url: str) -> Downloads:
        """The files as of now; `url` is where the server is."""
        return Downloads(self.view(), self.corrections, self._signer, self.file_reach, url)

    def page(self, question: Question, path: str, rows: Sequence[str]) -> tuple[Sequence[str], str]:
        """The page that the query names and the key of the next, spoilt where a fault asks for it."""
        kinds = {fault.kind for fault in question.faults}
        if path in _UNPAGED:
            page, key = rows, ""
        elif kinds & PAGING_KINDS:
            page, key = self._misleading(question, path, rows, kinds)
        else:
            try:
                page, key = self._pager.page(rows, path, question.query)
            except BadKey:
                raise refusals.bad_page() from None
        if question.faults:
            spoilt = spoil_rows([json.loads(row) for row in page], question.faults)
            # Odd characters go out as escapes, and infinity as the number that overflows into it.
            page = [json.dumps(row).replace("Infinity", "1e999") for row in spoilt]
        return page, key

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

    def _is_at_least(self, plan: str) -> bool:
        return _RANKS[self.plan.name] >= _RANKS[plan]

    def _has(self, addon: str) -> bool:
        return addon in self._addons and self._is_at_least("light")


def addon_of(path: str) -> str:
    """The add-on that a path belongs to, "" for none."""
    return DATA_SETS[path].addon if path in DATA_SETS else OTHER_PATHS.get(path, "")


def is_known(path: str) -> bool:
    """Whether the service answers that path."""
    return (path in DATA_SETS and not DATA_SETS[path].is_only_file) or path in OTHER_PATHS
