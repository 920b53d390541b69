"""Runs one attempt from its claim to its commit: do the work, then store data and end together, behind the fence."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from moomarkets.domain import failpoints
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import (
    AttemptError,
    BadAnswer,
    CannotDecrypt,
    Fenced,
    Reason,
    StoreTooSlow,
    StoreUnavailable,
)
from moomarkets.domain.job import Attempt, Done, Ending, Failed, LostLease, Succeeded
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.store import executions

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 5.0


def perform(attempt: Attempt, completion_id: UUID, tools: Tools, token: CancelToken) -> Ending:
    """Do one attempt and commit what it brought. Runs in a thread of an engine; raises nothing of its own.

    While the database is away a finished result waits, until the attempt's deadline cancels it.
    """
    job_type = tools.job_types.get(attempt.job_type)
    if job_type is None:
        return Failed(Reason.INVALID, f"job type {attempt.job_type} is not installed here")
    began_at = tools.clock.monotonic()
    token.priority, token.began_at = attempt.priority, began_at
    try:
        outcome = job_type.perform(attempt, tools, token)
        token.check()
        if outcome.write is None:
            return Done(outcome.usage)
        ending = _store(attempt, completion_id, outcome, outcome.write, tools, token, began_at)
        if outcome.committed is not None:
            outcome.committed()
        return ending
    except AttemptError as error:
        return Failed(error.reason, str(error), again_in_s=error.again_in_s)
    except Fenced:
        return LostLease()
    except CannotDecrypt as error:
        # The job is good as it is: it goes on when the key is back, and until then nobody takes it up.
        return Failed(Reason.INTERRUPTED, str(error))
    except StoreTooSlow as error:
        return Failed(Reason.NETWORK, str(error))
    except StoreUnavailable as error:
        # Not the job's doing: it costs no attempt. A statement that takes too long may be.
        return Failed(Reason.INTERRUPTED, str(error))
    except DBAPIError as error:
        return Failed(Reason.MALFORMED, _refusal(error))


def _store(
    attempt: Attempt,
    completion_id: UUID,
    outcome: Outcome,
    write: Callable[[Connection], object],
    tools: Tools,
    token: CancelToken,
    began_at: float,
) -> Ending:
    """Commit; what must not, or cannot, be stored is handed to whoever keeps such things."""
    try:
        return _commit(attempt, completion_id, outcome, write, tools, token, began_at)
    except BadAnswer as error:
        if outcome.refused is not None:
            outcome.refused(error)
        raise
    except DBAPIError as error:
        if outcome.refused is not None:
            outcome.refused(AttemptError(Reason.MALFORMED, _refusal(error)))
        raise


def _refusal(error: DBAPIError) -> str:
    # The parameters are not in this text (hide_parameters), the server's DETAIL with the row's values would be.
    return f"the database refused the rows: {type(error.orig).__name__}"


def _commit(
    attempt: Attempt,
    completion_id: UUID,
    outcome: Outcome,
    write: Callable[[Connection], object],
    tools: Tools,
    token: CancelToken,
    began_at: float,
) -> Ending:
    """Commit, and after a lost answer or connection again: the completion id makes that harmless."""
    wait_s = FIRST_WAIT_S
    while True:
        try:
            run_ended = tools.database.perform(
                lambda connection: executions.complete(
                    connection,
                    attempt,
                    completion_id,
                    outcome.usage,
                    write,
                    tools.clock.sql_now(),
                    lasted_s=tools.clock.monotonic() - began_at,
                )
            )
            tools.outage.worked()
            failpoints.hit("finish_after_commit")
            return Succeeded(outcome.usage, run_ended)
        except StoreUnavailable as error:
            tools.outage.failed(error, job=attempt.key)
        token.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)
