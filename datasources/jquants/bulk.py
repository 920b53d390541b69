"""The bulk files of J-Quants: which there are, and the rows of one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import IO, Any

from datasources.columns import RowReader, without_twins
from datasources.csv_rows import CsvReader
from datasources.download import Downloads, unpacked
from datasources.jquants.answers import OK
from moomarkets.domain.bulk import BulkFile, period_dates
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import InvalidInput, Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Endpoint

Ask = Callable[[Endpoint, Mapping[str, str], CancelToken], dict[str, Any]]
"""Sends one request of the plan and returns the object that answers it."""

EXPIRED = 403
_KEY = re.compile(r"[!-~]{1,200}_(\d{4})(\d\d)(\d\d)?\.csv\.gz", re.ASCII)


class Bulk:
    """Lists and opens the files of one key, by `ask`; the files themselves come without it."""

    def __init__(self, source: str, ask: Ask, downloads: Downloads, clock: Clock, events: Events) -> None:
        self._source, self._ask, self._downloads = source, ask, downloads
        self._clock, self._events = clock, events

    def files(self, endpoint: Endpoint, period: str, token: CancelToken) -> list[BulkFile]:
        """The files within a month or a day, as the provider lists them; one request."""
        first, last = period_dates(period)
        self._demand_bulk(endpoint)
        query = {"endpoint": endpoint.path, "from": f"{first:%Y-%m}", "to": f"{last:%Y-%m}"}
        listed = self._ask(_asking(endpoint, "list"), query, token).get("data")
        if not isinstance(listed, list):
            raise self._failure(Reason.SCHEMA, "data: expected a list")
        files = [file for line in listed if (file := self._file(line)) is not None]
        return [file for file in files if _lies_within(file, first, last)]

    def open(self, endpoint: Endpoint, reader: RowReader, file: BulkFile, token: CancelToken) -> Iterator[Batch]:
        """The rows of one file. It is asked for once more if its address has expired before it could be fetched."""
        self._demand_bulk(endpoint)
        started, requests = self._clock.monotonic(), 1
        # Outside of what follows: a 403 to the question is about the key, and is not asked again.
        address = self._address(endpoint, file, token)
        try:
            content = self._downloads.fetch(address, token)
        except SourceError as error:
            if error.status != EXPIRED:
                raise
            requests = 2
            content = self._downloads.fetch(self._address(endpoint, file, token), token)
        warnings: Counter[str] = Counter()
        rows = 0
        with content:
            for batch in self._batches(endpoint, reader, content, warnings):
                rows += len(batch.rows)
                yield replace(batch, requests=requests)
                requests = 0
            size = content.tell()
        # What is counted of the file as a whole goes with an empty batch in the end.
        yield Batch(endpoint.dataset, [], 0, requests, size, dict(warnings))
        self._report(endpoint, file, rows, size, warnings, self._clock.monotonic() - started)

    def _batches(
        self, endpoint: Endpoint, reader: RowReader, content: IO[bytes], warnings: Counter[str]
    ) -> Iterator[Batch]:
        names = endpoint.dataset.column_names
        key = [names.index(name) for name in endpoint.dataset.key]
        pieces = unpacked(content, self._source)
        for rows in CsvReader(self._source, reader).batches(pieces, warnings):
            yield Batch(endpoint.dataset, without_twins(rows, key, warnings), pages=0)

    def _report(
        self, endpoint: Endpoint, file: BulkFile, rows: int, size: int, warnings: Counter[str], seconds: float
    ) -> None:
        fields: dict[str, object] = {"source": self._source, "endpoint": endpoint.name}
        if warnings:
            self._events.emit("source.oddities_found", **fields, warnings=dict(warnings))
        self._events.emit("source.fetched", **fields, rows=rows, pages=1, bytes=size, seconds=round(seconds, 3))

    def _address(self, endpoint: Endpoint, file: BulkFile, token: CancelToken) -> Secret:
        """Where the file is for the next minutes. Whoever has the address has the file."""
        try:
            url = self._ask(_asking(endpoint, "get"), {"key": file.key}, token).get("url")
        except SourceError as error:
            if error.status != OK:
                raise
            # Nothing of a good answer that cannot be read: it may hold the address, or half of it.
            detail = "url: expected JSON with an address, got something else"
            raise SourceError(error.reason, detail, source=self._source, status=OK) from None
        if not isinstance(url, str):
            raise self._failure(Reason.SCHEMA, "url: expected a text")
        return Secret(url)

    def _file(self, line: object) -> BulkFile | None:
        """One line of the list; None for a file that holds no month and no day."""
        if not isinstance(line, dict):
            raise self._failure(Reason.SCHEMA, "data: expected JSON objects")
        key, size, modified = (line.get(name) for name in ("Key", "Size", "LastModified"))
        if not isinstance(key, str) or not isinstance(size, int) or not isinstance(modified, str):
            raise self._failure(Reason.SCHEMA, "data: expected Key, Size and LastModified of each file")
        match = _KEY.fullmatch(key)
        if match is None:
            return None
        try:
            period = "-".join(part for part in match.groups() if part)
            period_dates(period)
            modified_at = datetime.fromisoformat(modified).astimezone(UTC)
        except InvalidInput:
            return None
        except ValueError:
            raise self._failure(Reason.SCHEMA, "LastModified: expected a time") from None
        return BulkFile(key, size, modified_at, period)

    def _demand_bulk(self, endpoint: Endpoint) -> None:
        if not endpoint.has_bulk:
            raise self._failure(Reason.INVALID, f"no bulk files of {endpoint.name}")

    def _failure(self, reason: Reason, detail: str) -> SourceError:
        return SourceError(reason, detail, source=self._source)


def _asking(endpoint: Endpoint, verb: str) -> Endpoint:
    """The call for a list or an address: one of the plan, outside the endpoint's own limits."""
    return replace(endpoint, name=f"bulk_{verb}", path=f"/bulk/{verb}", windows=())


def _lies_within(file: BulkFile, first: date, last: date) -> bool:
    begins_on, ends_on = period_dates(file.period)
    return first <= begins_on and ends_on <= last
