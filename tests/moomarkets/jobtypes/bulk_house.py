"""A node that does bulk jobs, for tests."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, JQUANTS
from datasources.jquants.v2 import JQuantsV2
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Covered, Expected
from moomarkets.domain.job import Attempt, Ending, PlannedJob
from moomarkets.domain.source import DataSource
from moomarkets.jobtypes.bulk_fetch import BulkFetch, perform_bulk
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.fetch import Fetch
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.jobtypes.perform import perform
from moomarkets.store import coverage, runs, sources
from moomarkets.store.coverage import Owner
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.moomarkets.jobtypes.views import tokyo
from tests.moomarkets.store.scene import LOCAL, START, Scene

NOW = tokyo("2026-11-20", 18)
MONTH = "2026-10"
DAYS = tuple(date(2026, 10, day) for day in (1, 2, 5, 6))


class House:
    """A node that does bulk jobs against a simulated provider; `part_bytes` cuts what they store."""

    def __init__(self, scene: Scene, client: JQuantsV2) -> None:
        self.scene, self.client, self.clock = scene, client, ManualClock(NOW)
        self.owner = Owner(LOCAL, scene.do(sources.ensure, JQUANTS))
        self.part_bytes: int | None = None
        self.events = RecordedEvents()
        self.endpoint = DAILY_BARS_ENDPOINT
        self.tools = Tools(
            database=scene.database,
            open_source=self._open,
            source_ids={"jquants": self.owner.source_id},
            subscriptions={},
            job_types={"bulk": self},
            clock=self.clock,
            events=self.events,
        )

    name, description, default_schedule, source, dataset = "bulk", "", None, "jquants", ""

    def plan(self, view: object, scope: object) -> list[PlannedJob]:
        return []

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        if self.part_bytes is not None:
            return perform_bulk("jquants", self.endpoint.name, attempt, tools, token, self.part_bytes)
        return DatasetUpkeep("jquants", self.endpoint).perform(attempt, tools, token)

    def _open(self, user_id: int, source: str) -> DataSource:
        return self.client

    def attempt(self, job: PlannedJob) -> Attempt:
        run_id = self.scene.request(self.scene.group())
        admitted = self.scene.admit(run_id)
        self.scene.complete(admitted, write=lambda connection: runs.plan(connection, run_id, [job], START) and None)
        (attempt,) = self.scene.claim(job_types=["bulk"], lease_s=600)
        return attempt

    def bulk(self, *days: date, period: str = MONTH) -> Ending:
        return self.do(BulkFetch(self.endpoint.dataset.name, period, days or DAYS).job(period, "bulk", period))

    def by_day(self, day: date) -> Ending:
        partition = Expected(ALL, day, day, NOW)
        return self.do(Fetch(partition, {"date": day.isoformat()}).job(day.isoformat(), "bulk", "by day"))

    def do(self, job: PlannedJob, token: CancelToken | None = None) -> Ending:
        return self.perform_attempt(self.attempt(job), token)

    def perform_attempt(self, attempt: Attempt, token: CancelToken | None = None) -> Ending:
        return perform(attempt, uuid4(), self.tools, token or CancelToken())

    def covered(self) -> dict[date, Covered]:
        return {part.from_on: part for part in self.scene.do(coverage.read, self.owner, self.endpoint.dataset.name)}

    def value(self, sql: str) -> Any:
        return self.scene.one(sql)[0]
