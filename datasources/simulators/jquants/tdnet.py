"""The index of timely disclosures, and the files behind it."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from datasources.simulators.jquants.disclosures import Disclosure
from datasources.simulators.jquants.statements import summary_row
from datasources.simulators.jquants.view import Row, View, instant, texts

DOCUMENTS = {"g": "pdf", "s": "summaryPdf", "x": "xbrl"}
"""Letters of the documents of a paper, and what the provider calls them."""
_TITLES = {
    "result": "{year}年{month}月期 {period}決算短信",
    "correction": "（訂正）{year}年{month}月期 {period}決算短信の一部訂正について",
    "forecast": "業績予想の修正に関するお知らせ",
    "dividend_forecast": "配当予想の修正に関するお知らせ",
    "notice": "自己株式の取得状況に関するお知らせ",
}
_ITEMS = {
    "result": ["10010"],
    "correction": ["10010", "90010"],
    "forecast": ["10020"],
    "dividend_forecast": ["10020", "10030"],
    "notice": ["20010"],
}


def disclosed(view: View, day: date, code: str) -> list[str]:
    """All papers of a day that are out by now, in order."""
    return texts(row(paper) for paper in papers(view, day, code))


def papers(view: View, day: date, code: str) -> Sequence[Disclosure]:
    """The same, before they are put into rows."""
    if code:
        issues = view.market.issues_named(code)
        found: Iterable[Disclosure] = (
            paper for issue in issues for paper in view.disclosures.of_issue(issue, day, day)
        )
    else:
        found = view.disclosures.of_day(day)
    return [paper for paper in found if disclosed_at(paper) <= view.now]


def disclosed_at(paper: Disclosure) -> datetime:
    """When it appears."""
    return instant(paper.on, paper.at.hour, paper.at.minute)


def row(paper: Disclosure) -> Row:
    """One line of the index; a status is never given, and the revision is always the first."""
    title = _TITLES[paper.kind].format(year=paper.year_end.year, month=paper.year_end.month, period=paper.period)
    return {
        "DiscNo": paper.number,
        "Code": paper.issue.code,
        "Name": f"架空{paper.issue.code}",
        "DiscDate": str(paper.on),
        "DiscTime": paper.at.isoformat(),
        "Title": title,
        "DiscStatus": None,
        "RevNo": 1,
        "DiscItems": _ITEMS[paper.kind],
        "Docs": documents(paper),
    }


def documents(paper: Disclosure) -> list[str]:
    """The letters of the documents that it has."""
    return list(DOCUMENTS) if paper.is_statement else ["g", "x"] if paper.document_type else ["g"]


def document(paper: Disclosure, letter: str) -> tuple[bytes, str]:
    """One of its files, with the type of its content."""
    if letter != "x":
        return _pdf(f"{row(paper)['Title']} {paper.number}"), "application/pdf"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        values = summary_row(paper)
        facts = "".join(f"<{name}>{value}</{name}>" for name, value in values.items() if value)
        entry = zipfile.ZipInfo(f"XBRLData/Summary/{paper.number}.xml", (1980, 1, 1, 0, 0, 0))
        archive.writestr(entry, f'<?xml version="1.0" encoding="UTF-8"?><xbrl>{facts}</xbrl>')
    return packed.getvalue(), "application/zip"


def _pdf(text: str) -> bytes:
    """A page that says so, in the smallest form that readers take."""
    shown = "".join(f"{byte:02X}" for byte in text.encode("utf-16-be"))
    parts = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>",
        f"<</Title<FEFF{shown}> >>".encode(),
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n" % number + part + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    tail = b"trailer<</Size %d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(parts) + 1, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n" % (len(parts) + 1) + table + tail
