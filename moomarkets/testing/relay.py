"""A loopback server between a source's client and its simulator, which can be told to misbehave."""

from __future__ import annotations

import http.client
import json
import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import urlsplit


class Mode(StrEnum):
    """What the relay does with a request."""

    FORWARD = "forward"
    """It goes to the simulator, and the answer back."""

    TOO_MANY = "too_many"
    """429, with `Retry-After: 7`."""

    UNAVAILABLE = "unavailable"
    """503, with a body that repeats the whole request, as careless providers do."""

    GARBAGE = "garbage"
    """200, with a page that is no data."""

    HANG = "hang"
    """Nothing, until the relay is closed or told otherwise."""


class Relay:
    """Counts requests in `requests`; `arrived` is set by each. `url` has the path of the simulator's own.

    Example:
        >>> with Relay("http://127.0.0.1:9/v2") as relay:
        ...     relay.url.endswith("/v2")
        True
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._released = threading.Event()
        self.arrived = threading.Event()
        self.mode = Mode.FORWARD
        self.requests = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """What the client is given as its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}{self._upstream.path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body for a request."""
        self.requests += 1
        self.arrived.set()
        if self.mode is Mode.HANG:
            self._released.wait()
        if self.mode is Mode.TOO_MANY:
            return 429, {"Retry-After": "7"}, b'{"message": "Too Many Requests"}'
        if self.mode is Mode.UNAVAILABLE:
            said = {"message": f"{method} {target} {headers} {body.decode('utf-8', 'replace')}"}
            return 503, {"Content-Type": "application/json"}, json.dumps(said).encode()
        if self.mode is Mode.GARBAGE:
            return 200, {"Content-Type": "text/html"}, b"<html><body>Down for maintenance</body></html>"
        return self._forward(method, target, headers, body)

    def _forward(self, method: str, target: str, headers: dict[str, str], body: bytes) -> _Answer:
        connection = http.client.HTTPConnection(self._upstream.netloc, timeout=30)
        try:
            connection.request(method, target, body=body or None, headers=headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders() if name.lower() in _FORWARDED}
            return answer.status, kept, answer.read()
        finally:
            connection.close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        relay = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, content = relay.answer(self.command, self.path, dict(self.headers), body)
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content)), "Connection": "close"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)
                self.close_connection = True

            do_GET = do_POST = handle_any  # noqa: N815 - names that the library looks for

            def log_message(self, *_: object) -> None:
                """Nothing: what arrived is counted."""

        return Handler


_Answer = tuple[int, dict[str, str], bytes]
_FORWARDED = {"content-type", "content-encoding", "retry-after"}
