"""Dividends of the fictional companies: told with the results, corrected or taken back now and then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from datasources.simulators.jquants.accounts import dividend_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.disclosures import Disclosure
from datasources.simulators.jquants.view import View, instant, texts
from datasources.simulators.tokyo_calendar import trading_day_from, trading_day_off, trading_day_until

_NEW, _CORRECTED, _DELETED = "1", "2", "3"
_AFTER = 3
"""A correction or deletion follows so many trading days after the first notice."""


def dividends(view: View, day: date, code: str) -> list[str]:
    """The notices of a day that the service shows by now; it goes through them hourly from 12:00 to 19:00."""
    rows = [row for row in _rows(view, day, code) if instant(day, int(row["PubTime"][:2]) + 1) <= view.now]
    return texts(sorted(rows, key=lambda row: (row["PubTime"], row["RefNo"])))


def _rows(view: View, day: date, code: str) -> Iterator[dict[str, Any]]:
    for paper in _papers(view, day, code):
        yield _row(paper, paper.on, _NEW)
    for paper in _papers(view, trading_day_off(day, -_AFTER), code):
        chance = draw(paper.issue.seed, paper.on.toordinal(), 5)
        if chance % 9 == 0 and trading_day_off(paper.on, _AFTER) == day:
            yield _row(paper, day, _DELETED if chance % 27 == 0 else _CORRECTED)


def _papers(view: View, day: date, code: str) -> list[Disclosure]:
    if code:
        issues = view.market.issues_named(code)
        found = [paper for issue in issues for paper in view.disclosures.of_issue(issue, day, day)]
    else:
        found = list(view.disclosures.of_day(day))
    return [
        paper
        for paper in found
        if paper.kind == "result" and paper.quarter in (2, 4) and dividend_of(paper.issue, paper.year_end.year)
    ]


def _row(paper: Disclosure, on: date, status: str) -> dict[str, Any]:
    rate = dividend_of(paper.issue, paper.year_end.year) / 2 + (0.5 if status == _CORRECTED else 0.0)
    record = paper.period_end
    reference = f"{on:%Y%m%d}{paper.number[-6:]}"
    first = f"{paper.on:%Y%m%d}{paper.number[-6:]}"
    return {
        "PubDate": str(on),
        "PubTime": f"{min(18, max(11, paper.at.hour)):02d}:{paper.at.minute:02d}",
        "Code": paper.issue.code,
        "RefNo": reference,
        "StatCode": status,
        "BoardDate": str(paper.on),
        "IFCode": "1" if paper.quarter == 2 else "2",
        "FRCode": "2",
        "IFTerm": f"{record:%Y-%m}",
        "DivRate": rate,
        "RecDate": str(record),
        "ExDate": str(trading_day_off(trading_day_until(record), -1)),
        "ActRecDate": str(trading_day_until(record)),
        "PayDate": str(trading_day_from(record + timedelta(days=70))),
        "CARefNo": first,
        "DistAmt": "",
        "RetEarn": "",
        "DeemDiv": "",
        "DeemCapGains": "",
        "NetAssetDecRatio": "",
        "CommSpecCode": "0",
        "CommDivRate": "",
        "SpecDivRate": "",
    }
