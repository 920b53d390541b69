"""The supervisor program remembers what its tree died of; its life as a process is shown in tests/system."""

from __future__ import annotations

import io

import pytest

from moomarkets.supervisor import WakingEvents
from moomarkets.testing.manual_clock import ManualClock


@pytest.mark.parametrize(
    ("name", "fields", "said"),
    [
        (
            "server.crashed",
            {"path": "root/a", "reason": "ValueError", "where": "a.py:1 work"},
            "root/a: ValueError (a.py:1 work)",
        ),
        ("child.start_failed", {"path": "root/a", "reason": "timeout"}, "root/a: timeout"),
        ("server.killed", {"path": "root/a", "busy": "Look"}, "root/a: killed"),
        ("child.terminated", {"path": "root/a", "reason": "shutdown"}, "none was reported"),
    ],
)
def test_the_last_error_of_the_tree_is_known(name: str, fields: dict[str, object], said: str) -> None:
    events = WakingEvents(io.StringIO(), ManualClock())

    events.emit(name, **fields)

    assert events.last_error == said
