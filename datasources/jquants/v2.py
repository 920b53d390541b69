"""The client of J-Quants API V2."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, timezone

from datasources.columns import RowReader, without_twins
from datasources.download import Downloads
from datasources.host_names import HostNames
from datasources.jquants.answers import KEY_REFUSED, NOTHING_NOW, REFUSED, TOO_MANY, reason_of
from datasources.jquants.bulk import Bulk
from datasources.jquants.detection import detect
from datasources.jquants.endpoints import (
    DISCLOSURES_ENDPOINT,
    DROPPED_FIELDS,
    HALF_DAY_FIELDS,
    HALF_DAY_NUMBERS,
    JQUANTS,
    TRADING_CALENDAR_ENDPOINT,
)
from datasources.jquants.halves import in_halves
from datasources.jquants.paging import MAX_PAGES, Collector, Pages, message_of, opened
from datasources.key_trial import KeyTrial
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
from moomarkets.domain.source import Detected, Endpoint, PermitGate

TOKYO = timezone(timedelta(hours=9))
# Within the limit of the list of disclosures.
_FILES = replace(DISCLOSURES_ENDPOINT, path="/td/files")
_ARCHIVE = replace(DISCLOSURES_ENDPOINT, path="/td/bulk")
_KEY = re.compile(r"[!-~]{1,512}")


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
        self._windows = tuple(windows)
        self._transport = Transport(
            JQUANTS.code,
            base_url,
            clock,
            headers={"x-api-key": key},
            secrets=(key,),
            max_bytes=max_bytes,
            hosts=hosts,
        )
        self._trial = KeyTrial(JQUANTS.code, clock)
        self._pages = Pages(self._transport, self._ask, max_pages)
        self._collector = Collector(JQUANTS.code, self._transport, clock, events)
        self._readers = {endpoint.name: _reader(endpoint) for endpoint in JQUANTS.endpoints}
        self._downloads = Downloads(JQUANTS.code, clock, hosts=hosts)
        self._bulk = Bulk(JQUANTS.code, self._content, self._downloads, clock, events)

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        """All pages of one query as one batch; nothing matching is an empty batch.

        With a `cursor` only what is newer comes; where the provider does not take it, everything comes. A range that
        is too large for one answer is asked for in halves.
        """
        reader = self._readers.get(endpoint.name)
        if reader is None:
            raise SourceError(Reason.INVALID, f"no endpoint {endpoint.name}", source=JQUANTS.code)
        query = {name: value for name, value in parameters.items() if value}

        def fetch(part: dict[str, str]) -> Batch:
            pages = self._pages.walk(endpoint, part, token)
            return self._collector.collect(endpoint, reader, pages, continues="cursor" in part)

        try:
            return in_halves(query, fetch)
        except SourceError as error:
            if "cursor" not in query or error.status != REFUSED or error.reason is not Reason.INVALID:
                raise
            self._events.emit("source.cursor_refused", source=JQUANTS.code, endpoint=endpoint.name)
            del query["cursor"]
            return fetch(query)

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
            opened(self._transport, self._ask(TRADING_CALENDAR_ENDPOINT, {"from": today, "to": today}, CancelToken()))
        except SourceError as error:
            if error.reason is Reason.AUTH:
                return False
            if error.reason in (Reason.PLAN_RESTRICTED, Reason.INVALID):
                return True
            raise
        return True

    def detect_plan(self, token: CancelToken) -> Detected:
        """What the key is subscribed to: one request for the plan, one for each add-on."""

        def probe(endpoint: Endpoint, query: dict[str, str]) -> object:
            reply = self._ask(endpoint, query, token)
            return reply if reply.status == NOTHING_NOW else opened(self._transport, reply)

        return detect(probe, self._clock.now().astimezone(TOKYO).date())

    def disclosure_files(self, number: str, kinds: Iterable[str], token: CancelToken) -> dict[str, str]:
        """Where the documents of a disclosure can be had for a few minutes, by kind.

        Kinds: `g` the whole as PDF, `s` its summary as PDF, `x` as XBRL. The addresses are signed: whoever knows one
        can read that file, and none of them may be sent the key.
        """
        query = {"discNo": number, "docs": ",".join(kinds)}
        reply = self._ask(_FILES, {name: value for name, value in query.items() if value}, token)
        files = opened(self._transport, reply).get("files")
        if not isinstance(files, dict) or not all(isinstance(url, str) for url in files.values()):
            raise self._transport.failure(Reason.SCHEMA, "files: expected addresses by kind", reply)
        return dict(files)

    def disclosure_archive(self, token: CancelToken) -> tuple[str, str]:
        """When the file of all disclosures was last made, and its signed address."""
        reply = self._ask(_ARCHIVE, {}, token)
        content = opened(self._transport, reply)
        made, url = content.get("lastUpdated"), content.get("url")
        if not isinstance(made, str) or not isinstance(url, str):
            raise self._transport.failure(Reason.SCHEMA, "lastUpdated, url: expected texts", reply)
        return made, url

    def get_rate_limit(self) -> tuple[int, str]:
        """The narrowest limit that applies to this key."""
        return narrowest(self._windows)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        self._downloads.close()

    def _content(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> dict[str, object]:
        return opened(self._transport, self._ask(endpoint, query, token))

    def _ask(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Reply:
        return self._trial.go(lambda: self._send(endpoint, query, token), self._is_refused, token)

    def _is_refused(self, reply: Reply) -> bool:
        """Whether the key was, not what was asked for with it."""
        return (
            reply.status in KEY_REFUSED and reason_of(reply.status, message_of(self._transport, reply)) is Reason.AUTH
        )

    def _send(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Reply:
        with self._gate.permit(endpoint, token) as permit:
            reply = self._transport.send(endpoint.method, endpoint.path, query, permit, token)
            if reply.status == TOO_MANY:
                # First of all: others of the same key may be about to send.
                self._gate.silence(reply.retry_after_s)
                raise RateLimited(source=JQUANTS.code, retry_after_s=reply.retry_after_s)
        return reply


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
