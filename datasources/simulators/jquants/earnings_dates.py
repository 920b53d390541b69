"""When the fictional companies say that they will report: as first announced, undecided, or put off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.disclosures import Disclosure
from datasources.simulators.jquants.view import View, instant, texts
from datasources.simulators.tokyo_calendar import is_trading_day, trading_day_from, trading_day_off

_QUARTER_NAMES = ("第1四半期", "第2四半期", "第3四半期", "本決算")
_AHEAD = timedelta(days=75)
"""A date is announced at most so long before the report."""


@dataclass(frozen=True, slots=True)
class Announcement:
    """On `on` the company named `scheduled_on`, or none yet, for a report."""

    on: date
    scheduled_on: date | None
    report: Disclosure

    def row(self) -> dict[str, str]:
        """As the provider tells it."""
        issue = self.report.issue
        return {
            "PubDate": str(self.on),
            "SchDate": "" if self.scheduled_on is None else str(self.scheduled_on),
            "FQName": _QUARTER_NAMES[self.report.quarter - 1],
            "FYE": str(self.report.year_end),
            "Code": issue.code,
            "CoName": f"架空{issue.code}",
            "CoNameEn": f"Fictional {issue.code}",
        }


def announced_on(view: View, day: date, code: str) -> list[str]:
    """What was announced on a day; out at 10:05."""
    if view.now < instant(day, 10, 5):
        return []
    if code:
        issues = view.market.issues_named(code)
        found: Sequence[Announcement] = [one for issue in issues for one in of_issue(view, issue, day, day)]
    else:
        found = _index(view, day.year).get(day, ())
    return texts(one.row() for one in found)


def of_issue(view: View, issue: Issue, first: date, last: date) -> list[Announcement]:
    """All that one company announced, oldest first."""
    reports = view.disclosures.of_issue(issue, first, last + _AHEAD)
    found = (one for report in reports for one in _announcements(report))
    return sorted((one for one in found if first <= one.on <= last), key=lambda one: one.on)


def scheduled_for(view: View, day: date) -> list[str]:
    """The announcements that still hold by now, and name that day."""
    found = []
    for report in _reports(view, day - timedelta(days=10), day + timedelta(days=10)):
        known = [one for one in _announcements(report) if instant(one.on, 10, 5) <= view.now]
        if known and known[-1].scheduled_on == day:
            found.append(known[-1])
    return texts(one.row() for one in sorted(found, key=lambda one: (one.on, one.report.issue.code)))


def calendar(view: View) -> list[str]:
    """Who reports on the next business day, of the companies that close in March or September; new at 19:00."""
    today = view.now.date()
    is_new = is_trading_day(today) and view.now >= instant(today, 19)
    day = trading_day_off(today, 1) if is_new else trading_day_from(today)
    rows = []
    for report in _reports(view, day, day):
        if report.year_end.month in (3, 9):
            told = report.issue.master_fields()
            rows.append(
                {
                    "Date": str(day),
                    "Code": report.issue.code,
                    "CoName": told["CoName"],
                    "FY": f"{report.year_end.month}月{report.year_end.day}日",
                    "SectorNm": told["S33Nm"],
                    "FQ": _QUARTER_NAMES[report.quarter - 1],
                    "Section": told["MktNm"],
                }
            )
    return texts(sorted(rows, key=lambda row: row["Code"]))


def _reports(view: View, first: date, last: date) -> Iterator[Disclosure]:
    day = first
    while day <= last:
        yield from (paper for paper in view.disclosures.of_day(day) if paper.kind == "result")
        day += timedelta(days=1)


def count(view: View, day: date) -> float:
    """How many there are of a day."""
    return len(_index(view, day.year).get(day, ()))


def _index(view: View, year: int) -> Mapping[date, Sequence[Announcement]]:
    """All announcements of a year by their days."""

    def make() -> Mapping[date, Sequence[Announcement]]:
        days: defaultdict[date, list[Announcement]] = defaultdict(list)
        for report in _reports(view, date(year, 1, 1), date(year, 12, 31) + _AHEAD):
            for one in _announcements(report):
                days[one.on].append(one)
        for found in days.values():
            found.sort(key=lambda one: one.report.issue.code)
        return days

    return view.disclosures.remembered(("announcements", year), make)


def _announcements(report: Disclosure) -> Iterator[Announcement]:
    if report.kind != "result":
        return
    chance = draw(report.issue.seed, report.on.toordinal(), 15)
    first_on = trading_day_from(report.on - timedelta(days=40 + chance % 15))
    match chance % 8:
        case 0:
            yield Announcement(first_on, trading_day_off(report.on, -2), report)
            yield Announcement(trading_day_off(report.on, -8), report.on, report)
        case 1:
            yield Announcement(first_on, None, report)
            yield Announcement(trading_day_off(report.on, -12), report.on, report)
        case _:
            yield Announcement(first_on, report.on, report)
