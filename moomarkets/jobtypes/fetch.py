"""Fetches one partition of a dataset: ask the source, then store rows and coverage together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from moomarkets.domain import failpoints
from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Covered, Expected
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, CredentialsMissing, InvalidInput, Reason, SourceError
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.domain.learnt import Readable
from moomarkets.domain.source import DataSource, Endpoint, Subscription
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.store import coverage, datasets, reading_marks
from moomarkets.store.coverage import Owner
from moomarkets.store.datasets import Stored


@dataclass(frozen=True, slots=True)
class Fetch:
    """One partition and the request that brings it; travels as the parameters of a job."""

    partition: Expected
    request: Mapping[str, str]

    def job(self, key: str, job_type: str, name: str, symbol: str | None = None) -> PlannedJob:
        """The job that does it."""
        parameters: dict[str, object] = {
            "key": self.partition.key,
            "from": self.partition.from_on.isoformat(),
            "to": self.partition.to_on.isoformat(),
            "request": dict(self.request),
        }
        return PlannedJob(key, job_type, name, parameters, symbol)


def perform_fetch(source: str, endpoint: str, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
    """Fetch what the attempt's parameters name, completely; its write stores rows and coverage or neither.

    What the provider says that may not be read is recorded as out of the window, and not asked for again.
    """
    fetched_at = tools.clock.now()
    covered, request = _parameters(attempt, fetched_at)
    owner = Owner(attempt.user_id, tools.source_ids[source])
    try:
        client = tools.open_source(attempt.user_id, source)
    except CredentialsMissing as error:
        raise AttemptError(Reason.AUTH, str(error)) from None
    task = _Task(client, client.spec.endpoint(endpoint), owner, covered, request, attempt.lease.execution_id)
    learnt = tools.access.known(owner, source)
    if endpoint in learnt.refused:
        detail = f"{source}: {endpoint} does not belong to the subscription, as the provider has said"
        raise AttemptError(Reason.PLAN_RESTRICTED, detail)
    window = learnt.window_at(fetched_at, endpoint)
    if window is not None and not window.meets(covered.from_on, covered.to_on):
        return task.out_of_window()
    try:
        batch = _fetch(task, tools, token)
    except SourceError as error:
        window = _learnt(task, error, tools)
        if window is None:
            raise
        return _within(window, task, tools, token)
    return task.outcome(batch)


@dataclass(frozen=True, slots=True)
class _Task:
    """One partition to fetch: from where, for whom, and what to ask for."""

    client: DataSource
    endpoint: Endpoint
    owner: Owner
    covered: Covered
    request: Mapping[str, str]
    execution_id: int

    @property
    def dataset(self) -> str:
        return self.endpoint.dataset.name

    def outcome(self, batch: Batch) -> Outcome:
        return Outcome(_usage(batch), lambda connection: self._store(connection, batch))

    def out_of_window(self) -> Outcome:
        return Outcome(Usage(), self._record_out_of_window)

    def cut_to(self, window: Readable) -> _Task | None:
        """The part within the window, where the request says which days it means; None where nothing is cut."""
        upkeep = self.endpoint.upkeep
        first_on, last_on = window.cut(self.covered.from_on, self.covered.to_on)
        names = (upkeep.from_parameter, upkeep.to_parameter) if upkeep else ("from", "to")
        if not set(names) <= set(self.request) or (first_on, last_on) == (self.covered.from_on, self.covered.to_on):
            return None
        days = dict(zip(names, (first_on.isoformat(), last_on.isoformat()), strict=True))
        covered = replace(self.covered, from_on=first_on, to_on=last_on)
        return replace(self, covered=covered, request={**self.request, **days})

    def _record_out_of_window(self, connection: Connection) -> None:
        coverage.record_out_of_window(
            connection, self.owner, self.dataset, self.covered, execution_id=self.execution_id
        )

    def _store(self, connection: Connection, batch: Batch) -> Stored:
        owner, covered, execution_id = self.owner, self.covered, self.execution_id
        stored = datasets.upsert(connection, batch, owner, execution_id=execution_id, fetched_at=covered.fetched_at)
        rows = len(batch.rows) - stored.twins
        if batch.continues:
            rows += coverage.rows_of(connection, owner, self.dataset, covered) or 0
        coverage.record(
            connection, owner, self.dataset, covered, rows=rows, pages=batch.pages, execution_id=execution_id
        )
        if batch.cursor:
            reading_marks.write(connection, owner, self.dataset, covered.from_on, batch.cursor, covered.fetched_at)
        failpoints.hit("rows_written")
        return stored


def _fetch(task: _Task, tools: Tools, token: CancelToken) -> Batch:
    request = dict(task.request)
    if is_live(task.endpoint, tools.subscriptions.get(task.client.spec.code), task.covered, tools.clock.now()):
        cursor = tools.database.perform(
            lambda connection: reading_marks.read(connection, task.owner, task.dataset, task.covered.from_on)
        )
        request |= {"cursor": cursor} if cursor else {}
    batch = task.client.fetch_data(task.endpoint, request, token)
    failpoints.hit("response_parsed")
    return batch


def _learnt(task: _Task, error: SourceError, tools: Tools) -> Readable | None:
    """What a refusal teaches; the window that may be read, where it names one that leaves out some of the partition.

    Raises `AttemptError` (interrupted) where the credential was refused: the job is good as it is and goes on with
    another one.
    """
    spec = task.client.spec
    if error.reason is Reason.AUTH:
        # Without a status nobody was asked: somebody else has been refused just now. A client that is not the one of
        # now was opened with an older credential.
        if error.status is not None and tools.open_source(task.owner.user_id, spec.code) is task.client:
            tools.access.refuse_credential(task.owner, spec.code)
        raise AttemptError(Reason.INTERRUPTED, str(error)) from None
    window = tools.access.learn(task.owner, spec, task.endpoint, error)
    first_on, last_on = task.covered.from_on, task.covered.to_on
    if window is None or (window.meets(first_on, last_on) and window.cut(first_on, last_on) == (first_on, last_on)):
        return None
    return window


def _within(window: Readable, task: _Task, tools: Tools, token: CancelToken) -> Outcome:
    """Of a partition that lies partly outside of the window the other part; else that it lies outside."""
    part = task.cut_to(window) if window.meets(task.covered.from_on, task.covered.to_on) else None
    if part is None:
        return task.out_of_window()
    return part.outcome(_fetch(part, tools, token))


def is_live(endpoint: Endpoint, subscription: Subscription | None, covered: Covered | Expected, now: datetime) -> bool:
    """Whether more rows of that partition can come while the day goes on, and be asked for alone."""
    today = now.astimezone(TOKYO).date()
    names = subscription.names if subscription else frozenset()
    return bool(endpoint.live_plan) and endpoint.live_plan in names and covered.from_on == covered.to_on == today


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
