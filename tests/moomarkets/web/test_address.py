"""The web server listens on this machine alone, at the port that was chosen or at one that is free."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from moomarkets.domain.errors import SettingsError
from moomarkets.testing.recorded_events import RecordedEvents
from moomarkets.web.address import Address, url_of


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use for as long as the test runs."""
    listener = socket.create_server(("127.0.0.1", 0))
    with listener:
        yield listener.getsockname()[1]


def test_a_default_port_that_is_taken_gives_way_to_a_free_one_and_says_so(taken: int) -> None:
    events = RecordedEvents()

    with Address("127.0.0.1", taken, is_chosen=False).listen(events) as listener:
        got = listener.getsockname()[1]

    assert got != taken
    assert events.of("web.port_unavailable", expected=taken, got=got)


def test_a_chosen_port_that_is_taken_is_refused_by_the_name_of_its_setting(taken: int) -> None:
    with pytest.raises(SettingsError) as refusal:
        Address("127.0.0.1", taken, is_chosen=True).listen(RecordedEvents())

    assert str(refusal.value) == f"web_port: expected a free port (0: any), got {taken}, which is taken"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "nobody.invalid"])
def test_an_address_that_others_can_reach_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match="web_host: expected an address of this machine alone"):
        Address(host, 0, is_chosen=True).listen(RecordedEvents())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_an_address_of_this_machine_is_taken(host: str) -> None:
    with Address(host, 0, is_chosen=True).listen(RecordedEvents()) as listener:
        assert url_of(listener).startswith("http://127.0.0.") or url_of(listener).startswith("http://[::1]:")
