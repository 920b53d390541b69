"""Signals: the first asks for an orderly stop, the second ends at once; neither shows a traceback."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import text

from tests.support.desk import Desk
from tests.support.supervisor import Playground

ENDS = "SELECT status, attempts, crash_count FROM jobs WHERE job_type = 'gated' ORDER BY id"
ATTEMPTS = "SELECT status, reason FROM executions"
RUNNING = "SELECT count(*) FROM executions WHERE status = 'running'"
LIVING = "SELECT count(*) FROM nodes WHERE stopped_at IS NULL"


@pytest.mark.parametrize("is_typed", [False, True])
def test_a_signal_stops_the_supervisor_in_order_and_leaves_nothing_running(ground: Playground, is_typed: bool) -> None:
    """As a service manager sends it, to one process; and as a terminal does, to Postgres and all the others too."""
    supervisor = ground.run("--demo", leads_group=is_typed)
    supervisor.wait_for_line("daily-bars: running, ")

    if is_typed:
        supervisor.press_ctrl_c()
    else:
        supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.errors
    with ground.installation() as installation, installation.reads.transaction() as connection:
        running = connection.scalar(text(RUNNING))
        living = connection.scalar(text(LIVING))
    assert (running, living) == (0, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_each_signal_stops_an_idle_supervisor_with_a_summary(office: Desk, number: signal.Signals) -> None:
    supervisor = office.start()
    supervisor.wait_for_line("reference: ")

    supervisor.signal(number)

    assert supervisor.wait() == 0
    assert "in the database: " in "".join(supervisor.output)
    assert "Traceback" not in supervisor.errors
    assert office.rows(LIVING) == [(0,)]


@pytest.mark.parametrize("sign", ["owner.lock", "pgdata/PG_VERSION", "pgdata/postmaster.pid"])
def test_ctrl_c_during_the_start_stops_as_well(ground: Playground, sign: str) -> None:
    supervisor = ground.run("--demo", leads_group=True)
    supervisor.wait_for_file(ground.data_dir.with_name(f"{ground.data_dir.name}-demo") / sign)

    supervisor.press_ctrl_c()

    assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.errors


def test_what_runs_at_a_signal_finishes_and_nothing_else_starts(office: Desk) -> None:
    """O08."""
    office.gate.enqueue(4)
    supervisor = office.start()
    running = office.gate.next_jobs(2)

    supervisor.signal(signal.SIGTERM)
    supervisor.wait_for_error("drain.begun")
    for job in running:
        job.finish()
        supervisor.wait_for_error("job.completed")  # and its executor is idle

    assert supervisor.wait() == 0
    assert not office.gate.has_waiter
    assert office.rows(ENDS) == [("completed", 1, 0)] * 2 + [("pending", 0, 0)] * 2
    assert office.rows(ATTEMPTS) == [("completed", None)] * 2


def test_a_job_that_hangs_and_is_deaf_is_given_back_within_the_limit(office: Desk) -> None:
    """O09."""
    office.gate.enqueue(1, is_deaf=True)
    supervisor = office.start(MOOMARKETS_DRAIN_DEADLINE_S="1")
    office.gate.next_job()

    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    assert supervisor.errors.count("drain.timed_out") == 1
    assert supervisor.errors.count("job.abandoned") == 1
    assert office.rows(ENDS) == [("pending", 0, 0)]
    assert office.rows(ATTEMPTS) == [("interrupted", "interrupted")]


def test_a_second_signal_ends_at_once_with_130(office: Desk) -> None:
    """O09."""
    office.gate.enqueue(1, is_deaf=True)
    supervisor = office.start()
    office.gate.next_job()

    supervisor.signal(signal.SIGTERM)
    supervisor.wait_for_error("drain.begun")
    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 130


def test_a_job_that_hangs_and_hears_its_cancel_is_given_back_uncharged(office: Desk) -> None:
    office.gate.enqueue(1)
    supervisor = office.start(MOOMARKETS_DRAIN_DEADLINE_S="1")
    office.gate.next_job()

    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    assert "job.abandoned" not in supervisor.errors
    assert office.rows(ENDS) == [("pending", 0, 0)]
    assert office.rows(ATTEMPTS) == [("interrupted", "interrupted")]
