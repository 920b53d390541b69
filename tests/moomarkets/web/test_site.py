"""A site is served by a thread of its own, which ends in time whatever its clients do."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from actors.otp.promise import Promise
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.recorded_events import RecordedEvents
from moomarkets.web.address import Address
from moomarkets.web.site import WebSite
from tests.support.leaks import nothing_left


@dataclass
class Hall:
    """An application that says hello, or holds a request until it is let go."""

    held: threading.Event = field(default_factory=threading.Event)
    let_go: Promise[None] = field(default_factory=Promise)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        if scope["method"] == "POST":
            while (await receive()).get("more_body"):
                pass
        if scope["path"] == "/hold":
            self.held.set()
            await self.let_go
        if scope["path"] == "/fail":
            raise ValueError("unforeseen")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        await send({"type": "http.response.body", "body": b"hello"})


@dataclass
class Stage:
    """A hall with its site."""

    runtime: ThreadRuntime
    hall: Hall
    site: WebSite
    port: int

    def get(self, path: str = "/") -> httpx.Response:
        return httpx.get(self.site.url + path, timeout=30)


@pytest.fixture
def stage() -> Iterator[Stage]:
    """An open site; nothing is left of it afterwards."""
    with nothing_left():
        runtime, hall = ThreadRuntime(), Hall()
        listener = Address("127.0.0.1", 0, is_chosen=True).listen(RecordedEvents())
        site = WebSite(runtime, listener, lambda: hall)
        try:
            site.open()
            yield Stage(runtime, hall, site, listener.getsockname()[1])
        finally:
            hall.let_go.resolve(None)
            site.close()
            listener.close()
            assert runtime.close(30) == []


def test_whoever_connects_before_anybody_serves_is_answered_later(stage: Stage) -> None:
    assert stage.get().text == "hello"


def test_a_site_that_was_closed_can_be_opened_anew_at_the_same_address(stage: Stage) -> None:
    before = stage.get()

    stage.site.close()
    stage.site.open()

    assert (before.text, stage.get().text) == ("hello", "hello")


def test_opening_ends_whatever_served_before(stage: Stage) -> None:
    stage.get()

    first = stage.site.open()
    stage.site.open()

    assert stage.runtime.wait_for(first, 30)
    assert stage.get().text == "hello"


def test_a_connection_that_is_kept_alive_does_not_hold_up_the_end(stage: Stage) -> None:
    with httpx.Client(base_url=stage.site.url) as client:
        client.get("/")
        ended = stage.site.open()

        stage.site.close()

        assert stage.runtime.wait_for(ended, 30)


def test_a_client_that_stops_in_the_middle_of_its_request_does_not_hold_up_the_end(stage: Stage) -> None:
    ended = stage.site.open()
    stage.get()
    with socket.create_connection(("127.0.0.1", stage.port)) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf")

        stage.site.close()

        assert stage.runtime.wait_for(ended, 30)


def test_connections_that_come_at_the_very_end_leave_nothing_behind(stage: Stage) -> None:
    for _ in range(20):
        stage.get()
        with socket.create_connection(("127.0.0.1", stage.port)) as client:
            client.sendall(b"GET / HTTP/1.1\r\n")
            stage.site.close()
        stage.site.open()


def test_a_request_that_never_ends_is_cut_off_at_the_end(stage: Stage) -> None:
    ended = stage.site.open()
    client = stage.runtime.spawn(lambda: stage.get("/hold"), "client")
    assert stage.hall.held.wait(30)

    stage.site.close()

    assert stage.runtime.wait_for(ended, 30)
    assert stage.runtime.wait_for(client, 30)
    with pytest.raises(httpx.TransportError):
        client.result()


def test_an_application_that_cannot_be_built_ends_the_serving_with_its_error(stage: Stage) -> None:
    stage.site.close()
    with Address("127.0.0.1", 0, is_chosen=True).listen(RecordedEvents()) as listener:
        broken = WebSite(stage.runtime, listener, lambda: {}["missing"])

        ended = broken.open()

        assert stage.runtime.wait_for(ended, 30)
        with pytest.raises(KeyError, match="missing"):
            ended.result()


def test_errors_and_nonsense_are_not_told_to_the_logging_of_the_host(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    assert stage.get("/fail").status_code == 500
    with socket.create_connection(("127.0.0.1", stage.port)) as client:
        client.sendall(b"nonsense\r\n\r\n")
        assert b"400" in client.recv(1000)

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
