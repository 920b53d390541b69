"""Fetches one partition of a dataset: ask the source, then store rows and coverage together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from moomarkets.domain import failpoints
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Covered, Expected
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, CredentialsMissing, InvalidInput, Reason
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.store import coverage, datasets
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
    """Fetch what the attempt's parameters name, completely; its write stores rows and coverage or neither."""
    fetched_at = tools.clock.now()
    covered, request = _parameters(attempt, fetched_at)
    try:
        client = tools.open_source(attempt.user_id, source)
    except CredentialsMissing as error:
        raise AttemptError(Reason.AUTH, str(error)) from None
    batch = client.fetch_data(client.spec.endpoint(endpoint), request, token)
    failpoints.hit("response_parsed")
    owner = Owner(attempt.user_id, tools.source_ids[source])
    return Outcome(_usage(batch), lambda connection: _store(connection, batch, owner, covered, attempt))


def _store(connection: Connection, batch: Batch, owner: Owner, covered: Covered, attempt: Attempt) -> Stored:
    execution_id = attempt.lease.execution_id
    stored = datasets.upsert(connection, batch, owner, execution_id=execution_id, fetched_at=covered.fetched_at)
    coverage.record(
        connection,
        owner,
        batch.dataset.name,
        covered,
        rows=len(batch.rows) - stored.twins,
        pages=batch.pages,
        execution_id=execution_id,
    )
    failpoints.hit("rows_written")
    return stored


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
