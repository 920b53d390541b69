"""The one table of legal moves: which state of a group, run, job or attempt may follow which, and by what verb."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from moomarkets.domain.group import GroupStatus, RunStatus
from moomarkets.domain.job import ExecutionStatus, JobStatus


@dataclass(frozen=True, slots=True)
class Move:
    """A legal change of state; `verb` is what brings it about."""

    before: StrEnum
    after: StrEnum
    verb: str


@dataclass(frozen=True, slots=True)
class Life:
    """All states of one kind of thing, kept in the column `status` of `table`, with the moves between them.

    Example:
        >>> RUN.allows(RunStatus.PENDING, RunStatus.RUNNING), RUN.allows(RunStatus.SKIPPED, RunStatus.RUNNING)
        (True, False)
    """

    name: str
    table: str
    states: tuple[StrEnum, ...]
    first: tuple[StrEnum, ...]
    moves: tuple[Move, ...]

    def allows(self, before: StrEnum, after: StrEnum) -> bool:
        """Whether the state may change so; staying as it is is no change, and always allowed."""
        return before is after or any((move.before, move.after) == (before, after) for move in self.moves)

    @property
    def final(self) -> tuple[StrEnum, ...]:
        """The states from which no move leads on."""
        left = {move.before for move in self.moves}
        return tuple(state for state in self.states if state not in left)


def _moves(verb: str, before: Iterable[StrEnum], after: Iterable[StrEnum]) -> tuple[Move, ...]:
    return tuple(Move(old, new, verb) for old in before for new in after)


_RESTING = (GroupStatus.IDLE, GroupStatus.COMPLETED, GroupStatus.FAILED)
_GOING = (GroupStatus.IDLE, GroupStatus.PENDING, GroupStatus.RUNNING, GroupStatus.COMPLETED, GroupStatus.FAILED)

GROUP = Life(
    "group",
    "job_groups",
    tuple(GroupStatus),
    (GroupStatus.IDLE,),
    (
        *_moves("a run is asked for", _RESTING, [GroupStatus.PENDING]),
        *_moves("its run starts", [GroupStatus.PENDING], [GroupStatus.RUNNING]),
        *_moves("its run completes", [GroupStatus.RUNNING], [GroupStatus.COMPLETED]),
        *_moves("its run fails or is cancelled", [GroupStatus.RUNNING], [GroupStatus.FAILED]),
        *_moves("its run ends and another one waits", [GroupStatus.RUNNING], [GroupStatus.PENDING]),
        *_moves("its waiting run is cancelled", [GroupStatus.PENDING], [GroupStatus.FAILED]),
        *_moves("its waiting run is skipped", [GroupStatus.PENDING], [GroupStatus.IDLE]),
        *_moves("jobs of its newest run are retried", _RESTING, [GroupStatus.RUNNING]),
        *_moves("it is paused", _GOING, [GroupStatus.PAUSED]),
        *_moves("it is resumed", [GroupStatus.PAUSED], _GOING),
    ),
)  # fmt: skip

_RUN_OVER = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)

RUN = Life(
    "run",
    "runs",
    tuple(RunStatus),
    (RunStatus.PENDING,),
    (
        *_moves("it starts", [RunStatus.PENDING], [RunStatus.RUNNING]),
        *_moves("it is cancelled before it started", [RunStatus.PENDING], [RunStatus.CANCELLED]),
        *_moves("a run that it waits for did not complete", [RunStatus.PENDING], [RunStatus.SKIPPED]),
        *_moves("all its jobs have completed", [RunStatus.RUNNING], [RunStatus.COMPLETED]),
        *_moves("all its jobs have ended, some failed", [RunStatus.RUNNING], [RunStatus.FAILED]),
        *_moves("all its jobs have ended after it was cancelled", [RunStatus.RUNNING], [RunStatus.CANCELLED]),
        *_moves("jobs of it are retried", _RUN_OVER, [RunStatus.RUNNING]),
    ),
)  # fmt: skip

_OPEN = (JobStatus.PENDING, JobStatus.PAUSED, JobStatus.RUNNING)
_ENDED = (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)

JOB = Life(
    "job",
    "jobs",
    tuple(JobStatus),
    (JobStatus.IDLE, JobStatus.PENDING),
    (
        *_moves("a run, or a person, asks for it", [JobStatus.IDLE], [JobStatus.PENDING]),
        *_moves("a node claims it", [JobStatus.PENDING], [JobStatus.RUNNING]),
        *_moves("its attempt completes", [JobStatus.RUNNING], [JobStatus.COMPLETED]),
        *_moves("its attempt fails for good", [JobStatus.RUNNING], [JobStatus.FAILED]),
        *_moves("it, or its run, is cancelled", _OPEN, [JobStatus.CANCELLED]),
        *_moves("its attempt is given back, fails for now, or is lost", [JobStatus.RUNNING], [JobStatus.PENDING]),
        *_moves("its deadline passes, or it has killed too many processes", [JobStatus.PENDING], [JobStatus.FAILED]),
        *_moves("it is paused", [JobStatus.PENDING], [JobStatus.PAUSED]),
        *_moves("it is resumed", [JobStatus.PAUSED], [JobStatus.PENDING]),
        *_moves("the next run asks for it, or it is retried", _ENDED, [JobStatus.PENDING]),
    ),
)  # fmt: skip

EXECUTION = Life(
    "execution",
    "executions",
    tuple(ExecutionStatus),
    (ExecutionStatus.RUNNING,),
    (
        *_moves("its work is done and stored", [ExecutionStatus.RUNNING], [ExecutionStatus.COMPLETED]),
        *_moves("its work fails", [ExecutionStatus.RUNNING], [ExecutionStatus.FAILED]),
        *_moves("its node stops, dies or loses the lease", [ExecutionStatus.RUNNING], [ExecutionStatus.INTERRUPTED]),
        *_moves("its job, or its run, is cancelled", [ExecutionStatus.RUNNING], [ExecutionStatus.CANCELLED]),
    ),
)  # fmt: skip

LIVES = (GROUP, RUN, JOB, EXECUTION)
