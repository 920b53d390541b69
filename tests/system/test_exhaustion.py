"""A process that only a new one can help: it drains and ends, so that whoever looks after it starts it again."""

from __future__ import annotations

import json

from tests.support.desk import Desk

STATES = "SELECT status, reason, count(*) FROM executions WHERE reason <> 'interrupted' GROUP BY 1, 2"
"""A job that was claimed for a place that never became free is given back, and is no matter here."""


def test_a_process_in_which_too_many_jobs_hang_ends_with_70_and_says_why(office: Desk) -> None:
    """O02."""
    office.gate.enqueue(5, is_deaf=True)
    supervisor = office.start(
        "--log", "json",
        MOOMARKETS_EXECUTORS="4", MOOMARKETS_ABANDONED_LIMIT="1", MOOMARKETS_ATTEMPT_DEADLINE_S="1",
    )  # fmt: skip
    office.gate.next_jobs(4)

    assert supervisor.wait() == 70, supervisor.errors

    told = [json.loads(line) for line in supervisor.errors.splitlines()]
    (asked,) = [line for line in told if line["event"] == "node.gave_up"]
    assert (asked["limit"], asked["level"]) == (1, "error")
    (ended,) = [line for line in told if line["event"] == "tree.gave_up"]
    assert "jobs hang in it, at most 1 are borne; only a new process helps" in ended["error"]
    assert not [line for line in told if line["event"] == "stop.timed_out"]
    assert office.rows(STATES) == [("failed", "timed_out", 4)]
