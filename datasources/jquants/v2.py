"""The client of J-Quants API V2."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta, timezone
from typing import Any

from datasources.columns import RowReader, without_twins
from datasources.download import Downloads
from datasources.host_names import HostNames
from datasources.jquants.answers import NOTHING_NOW, OK, TOO_MANY, detail_of, reason_of
from datasources.jquants.bulk import Bulk
from datasources.jquants.endpoints import (
    DROPPED_FIELDS,
    HALF_DAY_FIELDS,
    HALF_DAY_NUMBERS,
    JQUANTS,
    TRADING_CALENDAR_ENDPOINT,
)
from datasources.pace import narrowest
from datasources.transport import MAX_BYTES, Reply, Transport
from moomarkets.domain.bulk import BulkFile
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Endpoint, PermitGate

MAX_PAGES = 200
TOKYO = timezone(timedelta(hours=9))
_KEY = re.compile(r"[!-~]{1,512}")


@dataclass(frozen=True, slots=True)
class _Page:
    rows: Sequence[object]
    next_key: str
    body: bytes

    @property
    def size(self) -> int:
        return len(self.body)


class JQuantsV2:
    """A `DataSource` for one API key; thread-safe.

    Parameters of `fetch_data` are those of the provider (`date`, `code`, `from`, `to`), without the paging
    key. Rows carry the date that came back, which for the list of issues may differ from the one asked for.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> from moomarkets.domain.events import NoEvents
        >>> from moomarkets.domain.secret import Secret
        >>> from moomarkets.testing.open_gate import OpenGate
        >>> clock, key = SystemClock(), {"api_key": Secret("k")}
        >>> source = JQuantsV2("https://api.jquants.com/v2", key, OpenGate(clock), clock, NoEvents())
        >>> source.get_rate_limit()
        (5, 'minute')
    """

    spec = JQUANTS

    def __init__(
        self,
        base_url: str,
        credential: Mapping[str, Secret],
        gate: PermitGate,
        clock: Clock,
        events: Events,
        *,
        windows: Sequence[Window] = JQUANTS.windows,
        max_pages: int = MAX_PAGES,
        max_bytes: int = MAX_BYTES,
        hosts: HostNames | None = None,
    ) -> None:
        key = credential["api_key"].reveal() if "api_key" in credential else ""
        if _KEY.fullmatch(key) is None:
            # Refused here, because the HTTP library's own complaint would show the key.
            detail = "api_key: expected 1 to 512 printable ASCII characters without spaces"
            raise SourceError(Reason.AUTH, detail, source=JQUANTS.code)
        self._gate, self._clock, self._events = gate, clock, events
        self._windows, self._max_pages = tuple(windows), max_pages
        self._transport = Transport(
            JQUANTS.code,
            base_url,
            clock,
            headers={"x-api-key": key},
            secrets=(key,),
            max_bytes=max_bytes,
            hosts=hosts,
        )
        self._readers = {endpoint.name: _reader(endpoint) for endpoint in JQUANTS.endpoints}
        self._downloads = Downloads(JQUANTS.code, clock, hosts=hosts)
        self._bulk = Bulk(JQUANTS.code, self._content, self._downloads, clock, events)

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        """All pages of one query as one batch; nothing matching is an empty batch."""
        reader = self._readers.get(endpoint.name)
        if reader is None:
            raise SourceError(Reason.INVALID, f"no endpoint {endpoint.name}", source=JQUANTS.code)
        started = self._clock.monotonic()
        query = {name: value for name, value in parameters.items() if value}
        warnings: Counter[str] = Counter()
        rows: list[tuple[object, ...]] = []
        pages = size = 0
        bodies: list[bytes] = []
        for page in self._pages(endpoint, query, token):
            rows += self._read(reader, page, warnings)
            pages += 1
            if size < MAX_BYTES:
                bodies.append(self._transport.scrubbed(page.body))
            size += page.size
        return replace(self._batch(endpoint, rows, pages, size, warnings, started), bodies=tuple(bodies))

    def _read(self, reader: RowReader, page: _Page, warnings: Counter[str]) -> list[tuple[object, ...]]:
        try:
            return reader.read(page.rows, warnings)
        except SourceError as error:
            error.body = self._transport.scrubbed(page.body)
            raise

    def bulk_files(self, endpoint: Endpoint, period: str, token: CancelToken) -> list[BulkFile]:
        """As `BulkSource` has it."""
        return self._bulk.files(endpoint, period, token)

    def open_bulk(self, endpoint: Endpoint, file: BulkFile, token: CancelToken) -> Iterator[Batch]:
        """As `BulkSource` has it."""
        return self._bulk.open(endpoint, self._readers[endpoint.name], file, token)

    def validate_credentials(self) -> bool:
        """Ask for today's line of the trading calendar, which every plan may read."""
        today = self._clock.now().astimezone(TOKYO).date().isoformat()
        try:
            self._page(TRADING_CALENDAR_ENDPOINT, {"from": today, "to": today}, CancelToken())
        except SourceError as error:
            if error.reason is Reason.AUTH:
                return False
            if error.reason in (Reason.PLAN_RESTRICTED, Reason.INVALID):
                return True
            raise
        return True

    def get_rate_limit(self) -> tuple[int, str]:
        """The narrowest limit that applies to this key."""
        return narrowest(self._windows)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._downloads.close()

    def _pages(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Iterator[_Page]:
        page = self._page(endpoint, query, token)
        yield page
        seen: set[str] = set()
        while page.next_key:
            if page.next_key in seen:
                raise self._transport.failure(Reason.MALFORMED, "pages: the same pagination key came twice")
            seen.add(page.next_key)
            if len(seen) >= self._max_pages:
                detail = f"pages: expected at most {self._max_pages}, got more"
                raise self._transport.failure(Reason.MALFORMED, detail)
            page = self._page(endpoint, {**query, "pagination_key": page.next_key}, token)
            yield page

    def _page(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> _Page:
        reply = self._reply(endpoint, query, token)
        return _Page((), "", reply.body) if reply.status == NOTHING_NOW else self._opened(reply)

    def _content(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> dict[str, Any]:
        return self._object(self._reply(endpoint, query, token))

    def _reply(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Reply:
        """The answer to one request with a permit; a refusal raises."""
        with self._gate.permit(endpoint, token) as permit:
            reply = self._transport.send(endpoint.method, endpoint.path, query, permit, token)
            if reply.status == TOO_MANY:
                # First of all: others of the same key may be about to send.
                self._gate.silence(reply.retry_after_s)
                raise RateLimited(source=JQUANTS.code, retry_after_s=reply.retry_after_s)
        if reply.status not in (OK, NOTHING_NOW):
            raise self._refused(reply)
        return reply

    def _object(self, reply: Reply) -> dict[str, Any]:
        content = self._transport.json(reply)
        if not isinstance(content, dict):
            detail = f"expected a JSON object, got: {self._transport.excerpt(reply.body)}"
            raise self._transport.failure(Reason.MALFORMED, detail, reply)
        return content

    def _opened(self, reply: Reply) -> _Page:
        content = self._object(reply)
        rows, key = content.get("data"), content.get("pagination_key") or ""
        if not isinstance(rows, list):
            raise self._transport.failure(Reason.SCHEMA, "data: expected a list", reply)
        if not isinstance(key, str):
            raise self._transport.failure(Reason.SCHEMA, "pagination_key: expected a text", reply)
        return _Page(rows, key, reply.body)

    def _refused(self, reply: Reply) -> SourceError:
        message = self._message(reply)
        return self._transport.failure(reason_of(reply.status, message), detail_of(message), reply)

    def _message(self, reply: Reply) -> str:
        """What the provider says in its envelope, else the beginning of whatever came instead."""
        try:
            content: Any = self._transport.json(reply)
        except SourceError:
            content = None
        message = content.get("message") if isinstance(content, dict) else None
        # The excerpt of the message, not the message: it is as untrusted as any other answer.
        body = message.encode("utf-8", "replace") if isinstance(message, str) else reply.body
        return self._transport.excerpt(body)

    def _batch(
        self,
        endpoint: Endpoint,
        rows: list[tuple[object, ...]],
        pages: int,
        size: int,
        warnings: Counter[str],
        started: float,
    ) -> Batch:
        names = endpoint.dataset.column_names
        rows = without_twins(rows, [names.index(name) for name in endpoint.dataset.key], warnings)
        seconds = round(self._clock.monotonic() - started, 3)
        fields = {"source": JQUANTS.code, "endpoint": endpoint.name}
        if warnings:
            self._events.emit("source.oddities_found", **fields, warnings=dict(warnings))
        self._events.emit("source.fetched", **fields, rows=len(rows), pages=pages, bytes=size, seconds=seconds)
        return Batch(endpoint.dataset, rows, pages, pages, size, dict(warnings))


def read_bodies(endpoint: Endpoint, bodies: Sequence[bytes]) -> Batch:
    """The batch that these answers, kept as they came, make together; no request is sent.

    Raises:
        SourceError: they cannot be read.
    """
    warnings: Counter[str] = Counter()
    reader, rows = _reader(endpoint), list[tuple[object, ...]]()
    for body in bodies:
        try:
            content = json.loads(body)
            page = content["data"]
        except (ValueError, RecursionError, TypeError, KeyError):
            raise SourceError(Reason.MALFORMED, "expected an object with data", source=JQUANTS.code) from None
        if not isinstance(page, list):
            raise SourceError(Reason.SCHEMA, "data: expected a list", source=JQUANTS.code)
        rows += reader.read(page, warnings)
    names = endpoint.dataset.column_names
    rows = without_twins(rows, [names.index(name) for name in endpoint.dataset.key], warnings)
    return Batch(endpoint.dataset, rows, len(bodies), 0, sum(map(len, bodies)), dict(warnings), tuple(bodies))


def _reader(endpoint: Endpoint) -> RowReader:
    if endpoint.name == "daily_bars":
        return RowReader(JQUANTS.code, endpoint.dataset, DROPPED_FIELDS, HALF_DAY_FIELDS, HALF_DAY_NUMBERS)
    return RowReader(JQUANTS.code, endpoint.dataset)
