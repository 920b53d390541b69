"""One provider's HTTP: bounded in time and size, woken by a cancel, and silent about keys."""

from __future__ import annotations

import email.utils
import ipaddress
import json
import re
import ssl
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urlsplit

import httpcore

from datasources.connection import Exchange, Network
from datasources.host_names import HostNames
from moomarkets.domain import failpoints
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Cancelled, InvalidInput, Reason, SourceError
from moomarkets.domain.source import Permit

MAX_BYTES = 16 * 1024 * 1024
MAX_CONTAINERS = 500_000
EXCERPT_BYTES = 200
_PIECE = 1024 * 1024
_GZIP = 31  # zlib's window bits for the gzip format
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """A completely read answer: its decoded body, and the wait that it asked for, clamped to 1-600 s."""

    status: int
    body: bytes
    retry_after_s: float | None = None


class Transport:
    """Sends requests to one provider, and to nobody else, over kept-alive connections. Thread-safe.

    Plain http is for loopback hosts only. Redirects are answers, never followed; nothing is tried twice;
    proxies of the environment are not used. `headers` go with every request; `secrets` never show up in an
    error's text. Names are looked up by `hosts`, by default in the calling thread.

    Example:
        >>> from moomarkets.domain.clock import SystemClock
        >>> transport = Transport("jquants", "https://api.jquants.com/v2", SystemClock())
        >>> transport.url("/equities/master", {"date": "2026-11-20"})
        '/v2/equities/master?date=2026-11-20'
    """

    def __init__(
        self,
        source: str,
        base_url: str,
        clock: Clock,
        *,
        headers: Mapping[str, str] | None = None,
        secrets: Sequence[str] = (),
        max_bytes: int = MAX_BYTES,
        ssl_context: ssl.SSLContext | None = None,
        hosts: HostNames | None = None,
    ) -> None:
        self._source, self._clock, self._max_bytes = source, clock, max_bytes
        self._scheme, self._host, self._port, self._prefix = origin(base_url)
        self._headers = headers_for(self._scheme, self._host, self._port, headers or {})
        self._secrets: tuple[str, ...] = ()
        for secret in secrets:
            self.hide(secret)
        self._network = Network(hosts)
        # Every attempt that runs may hold one connection; the permits bound them, not the pool.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl_context or trusted(self._scheme),
            max_connections=None,
            max_keepalive_connections=16,
            keepalive_expiry=30.0,
            network_backend=self._network,
        )

    def hide(self, secret: str) -> None:
        """Let `secret`, such as a token that came with an answer, show up in no error's text from now on."""
        if secret:
            # A new value in one step: other threads may be reading the old one.
            self._secrets = tuple(sorted({*self._secrets, *_forms(secret)}, key=len, reverse=True))

    def url(self, path: str, query: Mapping[str, str]) -> str:
        """Path and query as they are sent; `path` is percent-encoded already."""
        target = self._prefix + path
        return f"{target}?{urlencode(query, errors='replace')}" if query else target

    def send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        permit: Permit,
        token: CancelToken,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send one request and read its answer within `permit.deadline`; blocks the calling thread.

        `headers` go with this one beside those of every request.

        Raises `SourceError` (timeout, network, upstream, malformed, too_large), `Cancelled`, or what
        `permit.check` raises. The permit is given back if the request certainly never left.
        """
        exchange = Exchange(permit.deadline, self._clock, token)
        try:
            token.check()
            with exchange.watched(), self._network.using(exchange):
                request = self._request(method, self.url(path, query), content, headers or {}, exchange, permit)
                return self._exchange(request, exchange, permit)
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            # Not chained: the frames below hold the headers, and with them the key.
            raise self._translated(error, exchange) from None
        finally:
            if not exchange.is_sent:
                permit.unsent()

    def json(self, reply: Reply) -> Any:
        """The body as parsed JSON; refuses NaN, other encodings than UTF-8 and absurdly many containers."""
        if reply.body.count(b"{") + reply.body.count(b"[") > MAX_CONTAINERS:
            raise self.failure(Reason.TOO_LARGE, f"more than {MAX_CONTAINERS} objects and lists", reply)
        try:
            return json.loads(reply.body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            kind = "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
            detail = f"{kind}, begins with: {self.excerpt(reply.body)}"
            raise self.failure(Reason.MALFORMED, detail, reply) from None

    def failure(self, reason: Reason, detail: str, reply: Reply | None = None) -> SourceError:
        """A `SourceError` of this source whose text has been scrubbed."""
        status, body = (reply.status, reply.body) if reply else (None, b"")
        return SourceError(reason, self.scrub(detail), source=self._source, status=status, body=self.scrubbed(body))

    def excerpt(self, body: bytes) -> str:
        """The beginning of a body, scrubbed and in one line, for diagnosis."""
        # Scrubbed as a whole before the cut, else half a key could stay at the edge.
        return _CONTROL.sub(" ", self.scrubbed(body)[:EXCERPT_BYTES].decode("utf-8", "replace"))

    def scrub(self, text: str) -> str:
        """`text` without any form of the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def scrubbed(self, body: bytes) -> bytes:
        """`body` without any form of the secrets."""
        for secret in self._secrets:
            body = body.replace(secret.encode(), b"***")
        return body

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()

    def _request(
        self,
        method: str,
        target: str,
        content: bytes,
        headers: Mapping[str, str],
        exchange: Exchange,
        permit: Permit,
    ) -> httpcore.Request:
        own = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        if content or method != "GET":
            own.append((b"Content-Length", b"%d" % len(content)))
        return httpcore.Request(
            method=method,
            url=httpcore.URL(scheme=self._scheme, host=self._host, port=self._port, target=target),
            headers=[*self._headers, *own],
            content=content,
            extensions={
                "trace": _last_look(exchange, permit),
                "timeout": {"pool": max(0.0, exchange.remaining_s())},
            },
        )

    def _exchange(self, request: httpcore.Request, exchange: Exchange, permit: Permit) -> Reply:
        response = self._pool.handle_request(request)
        permit.answered()
        try:
            headers = {name.lower(): value for name, value in response.headers}
            body = self._body(response, headers.get(b"content-encoding", b"").strip().lower())
        finally:
            response.close()
        # An answer without a length ends with its connection: one that a cancel shut down looks complete.
        exchange.token.check()
        failpoints.hit("response_received")
        return Reply(response.status, body, self._retry_after_s(headers.get(b"retry-after")))

    def _body(self, response: httpcore.Response, encoding: bytes) -> bytes:
        """Read and decode in small pieces, so that neither a bomb nor a flood is ever held in memory."""
        reply = Reply(response.status, b"")
        if encoding not in (b"", b"identity", b"gzip"):
            raise self.failure(Reason.MALFORMED, "content encoding: expected gzip or none", reply)
        decoder = zlib.decompressobj(_GZIP) if encoding else None
        body = bytearray()
        for chunk in response.iter_stream():
            rest = chunk
            while rest:
                if decoder is not None:
                    piece, rest = self._decoded(decoder, rest, reply)
                else:
                    piece, rest = rest, b""
                body += piece
                if len(body) > self._max_bytes:
                    detail = f"body: expected at most {self._max_bytes} bytes, got more"
                    raise self.failure(Reason.TOO_LARGE, detail, reply)
        if decoder is not None and body and not decoder.eof:
            raise self.failure(Reason.MALFORMED, "the compressed body ends too early", reply)
        return bytes(body)

    def _decoded(self, decoder: Any, data: bytes, reply: Reply) -> tuple[bytes, bytes]:
        try:
            piece = decoder.decompress(data, _PIECE)
        except zlib.error:
            raise self.failure(Reason.MALFORMED, "the compressed body is damaged", reply) from None
        return piece, decoder.unconsumed_tail

    def _translated(self, error: Exception, exchange: Exchange) -> Exception:
        if exchange.token.is_cancelled:
            return Cancelled(exchange.token.reason or Reason.CANCELLED)
        if isinstance(error, httpcore.TimeoutException) or exchange.remaining_s() <= 0:
            return self.failure(Reason.TIMEOUT, "no complete answer before the deadline of the permit")
        if isinstance(error, httpcore.LocalProtocolError):
            return self.failure(Reason.INVALID, "the request cannot be written as HTTP")
        detail = _CONTROL.sub(" ", self.scrub(str(error)))[:EXCERPT_BYTES]
        return self.failure(Reason.UPSTREAM if exchange.is_sent else Reason.NETWORK, detail)

    def _retry_after_s(self, value: bytes | None) -> float | None:
        if value is None:
            return None
        text = value.decode("latin-1").strip()
        try:
            if text.isascii() and text.isdigit():
                wait_s = float(text[:12])
            else:
                at = email.utils.parsedate_to_datetime(text)
                wait_s = (at.astimezone(UTC) - self._clock.now()).total_seconds()
        except (ValueError, OverflowError):
            return None
        return min(max(wait_s, 1.0), 600.0)


