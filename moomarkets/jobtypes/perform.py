"""Runs one attempt from its claim to its commit: do the work, then store data and end together, behind the fence."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy.exc import DBAPIError

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Fenced, Reason, StoreUnavailable
from moomarkets.domain.job import Attempt, Ending, Failed, LostLease, Succeeded
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
    try:
        outcome = job_type.perform(attempt, tools, token)
        token.check()
        return _commit(attempt, completion_id, outcome, tools, token)
    except AttemptError as error:
        return Failed(error.reason, str(error))
    except Fenced:
        return LostLease()
    except StoreUnavailable as error:
        return Failed(Reason.NETWORK, str(error))
    except DBAPIError as error:
        # The parameters are not in this text (hide_parameters), the server's DETAIL with the row's values would be.
        return Failed(Reason.MALFORMED, f"the database refused the rows: {type(error.orig).__name__}")


def _commit(attempt: Attempt, completion_id: UUID, outcome: Outcome, tools: Tools, token: CancelToken) -> Ending:
    """Commit, and after a lost answer or connection again: the completion id makes that harmless."""
    wait_s = FIRST_WAIT_S
    while True:
        try:
            return Succeeded(outcome.usage, _store(attempt, completion_id, outcome, tools))
        except StoreUnavailable as error:
            tools.events.emit("store.unavailable", job=attempt.key, error=str(error))
        token.sleep(wait_s)
        wait_s = min(wait_s * 2, LONGEST_WAIT_S)


def _store(attempt: Attempt, completion_id: UUID, outcome: Outcome, tools: Tools) -> bool:
    """Make the attempt's end durable, alone with its rows or together with others that have none."""
    write, now = outcome.write, tools.clock.sql_now()
    if write is None:
        return tools.completions.complete(attempt, completion_id, outcome.usage, now)
    return tools.database.perform(
        lambda connection: executions.complete(connection, attempt, completion_id, outcome.usage, write, now)
    )
