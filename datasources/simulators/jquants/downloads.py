"""Lists and addresses of files: bulk files of data sets, papers of companies, and what lies behind the addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from xml.sax.saxutils import escape

from datasources.simulators.faults import Answer
from datasources.simulators.jquants import refusals, tdnet
from datasources.simulators.jquants.answers import Answers
from datasources.simulators.jquants.asking import Asking, Reach
from datasources.simulators.jquants.catalogue import DATA_SETS, DataSet
from datasources.simulators.jquants.corrections import Corrections
from datasources.simulators.jquants.fields import FIELDS
from datasources.simulators.jquants.files import File, Files, csv_of, file_of, file_sets
from datasources.simulators.jquants.signing import BULK_S, PAPER_S, Signer
from datasources.simulators.jquants.view import View

ReachOf = Callable[[DataSet], Reach | None]
"""How far the plan reaches in a data set; None where it does not at all."""
_TD_INDEX = "td/index.csv.gz"


class Downloads:
    """Answers the paths that lead to files, as of a view."""

    def __init__(self, view: View, corrections: Corrections, signer: Signer, reach_of: ReachOf, url: str) -> None:
        self._view, self._corrections = view, corrections
        self._signer, self._reach_of, self._url = signer, reach_of, url
        self._files = Files(view, corrections)

    def bulk_list(self, asking: Asking) -> dict[str, Any]:
        """The files of one data set, or all of one day or month."""
        endpoint, period = asking.text("endpoint"), asking.text("date")
        if endpoint and period:
            raise refusals.not_together("endpoint", "date")
        if not endpoint and not period:
            raise refusals.missing("endpoint", "date")
        if endpoint:
            first, last = _start(asking.text("from")), _end(asking.text("to"))
            found = self._offered(self._data_set(endpoint), first, last)
        else:
            found = [
                file for data_set in file_sets() if (file := self._readable(data_set, _digits(period))) is not None
            ]
        return {"data": [self._line(file) for file in found]}

    def bulk_get(self, asking: Asking) -> dict[str, Any]:
        """The address of one file."""
        key, endpoint, period = asking.text("key"), asking.text("endpoint"), asking.text("date")
        if key and (endpoint or period):
            raise refusals.not_together("key", "endpoint, date")
        if not key and not (endpoint and period):
            raise refusals.missing("key", "endpoint+date")
        if key:
            file = self._files.named(key)
            file = file if file is not None and self._is_readable(file) else None
        else:
            file = self._readable(self._data_set(endpoint), _digits(period))
        if file is None:
            raise refusals.Refusal(400, "The requested file does not exist.")
        return {"url": self._url + self._signer.sign(file.key, BULK_S)}

    def papers(self, asking: Asking) -> dict[str, Any]:
        """The addresses of the documents of one disclosure."""
        number = asking.text("discNo")
        if not number:
            raise refusals.missing("discNo")
        paper = self._view.disclosures.numbered(number)
        if paper is None or tdnet.disclosed_at(paper) > self._view.now:
            raise refusals.Refusal(400, "The requested disclosure does not exist.")
        asking.reach.check(paper.on)
        wanted = asking.text("docs").split(",") if asking.text("docs") else list(tdnet.DOCUMENTS)
        if unknown := [letter for letter in wanted if letter not in tdnet.DOCUMENTS]:
            raise refusals.Refusal(400, f"'docs' must be of g, s, x, got {unknown[0]}.")
        has = tdnet.documents(paper)
        files = {
            tdnet.DOCUMENTS[letter]: self._url + self._signer.sign(f"td/{number}/{letter}", PAPER_S)
            for letter in wanted
            if letter in has
        }
        return {"discNo": number, "files": files}

    def index(self, asking: Asking) -> dict[str, Any]:
        """The address of all disclosures in one file."""
        updated = self._view.now.replace(minute=0, second=0, microsecond=0)
        return {"lastUpdated": _utc(updated), "url": self._url + self._signer.sign(_TD_INDEX, PAPER_S)}

    def behind(self, key: str, query: Mapping[str, str]) -> Answer:
        """What an address leads to; refusals are XML, as of the store that keeps the files."""
        if not self._signer.is_good(key, query):
            return _refused(403, "AccessDenied", "Request has expired")
        if key == _TD_INDEX:
            return self._td_index()
        if key.startswith("td/"):
            _, number, letter = key.split("/")
            paper = self._view.disclosures.numbered(number)
            if paper is not None:
                body, kind = tdnet.document(paper, letter)
                return Answer(200, body, kind, may_compress=False)
        file = self._files.named(key)
        if file is None:
            return _refused(404, "NoSuchKey", "The specified key does not exist.")
        # Packed already: said by the type alone, or clients would unpack it on the way.
        return Answer(200, self._files.content(file), "application/gzip", may_compress=False)

    def _td_index(self) -> Answer:
        data_set = DATA_SETS["/td/list"]
        reach = self._reach_of(data_set)
        first = reach.first if reach is not None else self._view.now.date()
        rows = Answers(self._view, self._corrections).of_days(data_set, first, self._view.now.date())
        return Answer(200, csv_of(FIELDS["/td/list"], rows), "application/gzip", may_compress=False)

    def _data_set(self, endpoint: str) -> DataSet:
        found = list(file_sets(endpoint)) if endpoint else []
        if not found:
            raise refusals.Refusal(400, "'endpoint' must be that of a data set with files.")
        if self._reach_of(found[0]) is None:
            raise refusals.not_in_plan()
        return found[0]

    def _offered(self, data_set: DataSet, first: date, last: date) -> list[File]:
        reach = self._reach_of(data_set)
        if reach is None:
            return []
        end = reach.last or date(self._view.now.year + 1, 12, 31)
        return [
            file
            for file in self._files.offered(data_set, max(first, reach.first), min(last, end))
            if self._is_readable(file)
        ]

    def _readable(self, data_set: DataSet, digits: str) -> File | None:
        file = file_of(data_set, digits)
        if file is None:
            raise refusals.bad_date("date")
        return file if self._is_readable(file) and self._files.modified_at(file) is not None else None

    def _is_readable(self, file: File) -> bool:
        reach = self._reach_of(file.data_set)
        return reach is not None and reach.first <= file.last and (reach.last is None or file.first <= reach.last)

    def _line(self, file: File) -> dict[str, Any]:
        modified_at = self._files.modified_at(file) or self._view.now
        return {"Key": file.key, "LastModified": _utc(modified_at), "Size": self._files.size(file)}


def _refused(status: int, code: str, message: str) -> Answer:
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{error}'
    return Answer(status, body.encode(), "application/xml")


def _utc(instant: datetime) -> str:
    shifted = instant.astimezone(UTC)
    return f"{shifted:%Y-%m-%dT%H:%M:%S}.000Z"


def _digits(text: str) -> str:
    return text.replace("-", "")


def _start(text: str) -> date:
    return _period(text, "from").first if text else date.min


def _end(text: str) -> date:
    return _period(text, "to").last if text else date.max


def _period(text: str, name: str) -> File:
    file = file_of(DATA_SETS["/markets/calendar"], _digits(text))
    if file is None:
        raise refusals.bad_date(name)
    return file