def _last_look(exchange: Exchange, permit: Permit) -> Callable[[str, object], None]:
    def trace(name: str, info: object) -> None:
        if name.endswith(".send_request_headers.started"):
            permit.check()
            failpoints.hit("request_sending")
            exchange.is_sent = True
        elif name.endswith(".send_request_body.complete"):
            failpoints.hit("request_sent")

    return trace


def origin(base_url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path of an address that may be asked at all; `InvalidInput`, without the path, if not."""
    expected = "an https address, or http on a loopback host, without user, query or fragment"
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InvalidInput("base URL", expected, "something else") from None
    is_plain = parts.scheme == "http" and _is_loopback(host)
    if not host or "@" in parts.netloc or parts.query or parts.fragment or not (is_plain or parts.scheme == "https"):
        shown = f"{parts.scheme}://{host}" if host else "something else"
        raise InvalidInput("base URL", expected, shown)
    return parts.scheme, host, port, parts.path.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def headers_for(scheme: str, host: str, port: int | None, extra: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    """The headers of a request to that host, `extra` wins."""
    authority = f"[{host}]" if ":" in host else host
    if port is not None and port != {"http": 80, "https": 443}[scheme]:
        authority = f"{authority}:{port}"
    fixed = {
        "Host": authority,
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "User-Agent": "moomarkets",
    }
    return [(name.encode(), value.encode("latin-1")) for name, value in {**fixed, **extra}.items()]


def trusted(scheme: str) -> ssl.SSLContext | None:
    """Whose certificates count; None for plain http."""
    if scheme == "http":
        return None
    import httpx  # only https needs its bundle of certificates

    return httpx.create_ssl_context(trust_env=False)


def _forms(secret: str) -> tuple[str, ...]:
    return secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
