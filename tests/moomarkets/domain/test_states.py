from __future__ import annotations

import pytest

from moomarkets.domain.group import RunStatus
from moomarkets.domain.job import ExecutionStatus, JobStatus
from moomarkets.domain.states import EXECUTION, JOB, LIVES, RUN, Life


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_every_state_can_be_reached_from_a_first_one(life: Life) -> None:
    reached = set(life.first)
    for _ in life.states:
        reached |= {move.after for move in life.moves if move.before in reached}

    assert reached == set(life.states)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_a_move_stands_in_the_table_once_and_changes_something(life: Life) -> None:
    pairs = [(move.before, move.after) for move in life.moves]

    assert len(set(pairs)) == len(pairs)
    assert all(before is not after for before, after in pairs)


def test_an_attempt_that_has_ended_has_ended_for_good() -> None:
    assert set(EXECUTION.final) == set(ExecutionStatus) - {ExecutionStatus.RUNNING}


def test_a_skipped_run_is_over_for_good_and_others_can_be_retried() -> None:
    assert RUN.final == (RunStatus.SKIPPED,)
    assert RUN.allows(RunStatus.FAILED, RunStatus.RUNNING)


def test_nothing_leads_from_an_end_to_another_end() -> None:
    ended = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)

    assert not any(JOB.allows(before, after) for before in ended for after in ended if before is not after)
