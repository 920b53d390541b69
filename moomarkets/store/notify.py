"""Wakes other processes: a hint only, polling is the truth."""

from __future__ import annotations

from sqlalchemy import Connection, text

CHANNEL = "moomarkets"
JOBS = "jobs"
RUNS = "runs"
SCHEDULES = "schedules"
SWITCHES = "switches"
"""Something was paused, resumed, or switched on or off."""


def notify(connection: Connection, topic: str) -> None:
    """Tell every listening node, at commit, that there may be news of `topic`."""
    connection.execute(text("SELECT pg_notify(:channel, :topic)"), {"channel": CHANNEL, "topic": topic})
