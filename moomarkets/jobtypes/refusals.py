"""What a refusal teaches while a partition is fetched: a window, an endpoint that is not included, a refused key."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from moomarkets.domain import failpoints
from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Covered, Expected
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, Reason, SourceError
from moomarkets.domain.job import Usage
from moomarkets.domain.learnt import Readable
from moomarkets.domain.source import DataSource, Endpoint, Subscription
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.store import coverage, reading_marks
from moomarkets.store.coverage import Owner


@dataclass(frozen=True, slots=True)
class Task:
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

    def out_of_window(self) -> Outcome:
        return Outcome(Usage(), self._record_out_of_window)

    def cut_to(self, window: Readable) -> Task | None:
        """The part within the window, where the request says which days it means; None where nothing is cut."""
        if not window.meets(self.covered.from_on, self.covered.to_on):
            return None
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


def is_known_to_be_out_of_window(task: Task, tools: Tools, *more: str) -> bool:
    """Whether the provider has said lately that nothing of it may be read.

    Raises `AttemptError` where it has said so of the whole endpoint, or of what else is needed.
    """
    source, name = task.client.spec.code, task.endpoint.name
    learnt = tools.access.known(task.owner, source)
    for needed in (name, *more):
        if needed in learnt.refused:
            detail = f"{source}: {needed} does not belong to the subscription, as the provider has said"
            raise AttemptError(Reason.PLAN_RESTRICTED, detail)
    window = learnt.window_at(task.covered.fetched_at, name)
    return window is not None and not window.meets(task.covered.from_on, task.covered.to_on)


def ask(task: Task, tools: Tools, token: CancelToken) -> Batch:
    """What the provider has of it; of what goes on today only what is newer than the last answer."""
    request = dict(task.request)
    if is_live(task.endpoint, tools.subscriptions.get(task.client.spec.code), task.covered, tools.clock.now()):
        cursor = tools.database.perform(
            lambda connection: reading_marks.read(connection, task.owner, task.dataset, task.covered.from_on)
        )
        request |= {"cursor": cursor} if cursor else {}
    batch = task.client.fetch_data(task.endpoint, request, token)
    failpoints.hit("response_parsed")
    return batch


def learn_from(task: Task, error: SourceError, tools: Tools) -> Readable | None:
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


def is_live(endpoint: Endpoint, subscription: Subscription | None, covered: Covered | Expected, now: datetime) -> bool:
    """Whether more rows of that partition can come while the day goes on, and be asked for alone."""
    today = now.astimezone(TOKYO).date()
    names = subscription.names if subscription else frozenset()
    return bool(endpoint.live_plan) and endpoint.live_plan in names and covered.from_on == covered.to_on == today
