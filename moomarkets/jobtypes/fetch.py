"""Fetches one partition of a dataset: ask the source, then store rows and coverage together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Covered, Expected
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, CredentialsMissing, InvalidInput, Reason, SourceError
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.domain.source import Endpoint
from moomarkets.jobtypes.answer import Answer, keep
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.jobtypes.refusals import Task, ask, is_known_to_be_out_of_window, learn_from
from moomarkets.store.coverage import Owner
from moomarkets.store.quarantine import Captive

VERIFY = "verify"
"""The parameter of a job that asks again for what is here."""

UNREADABLE = frozenset({Reason.MALFORMED, Reason.SCHEMA})
"""The reasons with which an answer came that is worth a look."""

AGAIN_IN_S = (1800.0, 3600.0)
"""How long the attempts wait, one after the other, that follow an empty answer where rows are due."""

JUST_PUBLISHED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Fetch:
    """One partition and the request that brings it; travels as the parameters of a job."""

    partition: Expected
    request: Mapping[str, str]
    is_verification: bool = False
    """Whether it is here already, and is asked for to see if it still is the same."""

    def job(self, key: str, job_type: str, name: str, symbol: str | None = None) -> PlannedJob:
        """The job that does it."""
        parameters: dict[str, object] = {
            "key": self.partition.key,
            "from": self.partition.from_on.isoformat(),
            "to": self.partition.to_on.isoformat(),
            "request": dict(self.request),
        }
        if self.is_verification:
            parameters[VERIFY] = True
        return PlannedJob(key, job_type, name, parameters, symbol)


def perform_fetch(source: str, endpoint: str, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
    """Fetch what the attempt's parameters name, completely; its write stores rows and coverage or neither.

    An answer that cannot be read, or must not be stored, is kept in quarantine as it came. What the provider says that
    may not be read is recorded as out of the window, and not asked for again.
    """
    fetched_at = tools.clock.now()
    covered, request = _parameters(attempt, fetched_at)
    owner = Owner(attempt.user_id, tools.source_ids[source])
    try:
        client = tools.open_source(attempt.user_id, source)
    except CredentialsMissing as error:
        raise AttemptError(Reason.AUTH, str(error)) from None
    asked = client.spec.endpoint(endpoint)
    task = Task(client, asked, owner, covered, request, attempt.lease.execution_id)
    if is_known_to_be_out_of_window(task, tools):
        return task.out_of_window()
    try:
        batch = ask(task, tools, token)
    except SourceError as error:
        if error.reason in UNREADABLE and error.body:
            keep(_unreadable(asked, covered, attempt, error), owner, tools)
        window = learn_from(task, error, tools)
        if window is None:
            raise
        part = task.cut_to(window)
        if part is None:
            return task.out_of_window()
        task, batch = part, ask(part, tools, token)
    return _outcome(task, batch, attempt, tools)


def _outcome(task: Task, batch: Batch, attempt: Attempt, tools: Tools) -> Outcome:
    is_verification = attempt.parameters.get(VERIFY) is True
    covered, name = task.covered, task.endpoint.name
    answer = Answer(batch, name, task.owner, covered, task.execution_id, tools, is_verification=is_verification)
    if not batch.rows and not batch.continues and answer.rules.always_has_rows and covered.key == ALL:
        raise _too_early(task.endpoint, covered, attempt.number)
    return Outcome(_usage(batch), answer.write, answer.refused, answer.committed)


def _unreadable(asked: Endpoint, covered: Covered, attempt: Attempt, error: SourceError) -> Captive:
    return Captive(
        endpoint=asked.name,
        dataset=asked.dataset.name,
        covered=covered,
        reason=str(error.reason),
        detail=error.detail,
        bodies=(error.body,),
        # Of an answer in pages only the one that could not be read came with the error.
        pages=1,
        execution_id=attempt.lease.execution_id,
    )


def _too_early(asked: Endpoint, covered: Covered, number: int) -> AttemptError:
    """Nothing came of a day that has data; of one that was just published they may come later."""
    detail = f"expected rows of {covered.to_on}, a trading day, got none"
    error = AttemptError(Reason.PARTIAL, detail)
    if asked.upkeep is not None and covered.fetched_at - asked.upkeep.publication.of(covered.to_on) < JUST_PUBLISHED:
        error.again_in_s = AGAIN_IN_S[min(number, len(AGAIN_IN_S)) - 1]
    return error


def _usage(batch: Batch) -> Usage:
    return Usage(requests=batch.requests, bytes=batch.bytes, rows=len(batch.rows), pages=batch.pages)


def _parameters(attempt: Attempt, fetched_at: datetime) -> tuple[Covered, dict[str, str]]:
    """The partition and the request that a job's parameters name."""
    given = attempt.parameters
    request = given.get("request")
    try:
        if not isinstance(request, dict):
            raise InvalidInput("request", "a map", request)
        covered = Covered(str(given["key"]), _date(given, "from"), _date(given, "to"), fetched_at)
    except (KeyError, ValueError) as error:
        raise AttemptError(Reason.INVALID, f"parameters of job {attempt.key}: {error}") from None
    return covered, {str(name): str(value) for name, value in request.items()}


def _date(given: Mapping[str, object], name: str) -> date:
    return date.fromisoformat(str(given[name]))
