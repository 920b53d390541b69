"""What every request passes before a route sees it: host, origin, form and size; and what every answer carries.

Pages of other sites run in the same browser as ours: a foreign name for this machine (DNS rebinding) is answered
with 421, a request that another site has sent with 403, a body that a form could send with 415.
"""

from __future__ import annotations

import asyncio
import re
from email.utils import format_datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from moomarkets.domain.clock import Clock
from moomarkets.web.address import is_loopback
from moomarkets.web.problems import problem

MOST_BYTES: Final = 1024 * 1024
MOST_DEPTH: Final = 50
BODY_S: Final = 10.0
"""How long a body may take to arrive."""
ANSWER_S: Final = 20.0
"""How long an answer may take to begin and end; the database has given up by then, or is frozen."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_TEXTS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS: Final = re.compile(rb"[\[\]{}]")


class Guards:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app, self._clock = app, clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        answer = _Answer(send, format_datetime(self._clock.now(), usegmt=True))
        refusal = refused(scope["method"], str(scope["path"]), bytes(scope["query_string"]), Headers(scope=scope))
        if refusal is None:
            body = await _read(receive)
            refusal = body if isinstance(body, Response) else _refused_body(body)
        if refusal is not None:
            await refusal(scope, receive, answer)
            return
        assert isinstance(body, bytes)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._app(scope, _Replayed(body, receive), answer)
        except TimeoutError:
            if not answer.has_begun:
                late = problem(503, "unavailable", f"no answer within {ANSWER_S:g} s; the work may still be done")
                await late(scope, receive, answer)
        except Exception:
            # An answer has told of it, with the id under which the log does.
            if not answer.has_begun:
                raise


def refused(method: str, path: str, query: bytes, headers: Headers) -> Response | None:
    """The refusal of a request by its head; None if it may pass."""
    host = headers.get("host", "")
    if not _is_ours(host):
        return problem(421, "misdirected", f"host: expected localhost or a loopback address, got {host[:100]!r}")
    if "\0" in path or b"%00" in query:
        return problem(422, "invalid_input", "address: expected no zero byte, got one")
    if method in SAFE_METHODS:
        return None
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "same-origin")
    if (origin is not None and origin.lower() != f"http://{host.lower()}") or site not in ("same-origin", "none"):
        return problem(403, "foreign_origin", f"origin: expected http://{host}, got {(origin or site)[:100]!r}")
    kind = headers.get("content-type")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if (kind is None and has_body) or (kind is not None and kind.partition(";")[0].strip().lower() != _JSON):
        return problem(415, "not_json", f"content-type: expected {_JSON}, got {(kind or 'none')[:100]!r}")
    if headers.get("content-length", "0").isdecimal() and int(headers.get("content-length", "0")) > MOST_BYTES:
        return _too_large()
    return None


def depth_of(body: bytes) -> int:
    """How deep the brackets of a JSON text are nested; more than the most is not counted further.

    Example:
        >>> depth_of(b'{"a": [1, "[[["]}'), depth_of(b"[" * 1000)
        (2, 51)
    """
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(_TEXTS.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > MOST_DEPTH:
            break
    return deepest


_JSON: Final = "application/json"


def _is_ours(host: str) -> bool:
    try:
        name = urlsplit(f"http://{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def _too_large() -> Response:
    return problem(413, "too_large", f"body: expected at most {MOST_BYTES:,} bytes, got more")


def _refused_body(body: bytes) -> Response | None:
    if depth_of(body) > MOST_DEPTH:
        fault = {"field": "body", "expected": f"at most {MOST_DEPTH} levels of nesting", "got": "more"}
        return problem(422, "invalid_input", f"body: expected {fault['expected']}, got more", errors=[fault])
    return None


async def _read(receive: Receive) -> bytes | Response:
    """The whole body; a refusal where it is too long, or too long in coming."""
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > MOST_BYTES:
                    return _too_large()
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        return problem(408, "too_slow", f"body: expected all of it within {BODY_S:g} s, got a part")


class _Replayed:
    """Gives a body that has been read to whoever reads it next."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


class _Answer:
    """Adds to an answer what all answers carry, and knows whether it has begun."""

    def __init__(self, send: Send, date: str) -> None:
        self._send, self._date = send, date
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.has_begun = True
            headers = MutableHeaders(scope=message)
            for name, value in {**_HEADERS, "Date": self._date}.items():
                headers.setdefault(name, value)
        await self._send(message)
