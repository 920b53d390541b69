"""The client of J-Quants API V1, for gateways that still speak it: tokens instead of a key, longer names of fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from datasources.columns import RowReader
from datasources.host_names import HostNames
from datasources.jquants.answers import TOO_MANY, UNAUTHORIZED
from datasources.jquants.endpoints import DROPPED_FIELDS, HALF_DAY_FIELDS
from datasources.jquants.halves import in_halves
from datasources.jquants.paging import MAX_PAGES, Collector, Pages
from datasources.jquants.v1_endpoints import JQUANTS_V1, QUIET, SHAPES, Shape
from datasources.jquants.v1_tokens import V1Tokens
from datasources.pace import narrowest
from datasources.token_memory import TokenMemory
from datasources.transport import MAX_BYTES, Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import RateLimited, Reason, SourceError
from moomarkets.domain.events import Events
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Endpoint, PermitGate, TokenBox

_VALUE = re.compile(r"[!-~]{1,4096}")


class JQuantsV1:
    """A `DataSource` for one account; thread-safe. Rows are those of the datasets that V2 fills.

    `credential` holds `mailaddress` and `password`; `tokens` keeps what the provider gives for them, by default this
    object alone. A request that is refused for its token (401) is sent once more with a new one.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> from moomarkets.domain.events import NoEvents
        >>> from moomarkets.testing.open_gate import OpenGate
        >>> clock, account = SystemClock(), {"mailaddress": Secret("a@b.example"), "password": Secret("p")}
        >>> JQuantsV1("https://gateway.example/v1", account, OpenGate(clock), clock, NoEvents()).get_rate_limit()
        (60, 'minute')
    """

    spec = JQUANTS_V1

    def __init__(
        self,
        base_url: str,
        credential: Mapping[str, Secret],
        gate: PermitGate,
        clock: Clock,
        events: Events,
        *,
        tokens: TokenBox | None = None,
        windows: Sequence[Window] = JQUANTS_V1.windows,
        max_pages: int = MAX_PAGES,
        max_bytes: int = MAX_BYTES,
        hosts: HostNames | None = None,
    ) -> None:
        account = _account(credential)
        secrets = tuple(secret.reveal() for secret in account.values())
        self._gate, self._windows = gate, tuple(windows)
        self._transport = Transport(JQUANTS_V1.code, base_url, clock, secrets=secrets, max_bytes=max_bytes, hosts=hosts)
        self._tokens = V1Tokens(self._transport, self._send, tokens or TokenMemory(), account, clock)
        envelopes = {name: shape.envelope for name, shape in SHAPES.items()}
        self._pages = Pages(self._transport, self._ask, max_pages, envelopes, QUIET)
        self._collector = Collector(JQUANTS_V1.code, self._transport, clock, events)
        self._readers = {name: _Reader(shape) for name, shape in SHAPES.items()}

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        """All pages of one query as one batch; nothing matching is an empty batch."""
        reader = self._readers.get(endpoint.name)
        if reader is None:
            raise SourceError(Reason.INVALID, f"no endpoint {endpoint.name}", source=JQUANTS_V1.code)
        query = {name: value for name, value in parameters.items() if value}

        def fetch(part: dict[str, str]) -> Batch:
            return self._collector.collect(endpoint, reader, self._pages.walk(endpoint, part, token))

        return in_halves(query, fetch)

    def validate_credentials(self) -> bool:
        """Log in, whatever tokens there are."""
        try:
            self._tokens.log_in(CancelToken())
        except SourceError as error:
            if error.reason is Reason.AUTH:
                return False
            raise
        return True

    def get_rate_limit(self) -> tuple[int, str]:
        """The narrowest limit that applies."""
        return narrowest(self._windows)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _ask(self, endpoint: Endpoint, query: Mapping[str, str], token: CancelToken) -> Reply:
        id_token = self._tokens.id_token(token)
        reply = self._send(endpoint, query, token, b"", id_token)
        if reply.status == UNAUTHORIZED:
            id_token = self._tokens.id_token(token, refused=id_token)
            reply = self._send(endpoint, query, token, b"", id_token)
        return reply

    def _send(
        self,
        endpoint: Endpoint,
        query: Mapping[str, str],
        token: CancelToken,
        content: bytes,
        id_token: Secret | None = None,
    ) -> Reply:
        headers = {"Authorization": f"Bearer {id_token.reveal()}"} if id_token is not None else {}
        if content:
            headers["Content-Type"] = "application/json"
        with self._gate.permit(endpoint, token) as permit:
            reply = self._transport.send(
                endpoint.method, endpoint.path, query, permit, token, content=content, headers=headers
            )
            if reply.status == TOO_MANY:
                # First of all: others of the same account may be about to send.
                self._gate.silence(reply.retry_after_s)
                raise RateLimited(source=JQUANTS_V1.code, retry_after_s=reply.retry_after_s)
        return reply


class _Reader(RowReader):
    """Reads rows of V1 under the names of V2; what V1 never had is null."""

    def __init__(self, shape: Shape) -> None:
        dataset = shape.endpoint.dataset
        is_bars = dataset.name == "daily_bars"
        super().__init__(
            JQUANTS_V1.code, dataset, DROPPED_FIELDS if is_bars else (), HALF_DAY_FIELDS if is_bars else ()
        )
        self._names = shape.names
        known = set(shape.names.values())
        self._absent = {column.field: None for column in dataset.columns[:-1] if column.field not in known}

    def read(self, rows: Sequence[object], warnings: Counter[str]) -> list[tuple[object, ...]]:
        return super().read([self._renamed(row) for row in rows], warnings)

    def _renamed(self, row: object) -> object:
        if not isinstance(row, dict):
            return row
        return {**self._absent, **{self._names.get(name, name): value for name, value in row.items()}}


def _account(credential: Mapping[str, Secret]) -> dict[str, Secret]:
    for name in JQUANTS_V1.credential_fields:
        if name not in credential or _VALUE.fullmatch(credential[name].reveal()) is None:
            detail = f"{name}: expected 1 to 4096 printable ASCII characters without spaces"
            raise SourceError(Reason.AUTH, detail, source=JQUANTS_V1.code)
    return {name: credential[name] for name in JQUANTS_V1.credential_fields}
