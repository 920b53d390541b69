"""What servers handled and what befell them, as lines for a person."""

from __future__ import annotations

import pytest

from moomarkets.services.event_views import EventsView, LiveTrace
from tests.actors.otp.patience import eventually
from tests.actors.otp.servers import Add
from tests.moomarkets.services.offices import Office


def test_a_trace_prints_the_next_messages_as_they_come_and_switches_itself_off(
    desk: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    """G20."""
    trace = desk.trace("manager", n=2)
    for amount in (1, 2, 3):
        desk.runtime.call("manager", Add(amount))

    assert eventually(lambda: trace.is_over)
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[1:4] for line in printed] == [
        ["root/core/manager", "call", f"Add(amount={n})"] for n in (1, 2)
    ]
    assert all("-> int changed count by 1" in line for line in printed)
    assert repr(trace).splitlines() == [*printed, "root/core/manager: 2 of 2 messages traced, ended"]


def test_a_trace_ends_with_its_time_or_with_its_server(desk: Office) -> None:
    timed, ended = desk.trace("manager", seconds=0.001), desk.trace("core/executors/x0")
    assert repr(ended) == "root/core/executors/x0: 0 of 10 messages traced, going on"

    desk.clock.advance(1)
    desk.kill("core/executors/x0")

    assert eventually(lambda: timed.is_over)
    assert eventually(lambda: ended.is_over)


def test_a_log_keeps_the_last_messages_from_the_first_call_on(desk: Office) -> None:
    assert repr(desk.log("manager")) == "root/core/manager: nothing yet, its messages are kept from now on"
    for amount in (1, 2):
        desk.runtime.call("manager", Add(amount))

    assert [event.summary for event in desk.log("manager")] == ["Add(amount=1)", "Add(amount=2)"]
    assert len(repr(desk.actors.core.manager.log()).splitlines()) == 2
    assert list(desk.log("manager", size=1)) == []
    for amount in (3, 4):
        desk.runtime.call("manager", Add(amount))
    assert [event.summary for event in desk.log("manager")] == ["Add(amount=4)"]
    assert repr(desk.log("manager", size=0)) == "root/core/manager: its messages are not kept"


def test_reports_tell_what_befell_the_servers_oldest_first(desk: Office) -> None:
    before = len(desk.reports())

    desk.kill("core/executors/x0")
    desk.state("core/executors/x0")

    new = desk.reports()[before:]
    assert [report.name for report in new] == ["server.killed", "child.terminated", "child.started"]
    assert list(desk.reports(1)) == new[-1:]
    assert repr(desk.reports(3)).splitlines() == [
        "00:00:00  server.killed        root/core/executors/x0  killed",
        "00:00:00  child.terminated     root/core/executors/x0  killed",
        "00:00:00  child.started        root/core/executors/x0  1 restart before",
    ]


def test_a_notebook_gets_lines_in_which_nothing_is_markup() -> None:
    assert EventsView([], "<nothing>")._repr_html_() == "<pre>&lt;nothing&gt;</pre>"
    assert LiveTrace("<a>", 1)._repr_html_() == "<pre>&lt;a&gt;: 0 of 1 messages traced, going on</pre>"


def test_a_new_trace_ends_the_one_before(desk: Office) -> None:
    first = desk.trace("manager")

    second = desk.trace("manager")

    assert eventually(lambda: first.is_over)
    assert not second.is_over
    desk.kill("manager")
    assert eventually(lambda: second.is_over)
