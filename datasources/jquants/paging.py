"""Walks over the pages of one J-Quants query and makes one batch of them; V1 and V2 share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from datasources.columns import RowReader, without_twins
from datasources.jquants.answers import NOTHING_NOW, OK, detail_of, learnt_window, reason_of
from datasources.transport import Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch, Dataset
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.source import Endpoint

MAX_PAGES = 200
KEPT_BYTES = 16 * 1024 * 1024
"""How much of the answers a batch keeps for whoever has to look into them."""

Ask = Callable[[Endpoint, Mapping[str, str], CancelToken], Reply]
"""Sends one request behind a permit; a 429 has become an error already."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer: its rows, the key of the next page, and the cursor to go on from, "" where there is none."""

    rows: Sequence[object]
    next_key: str = ""
    cursor: str = ""
    body: bytes = b""


class Pages:
    """The pages of queries.

    `envelopes` says under which name the rows of an endpoint lie in an answer, by default `data`. Of the endpoints
    named in `quiet` a good answer with a message instead of rows means that there are none now.
    """

    def __init__(
        self,
        transport: Transport,
        ask: Ask,
        max_pages: int = MAX_PAGES,
        envelopes: Mapping[str, str] = MappingProxyType({}),
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self._transport, self._ask, self._max_pages = transport, ask, max_pages
        self._envelopes, self._quiet = envelopes, quiet

    def walk(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Iterator[Page]:
        """All pages; an error where they lead in a circle or do not end."""
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

    def _page(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Page:
        reply = self._ask(endpoint, query, token)
        if reply.status == NOTHING_NOW:
            return Page((), body=reply.body)
        content = opened(self._transport, reply)
        envelope = self._envelopes.get(endpoint.name, "data")
        rows = content.get(envelope)
        if rows is None and endpoint.name in self._quiet and isinstance(content.get("message"), str):
            rows = []
        if not isinstance(rows, list):
            raise self._transport.failure(Reason.SCHEMA, f"{envelope}: expected a list", reply)
        marks = {name: content.get(name) or "" for name in ("pagination_key", "cursor")}
        for name, mark in marks.items():
            if not isinstance(mark, str):
                raise self._transport.failure(Reason.SCHEMA, f"{name}: expected a text", reply)
        return Page(rows, str(marks["pagination_key"]), str(marks["cursor"]), reply.body)


class Collector:
    """Makes batches of pages, and reports what came."""

    def __init__(self, source: str, transport: Transport, clock: Clock, events: Events) -> None:
        self._source, self._transport, self._clock, self._events = source, transport, clock, events

    def collect(
        self, endpoint: Endpoint, reader: RowReader, pages: Iterator[Page], *, continues: bool = False
    ) -> Batch:
        """Read all pages; of rows with the same key the last one stays."""
        started = self._clock.monotonic()
        warnings: Counter[str] = Counter()
        rows: list[tuple[object, ...]] = []
        bodies: list[bytes] = []
        count = size = 0
        cursor = ""
        for page in pages:
            rows += self._read(reader, page, warnings)
            count += 1
            size += len(page.body)
            cursor = page.cursor
            if size <= KEPT_BYTES:
                bodies.append(self._transport.scrubbed(page.body))
        rows = without_twins(rows, key_positions(endpoint.dataset), warnings)
        self._report(endpoint, len(rows), count, size, warnings, started)
        return Batch(endpoint.dataset, rows, count, count, size, dict(warnings), tuple(bodies), cursor, continues)

    def _read(self, reader: RowReader, page: Page, warnings: Counter[str]) -> list[tuple[object, ...]]:
        try:
            return reader.read(page.rows, warnings)
        except SourceError as error:
            error.body = self._transport.scrubbed(page.body)
            raise

    def _report(
        self, endpoint: Endpoint, rows: int, pages: int, size: int, warnings: Counter[str], started: float
    ) -> None:
        seconds = round(self._clock.monotonic() - started, 3)
        fields = {"source": self._source, "endpoint": endpoint.name}
        if warnings:
            self._events.emit("source.oddities_found", **fields, warnings=dict(warnings))
        self._events.emit("source.fetched", **fields, rows=rows, pages=pages, bytes=size, seconds=seconds)


def key_positions(dataset: Dataset) -> list[int]:
    """Where the columns of its key are in a row."""
    names = dataset.column_names
    return [names.index(name) for name in dataset.key]


def opened(transport: Transport, reply: Reply) -> dict[str, object]:
    """The object that a good answer holds; the error that any other answer means."""
    if reply.status != OK:
        message = message_of(transport, reply)
        error = transport.failure(reason_of(reply.status, message), detail_of(message), reply)
        error.readable = learnt_window(error.detail)
        raise error
    content = transport.json(reply)
    if not isinstance(content, dict):
        detail = f"expected a JSON object, got: {transport.excerpt(reply.body)}"
        raise transport.failure(Reason.MALFORMED, detail, reply)
    return content


def message_of(transport: Transport, reply: Reply) -> str:
    """What the provider says in its envelope, else the beginning of whatever came instead."""
    try:
        content: object = transport.json(reply)
    except SourceError:
        content = None
    message = content.get("message") if isinstance(content, dict) else None
    # The excerpt of the message, not the message: it is as untrusted as any other answer.
    body = message.encode("utf-8", "replace") if isinstance(message, str) else reply.body
    return transport.excerpt(body)
