"""Who is busiest stands first, and the totals are those of all."""

from __future__ import annotations

from actors.otp.process import ProcessState
from moomarkets.services.top_view import TopView
from tests.moomarkets.services.test_tree_view import info

STUCK = info("root/stuck", state=ProcessState.BUSY, message="Look", busy_s=12.25, queue=3)
FULL = info("root/full", queue=1200, handled=5)
DONE = info("root/done", handled=7000, restarts=2)
IDLE = info("root/<idle>")


def test_the_longest_at_one_message_comes_first_then_the_longest_queue_then_the_most_work() -> None:
    assert list(TopView([IDLE, DONE, FULL, STUCK])) == [STUCK, FULL, DONE, IDLE]


def test_the_totals_count_all_servers_also_those_that_are_not_shown() -> None:
    view = TopView([IDLE, DONE, FULL, STUCK], zombies=["root/gone"], most=1)

    assert list(view) == [STUCK]
    assert view.totals == {"servers": 4, "busy": 1, "queued": 1203, "handled": 7007, "restarts": 2, "zombies": 1}


def test_the_table_opens_with_the_totals_and_who_was_killed_while_busy() -> None:
    lines = repr(TopView([DONE, STUCK], zombies=["root/gone"])).splitlines()

    assert lines == [
        "servers 2, busy 1, queued 3, handled 7,001, restarts 2; killed, but their threads are still busy: root/gone",
        "path        server  state  message  busy s  queued  handled  restarts",
        "root/stuck  Server  busy   Look       12.2       3        1         0",
        "root/done   Server  idle                         0    7,000         2",
    ]


def test_a_notebook_gets_a_table_in_which_nothing_is_markup() -> None:
    html = TopView([IDLE])._repr_html_()

    assert "<td>root/&lt;idle&gt;</td>" in html
    assert html.startswith("<p>servers 1, busy 0")
