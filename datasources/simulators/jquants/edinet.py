"""Papers filed with the authority: major shareholders, shares held across, and holders of five per cent or more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta

from datasources.simulators.issues import Issue
from datasources.simulators.jquants.accounts import shares_of
from datasources.simulators.jquants.chance import draw
from datasources.simulators.jquants.disclosures import closing_day
from datasources.simulators.jquants.view import Row, View, instant, texts
from datasources.simulators.tokyo_calendar import is_trading_day, trading_day_from

_ANNUAL_REPORT, _LARGE_HOLDING = "120", "350"
_HOLDERS = ("架空信託銀行", "想像カストディ銀行", "Fictional Bank & Trust", "架空生命保険", "架空従業員持株会")
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def edinet_code(view: View, issue: Issue) -> str:
    """The company's code with the authority."""
    return f"E{view.market.place_of(issue) + 1:05d}"


def issue_with(view: View, code: str) -> str:
    """The code of the issue whose company has that code with the authority; "" for none."""
    place = int(code[1:]) - 1 if len(code) == 6 and code[0] == "E" and code[1:].isdigit() else -1
    issues = view.market.issues
    return issues[place].code if 0 <= place < len(issues) else ""


def major_shareholders(view: View, day: date, code: str) -> list[str]:
    """Of the annual reports that were filed on a day."""
    return texts(_annual(view, day, code, _major))


def cross_shareholdings(view: View, day: date, code: str) -> list[str]:
    """Of the same reports."""
    return texts(_annual(view, day, code, _cross))


def _annual(view: View, day: date, code: str, content: Callable[[Issue, int], Row]) -> Iterator[Row]:
    if not is_trading_day(day):
        return
    for issue in view.stocks(code, day):
        for year in (day.year - 1, day.year):
            end = closing_day(issue, year)
            filed_on = trading_day_from(end + timedelta(days=80 + draw(issue.seed, year, 91) % 12))
            minute = draw(issue.seed, year, 92) % 590
            if filed_on == day and instant(day, 8, minute) <= view.now:
                start = closing_day(issue, year - 1) + timedelta(days=1)
                yield {
                    "DocId": _document_id(issue, day, 1),
                    "Code": issue.code,
                    "EdinetCode": edinet_code(view, issue),
                    "FilerName": f"架空{issue.code}",
                    "FilerNameEn": f"Fictional {issue.code}",
                    "DocTypeCode": _ANNUAL_REPORT,
                    "SubDate": str(day),
                    "SubTime": f"{8 + minute // 60:02d}:{minute % 60:02d}",
                    "PerSt": str(start),
                    "PerEn": str(end),
                    **content(issue, year),
                }


def _major(issue: Issue, year: int) -> Row:
    holders = []
    for rank in range(1, 11):
        ratio = round(0.12 / rank + draw(issue.seed, year, rank, 93) % 50 / 10_000, 4)
        holders.append(
            {
                "Rank": rank,
                "Name": f"{_HOLDERS[(issue.seed + rank) % len(_HOLDERS)]}{rank}",
                "Addr": f"東京都架空区{rank}丁目",
                "ShsHeld": round(ratio * shares_of(issue)),
                "ShsRatio": ratio,
            }
        )
    return {"Hldrs": holders}


def _cross(issue: Issue, year: int) -> Row:
    own = {
        "Name": f"架空{issue.code}",
        "LstdCnt": 3 + draw(issue.seed, year, 94) % 30,
        "NonLstdCnt": draw(issue.seed, year, 95) % 40,
        "Spec": [
            {
                "IsrName": f"想像{number}株式会社",
                "ShsHeld": 100 * (1 + draw(issue.seed, year, number, 96) % 9000),
                "BookVal": 1_000_000 * (1 + draw(issue.seed, year, number, 97) % 900),
            }
            for number in range(1, 4)
        ],
        "Deem": [],
    }
    return {"Report": own, "Largest": None, "SecondLargest": None}


def large_holdings(view: View, day: date, code: str) -> list[str]:
    """Reports on holdings of five per cent or more, new and changed ones."""
    if not is_trading_day(day):
        return []
    rows = []
    for issue in view.stocks(code, day):
        chance = draw(issue.seed, day.toordinal(), 98)
        minute = chance // 90 % 590
        if chance % 90 == 0 and instant(day, 8, minute) <= view.now:
            rows.append(_large_row(view, issue, day, minute, chance // 90))
    return texts(sorted(rows, key=lambda row: (row["SubTime"], row["Code"])))


def _large_row(view: View, issue: Issue, day: date, minute: int, chance: int) -> Row:
    is_first = chance % 4 == 0
    ratio = round(0.05 + chance % 900 / 10_000, 4)
    before = None if is_first else round(ratio - 0.011, 4)
    held = round(ratio * shares_of(issue))
    holder = {
        "Name": _HOLDERS[chance % len(_HOLDERS)],
        "ShsHeld": held,
        "ShsRatio": ratio,
        "ShsRatioLast": before,
        "HldgPurpose": "純投資",
    }
    return {
        "DocId": _document_id(issue, day, 2),
        "Code": issue.code,
        "EdinetCode": edinet_code(view, issue),
        "IsrName": f"架空{issue.code}",
        "DocTypeCode": _LARGE_HOLDING,
        "SubDate": str(day),
        "SubTime": f"{8 + minute // 60:02d}:{minute % 60:02d}",
        "LargeHldgTypeCode": "1" if is_first else "2",
        "DocTitle": "大量保有報告書" if is_first else "変更報告書",
        "ChgRsn": "" if is_first else "株券等保有割合が1%以上増加したこと",
        "TotalShsHeld": held,
        "TotalShsRatio": ratio,
        "TotalShsRatioLast": before,
        "TotalOutStks": shares_of(issue),
        "Hldrs": [holder],
    }


def _document_id(issue: Issue, day: date, kind: int) -> str:
    """S and seven letters or digits."""
    number = draw(issue.seed, day.toordinal(), kind, 99) | draw(issue.seed, kind, day.toordinal()) << 32
    letters = []
    for _ in range(7):
        number, place = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[place])
    return "S" + "".join(letters)
