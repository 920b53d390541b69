"""What a person does with single jobs, beside a supervisor or without one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.services.jobs import JobDesk
from moomarkets.store import deadlines, nodes
from tests.moomarkets.conftest import OpenInstallation

KIND = "trading_calendar"


@pytest.fixture
def desk(open_installation: OpenInstallation) -> JobDesk:
    """The jobs of an installation without a supervisor."""
    return open_installation(queue_max_retries=1, queue_retry_delay_s=7).jobs


def status(desk: JobDesk, job_id: int) -> object:
    return desk.show(job_id)["status"]


def test_a_queued_job_is_shown_with_its_terms_and_attempts(desk: JobDesk) -> None:
    job_id = desk.enqueue(KIND, {"symbol": "7203"}, unique_key="7203", priority=9, name="one")

    job = desk.show(job_id)

    assert (job["name"], job["priority"], job["unique_key"], job["status"]) == ("one", 9, "7203", "pending")
    assert (job["parameters"], job["progress"], job["attempts"]) == ({"symbol": "7203"}, 0, [])
    assert (job["max_retries"], job["retry_delay"]) == (1, 7)
    assert desk.enqueue(KIND, unique_key="7203") == job_id


def test_many_jobs_are_queued_in_their_order(desk: JobDesk) -> None:
    ids = desk.enqueue_many(KIND, [{"n": 1}, {"n": 2}], max_retries=5)

    assert [desk.show(job_id)["parameters"] for job_id in ids] == [{"n": 1}, {"n": 2}]
    assert desk.show(ids[0])["max_retries"] == 5


def test_a_job_type_that_nobody_knows_is_refused_unless_a_node_does(open_installation: OpenInstallation) -> None:
    installation = open_installation()

    with pytest.raises(InvalidInput, match=r"job_type: expected one of .*did you mean trading_calendar"):
        installation.jobs.enqueue("trading_calender")
    node = nodes.identify(installation.reads.perform(lambda connection: _new_id(connection)), "test")
    installation.reads.perform(lambda connection: nodes.register(connection, node))
    installation.reads.perform(lambda connection: nodes.learn(connection, node.id, ["trading_calender"]))

    assert installation.jobs.enqueue("trading_calender") > 0


def test_a_job_is_paused_resumed_cancelled_and_run_again(desk: JobDesk) -> None:
    job_id = desk.enqueue(KIND)
    seen = []

    for verb in (desk.pause, desk.resume, desk.cancel, desk.run, desk.cancel, desk.retry):
        verb(job_id)
        seen.append(status(desk, job_id))

    assert seen == ["paused", "pending", "cancelled", "pending", "cancelled", "pending"]


def test_a_job_is_switched_off_and_on(desk: JobDesk) -> None:
    job_id = desk.enqueue(KIND)

    desk.disable(job_id)
    off = desk.show(job_id)["is_enabled"]
    desk.toggle(job_id, True)

    assert (off, desk.show(job_id)["is_enabled"]) == (False, True)


def test_a_paused_job_is_not_run(desk: JobDesk) -> None:
    job_id = desk.enqueue(KIND)
    desk.pause(job_id)

    with pytest.raises(Conflict, match="resume it"):
        desk.run(job_id)


@pytest.mark.parametrize("verb", ["show", "pause", "resume", "enable", "disable", "cancel", "retry", "run"])
def test_a_job_that_does_not_exist_is_told(desk: JobDesk, verb: str) -> None:
    do: Callable[[Any], object] = getattr(desk, verb)

    with pytest.raises(NotFound, match="job 7 does not exist"):
        do(7)
    with pytest.raises(InvalidInput, match="job: expected its id, a whole number from 1, got '7'"):
        do("7")


def test_failed_jobs_are_narrowed_by_what_they_failed_with(desk: JobDesk) -> None:
    with pytest.raises(InvalidInput, match="reason: expected one of timeout, network"):
        desk.failed(reason="bad luck")
    with pytest.raises(InvalidInput, match="error_class: expected one of retryable"):
        desk.failed(error_class="bad")

    assert desk.failed(reason="network", error_class="retryable").list() == []
    assert desk.failed().retry() == 0


def test_a_job_that_was_never_started_in_time_is_found_by_that_reason(
    desk: JobDesk, open_installation: OpenInstallation
) -> None:
    at = datetime.now(UTC) + timedelta(days=1)
    job_id = desk.enqueue(KIND, deadline_at=at)
    open_installation().reads.perform(lambda connection: deadlines.fail_expired(connection, at))

    (found,) = desk.failed(reason="timed_out", error_class="retryable").list()

    assert found["id"] == job_id
    assert desk.failed(reason="network").list() == []
    assert (desk.failed(reason="network").retry(), desk.failed(reason="timed_out").retry()) == (0, 1)
    assert status(desk, job_id) == "pending"


def _new_id(connection: Any) -> Any:
    return connection.exec_driver_sql("SELECT gen_random_uuid()").scalar_one()
