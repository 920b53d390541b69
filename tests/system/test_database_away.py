"""A supervisor whose database is gone or frozen still hears its signals and ends, in order where that is possible."""

from __future__ import annotations

import os
import signal

from moomarkets.store.embedded.server import EmbeddedServer
from tests.support.desk import Desk
from tests.support.frozen import frozen
from tests.support.postgres import TestPostgres

IMPATIENT = ("-c", "from moomarkets import supervisor; supervisor.STOP_MARGIN_S = 1.0; supervisor.main()")
PATIENT = ("-c", "from moomarkets import supervisor; supervisor.STOP_MARGIN_S = 50.0; supervisor.main()")
"""A slow machine must not turn an orderly end into one that is cut off."""


def test_a_signal_while_the_database_is_dead_ends_in_order_without_the_summary(
    doomed: Desk, victim: EmbeddedServer
) -> None:
    supervisor = doomed.start(MOOMARKETS_DRAIN_DEADLINE_S="1")
    supervisor.wait_for_line("reference: ")
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.wait()

    supervisor.signal(signal.SIGTERM)

    assert supervisor.wait() == 0
    assert "the closing summary cannot be read (StoreUnavailable: " in "".join(supervisor.output)
    assert "Traceback" not in supervisor.errors


def test_a_stop_that_hangs_is_heard_all_the_same_and_cut_off_with_70(office: Desk, postgres: TestPostgres) -> None:
    office.gate.enqueue(1)
    supervisor = office.run(env={"MOOMARKETS_DRAIN_DEADLINE_S": "1"}, program=IMPATIENT)
    supervisor.wait_for_line("reference: ")
    job = office.gate.next_job()

    with frozen(postgres.server):
        job.fail()
        supervisor.wait_for_error("job.failed")  # whereupon it looks how things stand, and gets no answer
        supervisor.signal(signal.SIGTERM)
        code = supervisor.wait()

    assert code == 70
    assert "stopping: " in "".join(supervisor.output)
    assert supervisor.errors.splitlines()[-1].startswith("the stop took too long and is cut off")


def test_a_stop_while_the_database_is_frozen_ends_in_order(office: Desk, postgres: TestPostgres) -> None:
    office.gate.enqueue(1)
    supervisor = office.run(env={"MOOMARKETS_DRAIN_DEADLINE_S": "1"}, program=PATIENT)
    supervisor.wait_for_line("reference: ")
    job = office.gate.next_job()

    with frozen(postgres.server):
        job.fail()
        supervisor.wait_for_error("job.failed")
        supervisor.signal(signal.SIGTERM)
        code = supervisor.wait()

    assert code == 0
    assert "the closing summary cannot be read (StoreUnavailable: " in "".join(supervisor.output)
    assert "Traceback" not in supervisor.errors


def test_two_signals_end_it_at_once_though_the_database_froze_when_it_had_just_begun(
    office: Desk, postgres: TestPostgres
) -> None:
    supervisor = office.start()

    with frozen(postgres.server):
        supervisor.signal(signal.SIGINT)
        supervisor.wait_for_error("drain.begun")
        supervisor.signal(signal.SIGINT)
        code = supervisor.wait()

    assert code == 130


def test_a_database_that_comes_back_is_worked_with_again(office: Desk, postgres: TestPostgres) -> None:
    office.gate.enqueue(3)
    supervisor = office.start()
    supervisor.wait_for_line("reference: ")
    failing, _ = office.gate.next_jobs(2)
    with frozen(postgres.server):
        failing.fail()
        supervisor.wait_for_error("job.failed")

    office.gate.next_job().finish()
    supervisor.wait_for_error("job.completed")
    supervisor.signal(signal.SIGTERM)
    supervisor.wait_for_line("stopping: ")

    assert office.rows("SELECT count(*) FROM jobs WHERE status = 'completed'") == [(1,)]
