"""Who of the fictional companies disclosed what and when: results, their corrections, and revised forecasts."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, TypeVar

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.chance import draw
from datasources.simulators.market import Market
from datasources.simulators.tokyo_calendar import trading_day_from, trading_day_off

T = TypeVar("T")
DISCLOSED_SINCE = date(2008, 7, 7)
# Three of five companies close their books in March.
_CLOSING_MONTHS = (3, 3, 3, 3, 3, 3, 12, 12, 2, 9)
_TIMES = tuple(
    time.fromisoformat(text)
    for text in ("15:30", "15:30", "15:30", "15:40", "15:00", "16:00", "14:00", "12:30", "11:30", "17:00", "19:30")
)
_STANDARDS = ("Consolidated_JP",) * 14 + ("Consolidated_IFRS",) * 3 + ("NonConsolidated_JP",) * 2 + ("Consolidated_US",)
_QUARTERS = ("1Q", "2Q", "3Q", "FY")
_KINDS = ("result", "correction", "forecast", "dividend_forecast", "notice")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One paper. `kind` is one of result, correction, forecast, dividend_forecast, notice.

    `quarter` is 1 to 4 of the business year that ends on `year_end`; `number` has 14 digits.
    """

    issue: Issue
    on: date
    at: time
    number: str
    kind: str
    quarter: int
    year_end: date

    @property
    def is_statement(self) -> bool:
        """Whether it brings accounts."""
        return self.kind in ("result", "correction")

    @property
    def period(self) -> str:
        """1Q, 2Q, 3Q or FY."""
        return _QUARTERS[self.quarter - 1]

    @property
    def period_end(self) -> date:
        """The last day that the accounts are about."""
        return _month_end(self.year_end, -3 * (4 - self.quarter))

    @property
    def year_start(self) -> date:
        """The first day of the business year."""
        return _month_end(self.year_end, -12) + timedelta(days=1)

    @property
    def standard(self) -> str:
        """Scope and rules of the accounts, as they end the type of the document."""
        return standard_of(self.issue)

    @property
    def document_type(self) -> str:
        """The type as the provider names it; "" for what is no paper on results or forecasts."""
        if self.is_statement:
            return f"{self.period}FinancialStatements_{self.standard}"
        names = {"forecast": "EarnForecastRevision", "dividend_forecast": "DividendForecastRevision"}
        return names.get(self.kind, "")


class Disclosures:
    """All papers of a market, found by day or by issue.

    Example:
        >>> papers = Disclosures(Market(9))
        >>> found = papers.of_issue(papers.market.issues[0], date(2026, 1, 1), date(2026, 12, 31))
        >>> [paper.period for paper in found if paper.kind == "result"]
        ['1Q', '2Q', '3Q', 'FY']
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self._version = -1
        self._years: dict[int, Mapping[date, Sequence[Disclosure]]] = {}
        self._histories: dict[tuple[str, int], Sequence[Disclosure]] = {}
        self._remembered: dict[object, Any] = {}

    def of_day(self, day: date) -> Sequence[Disclosure]:
        """All papers of a day, in the order of their times."""
        self._forget_the_old_market()
        years = self._years
        if day.year not in years:
            years[day.year] = self._year(day.year)
        return years[day.year].get(day, ())

    def of_issue(self, issue: Issue, first: date, last: date) -> list[Disclosure]:
        """The papers of one issue, oldest first."""
        self._forget_the_old_market()
        histories = self._histories
        found: list[Disclosure] = []
        for year in range(first.year, last.year + 1):
            if (issue.code, year) not in histories:
                histories[issue.code, year] = sorted(self._of(issue, year), key=_order)
            found += [paper for paper in histories[issue.code, year] if first <= paper.on <= last]
        return found

    def numbered(self, number: str) -> Disclosure | None:
        """The paper with that number, if there is one."""
        try:
            day = date.fromisoformat(number[:8])
        except ValueError:
            return None
        return next((paper for paper in self.of_day(day) if paper.number == number), None)

    def remembered(self, name: object, make: Callable[[], T]) -> T:
        """What was made of these papers under that name, made anew once the market has changed."""
        self._forget_the_old_market()
        remembered = self._remembered
        if name not in remembered:
            remembered[name] = make()
        found: T = remembered[name]
        return found

    def _forget_the_old_market(self) -> None:
        if self._version != self.market.version:
            self._years, self._histories, self._remembered = {}, {}, {}
            self._version = self.market.version

    def _year(self, year: int) -> Mapping[date, Sequence[Disclosure]]:
        days: defaultdict[date, list[Disclosure]] = defaultdict(list)
        for issue in self.market.issues:
            for paper in self._of(issue, year):
                days[paper.on].append(paper)
        return {day: sorted(papers, key=_order) for day, papers in days.items()}

    def _of(self, issue: Issue, year: int) -> Iterator[Disclosure]:
        """The papers of one issue that carry a date of `year`."""
        if not issue.is_common:
            return
        place = self.market.place_of(issue)
        for year_end in (closing_day(issue, closing) for closing in (year - 1, year, year + 1)):
            for quarter in (1, 2, 3, 4):
                end = _month_end(year_end, -3 * (4 - quarter))
                # A paper comes within four months of the end of its quarter.
                if not year - 1 <= end.year <= year or (end.year < year and end.month < 9):
                    continue
                for on, kind in _papers(issue, end, quarter):
                    if on.year == year and on >= DISCLOSED_SINCE and issue.is_listed(on):
                        at = _TIMES[draw(issue.seed, on.toordinal(), 3) % len(_TIMES)]
                        yield Disclosure(issue, on, at, _number(on, place, kind), kind, quarter, year_end)


def _papers(issue: Issue, end: date, quarter: int) -> Iterator[tuple[date, str]]:
    chance = draw(issue.seed, end.toordinal())
    on = trading_day_from(end + timedelta(days=33 + chance % 12 + (3 if quarter == 4 else 0)))
    yield on, "result"
    if chance % 5 == 0 and quarter in (2, 4):
        # The same paper day as the results: several disclosures of one company on one day.
        yield on, "dividend_forecast"
    if chance % 23 == 0:
        yield trading_day_off(on, 4 + chance // 23 % 9), "correction"
    if chance % 7 == 0:
        yield trading_day_off(on, 15 + chance // 7 % 20), "forecast"
    if chance % 3 == 0:
        yield trading_day_off(on, 6 + chance // 3 % 30), "notice"


def closing_day(issue: Issue, year: int) -> date:
    """The last day of the company's business year that ends in `year`."""
    month = _CLOSING_MONTHS[issue.seed % len(_CLOSING_MONTHS)]
    return date(year, month, monthrange(year, month)[1])


def standard_of(issue: Issue) -> str:
    """Scope and rules of the company's accounts."""
    return _STANDARDS[draw(issue.seed, 9) % len(_STANDARDS)]


def _month_end(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, monthrange(year, month)[1])


def _number(on: date, place: int, kind: str) -> str:
    # 7919 has no divisor in common with a million: no two papers of a day share a number, and their order is lost.
    scattered = ((place * len(_KINDS) + _KINDS.index(kind)) * 7919 + 500_001) % 1_000_000
    return f"{on:%Y%m%d}{scattered:06d}"


def _order(paper: Disclosure) -> tuple[date, time, str]:
    return paper.on, paper.at, paper.number
