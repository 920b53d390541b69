from __future__ import annotations

from moomarkets.domain.errors import ErrorClass, Reason
from moomarkets.domain.group import RunStatus
from moomarkets.domain.job import Failed


def test_a_failure_belongs_to_the_class_of_its_reason() -> None:
    assert Failed(Reason.UPSTREAM).error_class is ErrorClass.RETRYABLE
    assert Failed(Reason.RATE_LIMITED).error_class is ErrorClass.RATE_LIMIT
    assert Failed(Reason.AUTH).error_class is ErrorClass.NON_RETRYABLE


def test_a_run_is_over_when_it_is_neither_pending_nor_running() -> None:
    assert {status for status in RunStatus if not status.is_final} == {RunStatus.PENDING, RunStatus.RUNNING}
