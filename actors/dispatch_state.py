"""What the JobManager knows: the state of `actors.dispatch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.dispatch_messages import Effect
from actors.endurance import Endurance
from actors.otp.messages import ReplyTo
from actors.pace import Pace
from moomarkets.domain.job import Attempt
from moomarkets.domain.retry import CRASH_LIMIT


@dataclass(frozen=True, slots=True)
class State:
    """What the manager knows; the database is the truth, this is rebuilt from it.

    `slots` maps the name of each living executor to the attempts that it was given and that have not ended: one runs,
    the others follow it; none while it is idle. `waiting` are attempts that are claimed and have no executor yet,
    `received` counts all that were ever claimed. `unacknowledged` counts writes that the store has not confirmed.
    `claims_over` says that the claimer has promised to claim nothing more. `pace` is how long attempts have lasted
    lately.

    A job that has lost its process `crash_limit` times (if it has no limit of its own) gets no other chance, and the
    last one it gets alone.

    `abandoned` counts attempts that hang in threads of their own; with more than `endurance` allows the engine
    `is_exhausted`, for the `exhaustions`-th time. The node `is_resigning` while it drains for its own end.
    """

    slots: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    waiting: tuple[Attempt, ...] = ()
    received: int = 0
    unacknowledged: int = 0
    is_draining: bool = False
    claims_over: bool = False
    is_looking: bool = False
    looks_again: bool = False
    drained: tuple[ReplyTo, ...] = ()
    completed: int = 0
    failed: int = 0
    pace: Pace = field(default_factory=Pace)
    crash_limit: int = CRASH_LIMIT
    endurance: Endurance = field(default_factory=Endurance)
    abandoned: int = 0
    is_exhausted: bool = False
    exhaustions: int = 0
    is_resigning: bool = False

    @property
    def running(self) -> dict[str, tuple[Attempt, ...]]:
        """The attempts that executors have, by executor; idle ones are left out."""
        return {slot: attempts for slot, attempts in self.slots.items() if attempts}

    def runs_alone(self, attempt: Attempt) -> bool:
        """Whether it is the job's last chance: nothing else is to be near when it takes the process along again."""
        limit = self.crash_limit if attempt.crash_limit is None else attempt.crash_limit
        return 0 < attempt.crash_count >= limit - 1


Decision = tuple[State, list[Effect]]


def with_slot(state: State, slot: str, attempts: tuple[Attempt, ...]) -> Mapping[str, tuple[Attempt, ...]]:
    """The slots once that one has these attempts."""
    return {**state.slots, slot: attempts}


def number_of(attempt: Attempt) -> int:
    """What tells attempts apart: the id of the execution."""
    return attempt.lease.execution_id


def summary(state: State) -> dict[str, object]:
    """What runs here now, for people."""
    return {
        "executors": len(state.slots),
        "running": [
            {
                "job_id": attempt.lease.job_id,
                "name": attempt.name,
                "executor": slot,
                "attempt": attempt.number,
            }
            for slot, attempts in state.running.items()
            for attempt in attempts
        ],
        "waiting": len(state.waiting),
        "unacknowledged": state.unacknowledged,
        "is_draining": state.is_draining,
        "abandoned": state.abandoned,
        "abandoned_limit": state.endurance.abandoned_limit,
        "is_degraded": state.is_exhausted,
        "completed": state.completed,
        "failed": state.failed,
    }
