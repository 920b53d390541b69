"""A site over a small tree of servers, on a clock that only the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx

from actors.pulse import Beat, Pulse
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from moomarkets.web.address import Address
from moomarkets.web.app import create_app
from moomarkets.web.site import WebSite
from tests.moomarkets.services.offices import Office
from tests.support.leaks import nothing_left


class Ward(Office):
    """The tree, with its pulse taken; of the services there are only those that a test puts in."""

    def __init__(self) -> None:
        super().__init__(ManualClock(), RecordedEvents())
        self.pulse = Pulse(self.runtime)
        self.url = ""

    def beats(self) -> list[Beat]:
        """What is known."""
        return self.pulse.look()

    def get(self, path: str) -> httpx.Response:
        """Ask the site."""
        return httpx.get(self.url + path, timeout=60)


@contextmanager
def ward() -> Iterator[Ward]:
    """One that is open and served; nothing is left of it."""
    with nothing_left(), Address("127.0.0.1", 0, is_chosen=True).listen(RecordedEvents()) as listener:
        made = Ward()
        made.open()
        site = WebSite(made.runtime, listener, lambda: create_app(cast(Any, made), "1"))
        site.open()
        made.url = site.url
        try:
            yield made
        finally:
            site.close()
            made.close()
