"""What a request has to be like before a route sees it, and what every answer carries."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.recorded_events import RecordedEvents
from moomarkets.web.address import Address
from moomarkets.web.guards import MOST_BYTES, MOST_DEPTH, Guards
from moomarkets.web.site import WebSite
from tests.support.leaks import nothing_left


class Echo:
    """Tells what came through, and keeps count of it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        self.bodies.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": self.bodies[-1]})


class Door:
    """The guards before an echo, on a socket."""

    def __init__(self) -> None:
        self.echo, self.runtime = Echo(), ThreadRuntime()
        self._listener = Address("127.0.0.1", 0, is_chosen=True).listen(RecordedEvents())
        self.port = self._listener.getsockname()[1]
        self._site = WebSite(self.runtime, self._listener, lambda: Guards(self.echo, self.runtime.clock))
        self._site.open()

    def send(self, method: str, **given: Any) -> httpx.Response:
        return httpx.request(method, self._site.url, timeout=30, **given)

    def close(self) -> None:
        self._site.close()
        self._listener.close()
        assert self.runtime.close(30) == []


@pytest.fixture
def door() -> Iterator[Door]:
    """An open one; nothing is left of it."""
    with nothing_left():
        opened = Door()
        try:
            yield opened
        finally:
            opened.close()


@pytest.mark.parametrize(
    "host", ["rebound.example", "rebound.example:80", "192.0.2.1", "localhost.rebound.example", ""]
)
def test_a_foreign_name_for_this_machine_is_misdirected(door: Door, host: str) -> None:
    assert door.send("GET", headers={"Host": host}).status_code == 421
    assert door.echo.bodies == []


@pytest.mark.parametrize("host", ["localhost", "localhost:1234", "127.0.0.1", "[::1]:8420", "moo.localhost"])
def test_every_name_of_this_machine_is_its_own(door: Door, host: str) -> None:
    assert door.send("GET", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://rebound.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_a_request_that_another_site_has_sent_changes_nothing(door: Door, headers: dict[str, str]) -> None:
    assert door.send("POST", json={}, headers=headers).status_code == 403
    assert door.send("DELETE", headers=headers).status_code == 403
    assert door.echo.bodies == []


def test_a_page_of_this_very_server_may_send(door: Door) -> None:
    headers = {"Origin": f"http://127.0.0.1:{door.port}", "Sec-Fetch-Site": "same-origin"}

    assert door.send("POST", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_a_form_could_send_is_refused(door: Door, kind: str) -> None:
    answer = door.send("POST", content=b'{"enabled": true}', headers={"Content-Type": kind})

    assert answer.status_code == 415
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert door.echo.bodies == []


def test_a_body_is_passed_on_as_it_came(door: Door) -> None:
    body = json.dumps({"a": ["[" * 1000, '"[[', 1]}).encode()

    assert door.send("POST", content=body, headers={"Content-Type": "application/json; charset=utf-8"}).content == body
    assert door.send("POST").content == b""


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_body_that_is_too_large_is_refused(door: Door, is_announced: bool) -> None:
    body = b" " * (MOST_BYTES + 1)
    content: Any = body if is_announced else iter([body[:1000], body[1000:]])

    answer = door.send("POST", content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code == 413
    assert door.echo.bodies == []


def test_a_body_that_is_nested_too_deep_is_refused(door: Door) -> None:
    fits, deep = b"[" * MOST_DEPTH + b"]" * MOST_DEPTH, b"[" * (MOST_DEPTH + 1)

    assert door.send("POST", content=fits, headers={"Content-Type": "application/json"}).status_code == 200
    assert door.send("POST", content=deep, headers={"Content-Type": "application/json"}).status_code == 422


def test_a_zero_byte_in_the_address_is_refused(door: Door) -> None:
    with socket.create_connection(("127.0.0.1", door.port)) as client:
        client.sendall(b"GET /?group=%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")

        assert client.recv(1000).startswith(b"HTTP/1.1 422")


def test_every_answer_keeps_browsers_from_guessing_framing_and_keeping_it(door: Door) -> None:
    headers = door.send("GET").headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Date"].endswith("GMT")
    assert "server" not in headers
