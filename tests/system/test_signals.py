"""Signals: the first asks for an orderly stop, the second ends at once; neither shows a traceback."""

from __future__ import annotations

import signal

import pytest
from sqlalchemy import text

from datasources.simulators.faults import Fault
from tests.support.supervisor import Playground


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_supervisor_in_order_and_leaves_nothing_running(
    ground: Playground, number: signal.Signals
) -> None:
    supervisor = ground.start("--demo")
    supervisor.wait_for_line("daily-bars: running, ")

    supervisor.signal(number)

    assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.errors
    with ground.installation() as installation, installation.reads.transaction() as connection:
        running = connection.scalar(text("SELECT count(*) FROM executions WHERE status = 'running'"))
        living = connection.scalar(text("SELECT count(*) FROM nodes WHERE stopped_at IS NULL"))
    assert (running, living) == (0, 0)


def test_a_signal_during_the_start_stops_as_well(ground: Playground) -> None:
    supervisor = ground.start("--demo")

    supervisor.wait_ready()
    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.errors


def test_a_second_signal_ends_at_once_with_130(ground: Playground) -> None:
    ground.jquants.faults.add(Fault("slow_body", times=50, path="/v2/equities/bars/daily", interval_s=1.0))
    supervisor = ground.start("--demo")
    supervisor.wait_for_line("daily-bars: running, 0/20")

    supervisor.signal(signal.SIGTERM)
    supervisor.wait_for_line("stopping: ")
    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 130


def test_a_job_that_does_not_finish_is_given_back_uncharged(ground: Playground) -> None:
    ground.jquants.faults.add(Fault("slow_body", times=50, path="/v2/equities/bars/daily", interval_s=1.0))
    supervisor = ground.start("--demo", MOOMARKETS_DRAIN_DEADLINE_S="1")
    supervisor.wait_for_line("daily-bars: running, 0/20")

    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    with ground.installation() as installation, installation.reads.transaction() as connection:
        ended = connection.execute(
            text(
                "SELECT DISTINCT jobs.status, attempts, crash_count, executions.reason FROM jobs"
                " JOIN executions ON executions.job_id = jobs.id WHERE jobs.job_type = 'daily_quotes'"
            )
        ).all()
    assert [tuple(row) for row in ended] == [("pending", 0, 0, "interrupted")]
