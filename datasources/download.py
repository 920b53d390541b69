"""Fetches packed files from signed addresses: no key goes along, and nobody gets to see the address."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO
from urllib.parse import urlsplit

import httpcore

from datasources.connection import Exchange, Network
from datasources.gzip_pieces import PIECE, Unpacker
from datasources.host_names import HostNames
from datasources.transport import headers_for, origin, trusted
from moomarkets.domain import failpoints
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Cancelled, InvalidInput, Reason, SourceError
from moomarkets.domain.secret import Secret

OK = 200
MAX_BYTES = 4 * 1024**3
SILENT_S = 60.0
"""So long the server may say nothing at all; as long as it sends, a file may take the time of its attempt."""

_CODE = re.compile(rb"<Code>([A-Za-z]{1,40})</Code>")
_EXCERPT = 4096


class Downloads:
    """Fetches files for one source, from whatever host their addresses name; thread-safe.

    Only https, or plain http on a loopback host. Redirects are not followed, proxies of the environment not used.
    Errors name neither the path nor the query of an address: whoever has them has the file.
    """

    def __init__(
        self,
        source: str,
        clock: Clock,
        *,
        hosts: HostNames | None = None,
        max_bytes: int = MAX_BYTES,
        silent_s: float = SILENT_S,
    ) -> None:
        self._source, self._clock = source, clock
        self._max_bytes, self._silent_s = max_bytes, silent_s
        self._network = Network(hosts)
        self._pools: dict[str, httpcore.ConnectionPool] = {}

    def fetch(self, address: Secret, token: CancelToken) -> IO[bytes]:
        """The file behind `address`, whole and undamaged: one without a name, gone when the caller closes it.

        Raises `SourceError` (timeout, network, upstream, malformed, too_large) or `Cancelled`; a refusal carries its
        status: 403 where the address has expired.
        """
        with ExitStack() as on_failure:
            try:
                file: IO[bytes] = tempfile.TemporaryFile(prefix="moomarkets-")  # noqa: SIM115 - the caller closes it
                on_failure.callback(file.close)
                self._fetch(address, file, token)
                file.seek(0)
            except OSError as error:
                # No room for it, most likely; the provider has nothing to do with it.
                raise self._failure(Reason.INTERRUPTED, f"expected room for it, got: {error.strerror}") from None
            on_failure.pop_all()
            return file

    def close(self) -> None:
        """Close all connections."""
        for pool in self._pools.values():
            pool.close()

    def _fetch(self, address: Secret, file: IO[bytes], token: CancelToken) -> None:
        exchange = Exchange(self._clock.monotonic() + self._silent_s, self._clock, token)
        try:
            token.check()
            with exchange.watched(), self._network.using(exchange):
                self._exchange(address, file, exchange)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            # Not chained: the frames below hold the address.
            raise self._translated(error, exchange) from None

    def _exchange(self, address: Secret, file: IO[bytes], exchange: Exchange) -> None:
        scheme, request = self._request(address)
        response = self._pool(scheme).handle_request(request)
        try:
            if response.status != OK:
                raise self._refused(response)
            unpacker = Unpacker(self._source)
            for chunk in response.iter_stream():
                exchange.prolong(self._clock.monotonic() + self._silent_s)
                for _ in unpacker.feed(chunk):
                    exchange.token.check()
                if unpacker.fed > self._max_bytes:
                    raise self._failure(Reason.TOO_LARGE, f"expected at most {self._max_bytes} bytes, got more")
                file.write(chunk)
        finally:
            response.close()
        # An answer without a length ends with its connection: one that a cancel shut down looks complete.
        exchange.token.check()
        unpacker.finish()
        failpoints.hit("response_received")

    def _request(self, address: Secret) -> tuple[str, httpcore.Request]:
        try:
            parts = urlsplit(address.reveal())
            scheme, host, port, _ = origin(f"{parts.scheme}://{parts.netloc}")
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            url = httpcore.URL(scheme=scheme, host=host, port=port, target=target.encode("ascii"))
        except (InvalidInput, ValueError):
            detail = "address: expected https, or http on a loopback host, got something else"
            raise SourceError(Reason.SCHEMA, detail, source=self._source) from None
        # Packed as the file is, not once more by the server.
        extra = {"Accept": "*/*", "Accept-Encoding": "identity"}
        return scheme, httpcore.Request("GET", url, headers=headers_for(scheme, host, port, extra))

    def _pool(self, scheme: str) -> httpcore.ConnectionPool:
        """Made when first needed: the certificates take their time to load."""
        pool = self._pools.get(scheme)
        if pool is None:
            made = httpcore.ConnectionPool(
                ssl_context=trusted(scheme),
                max_connections=None,
                max_keepalive_connections=4,
                keepalive_expiry=30.0,
                network_backend=self._network,
            )
            pool = self._pools.setdefault(scheme, made)
        return pool

    def _refused(self, response: httpcore.Response) -> SourceError:
        """What the server says by a code; the rest of its words may repeat the address."""
        body = b""
        for chunk in response.iter_stream():
            body += chunk
            if len(body) >= _EXCERPT:
                break
        code = _CODE.search(body[:_EXCERPT])
        said = code[1].decode() if code else "no code"
        return self._failure(Reason.UPSTREAM, f"expected it, got a refusal ({said})", response.status)

    def _translated(self, error: Exception, exchange: Exchange) -> Exception:
        if exchange.token.is_cancelled:
            return Cancelled(exchange.token.reason or Reason.CANCELLED)
        if isinstance(error, httpcore.TimeoutException) or exchange.remaining_s() <= 0:
            return self._failure(Reason.TIMEOUT, f"expected some of it within {self._silent_s:g} s, got nothing")
        if isinstance(error, httpcore.RemoteProtocolError | httpcore.ReadError):
            return self._failure(Reason.UPSTREAM, "expected a whole answer, got a part of one")
        return self._failure(Reason.NETWORK, "expected a connection, got none")

    def _failure(self, reason: Reason, detail: str, status: int | None = None) -> SourceError:
        return SourceError(reason, f"file: {detail}", source=self._source, status=status)


def unpacked(file: IO[bytes], source: str) -> Iterator[bytes]:
    """The content of a packed file, in pieces."""
    unpacker = Unpacker(source)
    while packed := file.read(PIECE):
        yield from unpacker.feed(packed)
    unpacker.finish()
