"""A tree that gives up ends its process: nothing lives on with dead actors."""

from __future__ import annotations

import json

import pytest

from tests.support.desk import Desk

GONE = "ALTER TABLE jobs RENAME TO elsewhere"


@pytest.mark.parametrize("is_deaf", [False, True])
def test_a_root_that_gives_up_ends_the_process_with_70_and_the_last_error(office: Desk, is_deaf: bool) -> None:
    """I06: neither work under way nor work that hangs keeps it alive."""
    office.gate.enqueue(1, is_deaf=is_deaf)
    supervisor = office.start(MOOMARKETS_POLL_S="0.2")
    supervisor.wait_for_line("reference: ")
    office.gate.next_job()

    office.change(GONE)

    assert supervisor.wait() == 70, supervisor.errors
    last = supervisor.errors.splitlines()[-1]
    assert last.startswith("the supervision tree gave up; the last error: root/core/duties/claimer: ")
    assert "ProgrammingError" in last
    assert "Traceback" not in supervisor.errors


def test_a_program_that_reads_the_log_is_told_of_it_in_json(office: Desk) -> None:
    supervisor = office.start("--log", "json", MOOMARKETS_POLL_S="0.2")
    supervisor.wait_for_line("reference: ")

    office.change(GONE)

    assert supervisor.wait() == 70, supervisor.errors
    lines = [json.loads(line) for line in supervisor.errors.splitlines()]
    (told,) = [line for line in lines if line["event"] == "tree.gave_up"]
    assert (told["exit_code"], told["level"]) == (70, "error")
    assert "root/core/duties/claimer" in told["error"]
    assert [line for line in lines if line["event"] == "supervisor.gave_up" and line["path"] == "root"]
