"""What the JobManager hears and what it has done: the events and effects of `actors.dispatch`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from actors.otp.messages import ReplyTo
from moomarkets.domain.dependencies import WaitingRun
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Attempt, Ending, Failed, Usage
from moomarkets.domain.retry import GiveUp, Retry

# Events.


@dataclass(frozen=True, slots=True)
class SlotReady:
    """An executor has started and is idle."""

    slot: str


@dataclass(frozen=True, slots=True)
class SlotGone:
    """An executor died; its attempt, if it had one, is settled by this."""

    slot: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """These attempts are ours now."""

    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class ClaimerReady:
    """A claimer has started: it has to be told how many attempts are wanted."""


@dataclass(frozen=True, slots=True)
class ClaimsOver:
    """The claimer claims nothing more; whatever it had claimed has arrived before this."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How one attempt ended, and how many seconds its code has run; None where it never began."""

    attempt: Attempt
    ending: Ending
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Of the attempts that an executor was given some have ended, and some, not begun, are `returned`."""

    slot: str
    ended: tuple[Ended, ...]
    returned: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class DoneWork:
    """An attempt that has done its work and brought no rows; `seconds` is how long it took."""

    attempt: Attempt
    usage: Usage
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """The store has answered for attempts that brought no rows; for each, whether its run ended, None if fenced."""

    done: tuple[DoneWork, ...]
    runs_ended: tuple[bool | None, ...]


@dataclass(frozen=True, slots=True)
class Lapsed:
    """These attempts have lost their leases, or their run was cancelled on another node."""

    execution_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A write of ours is durable. It may have changed what runs wait for, or brought jobs that are due."""

    looks: bool = False
    wakes: bool = False


@dataclass(frozen=True, slots=True)
class RunsChanged:
    """A run was asked for or has ended, here or elsewhere: look which may start."""


@dataclass(frozen=True, slots=True)
class RunsSeen:
    """What a look found; None where the look itself failed."""

    waiting: tuple[WaitingRun, ...] | None


@dataclass(frozen=True, slots=True)
class CancelJobs:
    """Stop the attempts of these jobs that run here."""

    job_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Review:
    """Something was paused or switched off: what waits here may have to go back."""


@dataclass(frozen=True, slots=True)
class Resting:
    """The jobs of these attempts, which were waiting here, are not to be started now."""

    execution_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class TurnOver:
    """An attempt that has to run alone has waited for its turn long enough, if it still waits."""

    execution_id: int


@dataclass(frozen=True, slots=True)
class Drain:
    """Start nothing more; answer `reply_to` when nothing runs any more. Sticky."""

    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Stop whatever still runs here; the jobs are given back, uncharged."""


@dataclass(frozen=True, slots=True)
class Abandoned:
    """So many attempts hang in abandoned threads now."""

    count: int


@dataclass(frozen=True, slots=True)
class PatienceOver:
    """The engine has been exhausted long enough, if it still is and this was the `times`-th time."""

    times: int


@dataclass(frozen=True, slots=True)
class DrainOver:
    """What has not ended by now is left to the fence and to the rescue."""


Event = (
    SlotReady
    | SlotGone
    | Claimed
    | ClaimerReady
    | ClaimsOver
    | Finished
    | Recorded
    | Lapsed
    | Acknowledged
    | RunsChanged
    | RunsSeen
    | CancelJobs
    | Review
    | Resting
    | TurnOver
    | Drain
    | Interrupt
    | Abandoned
    | PatienceOver
    | DrainOver
)


# Effects.


@dataclass(frozen=True, slots=True)
class Want:
    """Tell the claimer for how many attempts there is room, after the first `received` that it has claimed."""

    count: int
    received: int = 0


@dataclass(frozen=True, slots=True)
class StopClaiming:
    """Tell the claimer to claim nothing more, and to say so."""


@dataclass(frozen=True, slots=True)
class Assign:
    """Give the attempts to that executor, to be run one after the other."""

    slot: str
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Tell that executor to cancel its attempt."""

    slot: str
    execution_id: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class RecordDone:
    """Store that these attempts have done their work; answered with `Recorded`."""

    done: tuple[DoneWork, ...]


@dataclass(frozen=True, slots=True)
class RecordFailure:
    """Store that the attempt failed, and what becomes of its job."""

    attempt: Attempt
    failure: Failed
    verdict: Retry | GiveUp
    seconds: float | None = None
    """How long its code has run; None where it never began."""


@dataclass(frozen=True, slots=True)
class ReviewWaiting:
    """Have the claimer find out which of these are not to be started now; answered with `Resting`."""

    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True)
class LookAtRuns:
    """Read which runs are pending and what they wait for."""


@dataclass(frozen=True, slots=True)
class StartRun:
    """Store that the run starts."""

    run_id: int


@dataclass(frozen=True, slots=True)
class BlockRun:
    """Store what the run waits for."""

    run_id: int
    blocked_by: str


@dataclass(frozen=True, slots=True)
class SkipRun:
    """Store that the run ends without a start, and why."""

    run_id: int
    reason: str


@dataclass(frozen=True, slots=True)
class WakeClaimer:
    """Tell the claimer that jobs have become due."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply to a caller that has been waiting."""

    reply_to: ReplyTo
    value: object


@dataclass(frozen=True, slots=True)
class Report:
    """Emit an event."""

    name: str
    fields: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """Bring this event after so many seconds."""

    seconds: float
    event: Event


@dataclass(frozen=True, slots=True)
class Resign:
    """End the whole tree: the process is to be started again."""


Effect = (
    Want
    | StopClaiming
    | Assign
    | Stop
    | RecordDone
    | RecordFailure
    | ReviewWaiting
    | LookAtRuns
    | StartRun
    | BlockRun
    | SkipRun
    | WakeClaimer
    | Answer
    | Report
    | Later
    | Resign
)
