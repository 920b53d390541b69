from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import NoReturn
from uuid import UUID, uuid4

import pytest

from datasources.jquants.endpoints import JQUANTS
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import CredentialsMissing, Reason, SourceError, StoreTooSlow, StoreUnavailable
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import PLAN, Attempt, Ending, Failed, LostLease, Succeeded
from moomarkets.domain.source import DataSource, Endpoint
from moomarkets.jobtypes.job_type import Tools
from moomarkets.jobtypes.perform import perform
from moomarkets.jobtypes.registry import job_types
from moomarkets.store import coverage, groups, jobs, reports, rescue, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.moomarkets.jobtypes.views import tokyo
from tests.moomarkets.store.scene import LOCAL, Scene

NOW = tokyo("2026-11-20", 18)
Answer = Callable[[dict[str, str]], Batch]


def bars(request: dict[str, str]) -> Batch:
    """Two bars of the day that was asked for."""
    day = date.fromisoformat(request["date"])
    rows = [(code, day, 1.0, 2.0, 0.5, 1.5, "0", "0", 100.0, 150.0, 1.0, None) for code in ("13010", "72030")]
    return Batch(DAILY_BARS, list(rows), pages=2, requests=2, bytes=400)


class Provider:
    """A provider that answers as the test says."""

    spec = JQUANTS

    def __init__(self, answer: Answer = bars) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []

    def fetch_data(self, endpoint: Endpoint, parameters: dict[str, str], token: CancelToken) -> Batch:
        self.asked.append((endpoint.name, parameters))
        return self.answer(parameters)

    def validate_credentials(self) -> bool:
        return True

    def get_rate_limit(self) -> tuple[int, str]:
        return (5, "minute")

    def close(self) -> None:
        """There is nothing to close."""


class House:
    """A group of daily bars, and a node that works on it with all that job code may use."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.clock, self.provider = scene, ManualClock(NOW), Provider()
        source_id = scene.do(sources.ensure, JQUANTS)
        self.owner = Owner(LOCAL, source_id)
        self.events = RecordedEvents()
        self.tools = Tools(
            database=scene.database,
            open_source=self._open,
            source_ids={"jquants": source_id},
            subscriptions={},
            job_types=job_types(self.events),
            clock=self.clock,
            events=self.events,
        )

    def _open(self, user_id: int, source: str) -> DataSource:
        return self.provider

    def request(self, scope: dict[str, object], job_type: str = "daily_quotes") -> int:
        definition = GroupDefinition(f"group {uuid4()}", "jquants", (job_type,), scope=scope)
        return self.scene.request(self.scene.do(groups.create, LOCAL, definition), NOW)

    def plan(self, run_id: int) -> Ending:
        return self.do(self.scene.admit(run_id, NOW))

    def claim(self) -> list[Attempt]:
        return self.scene.do(
            jobs.claim, node_id=self.scene.node.id, claim_id=uuid4(), count=50, job_types=["daily_quotes"],
            lease_s=60, now=NOW,
        )  # fmt: skip

    def do(self, attempt: Attempt, token: CancelToken | None = None, completion_id: UUID | None = None) -> Ending:
        return perform(attempt, completion_id or uuid4(), self.tools, token or CancelToken())

    def rows(self) -> int:
        return self.scene.do(reports.dataset_rows, LOCAL)["daily_bars"]


@pytest.fixture
def house(scene: Scene) -> House:
    return House(scene)


def test_a_run_goes_from_its_plan_to_stored_rows_and_the_next_plan_finds_nothing(house: House) -> None:
    run_id = house.request({"newest": 3})
    planned = house.plan(run_id)

    endings = [house.do(attempt) for attempt in house.claim()]

    assert isinstance(planned, Succeeded)
    assert [isinstance(ending, Succeeded) and ending.run_ended for ending in endings] == [False, False, True]
    assert [request for _, request in house.provider.asked] == [
        {"date": "2026-11-20"}, {"date": "2026-11-19"}, {"date": "2026-11-18"},
    ]  # fmt: skip
    assert house.rows() == 6
    assert len(house.scene.do(coverage.read, house.owner, "daily_bars")) == 3
    assert house.plan(house.request({"newest": 3})) == Succeeded(run_ended=True)
    assert house.claim() == []


def test_fetching_the_same_again_changes_no_rows_and_says_so(house: House) -> None:
    counted = "SELECT rows_received, rows_written FROM v_runs WHERE id = :id"
    first, again = house.request({"newest": 1}), house.request({"newest": 1})
    house.plan(first)
    (attempt,) = house.claim()
    house.do(attempt)
    house.scene.execute("DELETE FROM coverage")

    house.plan(again)
    (attempt,) = house.claim()
    house.do(attempt)

    execution = house.scene.execution(attempt)
    assert house.scene.one(counted, id=first) == (2, 2)
    assert house.scene.one(counted, id=again) == (2, 0)
    assert (execution.rows_received, execution.rows_written) == (2, 0)


def test_a_scope_that_makes_no_sense_fails_the_plan_with_what_is_wrong(house: House) -> None:
    assert house.plan(house.request({"newest": 0})) == Failed(
        Reason.INVALID, "invalid: scope newest: expected a whole number from 1 to 10,000, got 0"
    )


def test_an_unknown_job_type_in_a_scope_fails_the_plan(house: House) -> None:
    ending = house.plan(house.request({}, job_type="fortune_telling"))

    assert isinstance(ending, Failed)
    assert "expected some of breakdowns, cross_shareholdings, daily_quotes," in ending.detail


def attempt_of(house: House) -> Attempt:
    house.plan(house.request({"newest": 1}))
    (attempt,) = house.claim()
    return attempt


def test_a_provider_that_fails_leaves_nothing_behind(house: House) -> None:
    attempt = attempt_of(house)

    def refuse(request: dict[str, str]) -> Batch:
        raise SourceError(Reason.UPSTREAM, "503", source="jquants", status=503)

    house.provider.answer = refuse
    ending = house.do(attempt)

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.UPSTREAM
    assert (house.rows(), house.scene.execution(attempt).status) == (0, "running")


def test_a_missing_credential_is_an_error_of_authentication(house: House) -> None:
    attempt = attempt_of(house)

    def nobody(user_id: int, source: str) -> DataSource:
        raise CredentialsMissing(source)

    house.tools = replace(house.tools, open_source=nobody)
    ending = house.do(attempt)

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.AUTH
    assert "moomarkets credentials set jquants" in ending.detail


def test_what_came_after_a_cancel_is_dropped(house: House) -> None:
    attempt, token = attempt_of(house), CancelToken()

    def late(request: dict[str, str]) -> Batch:
        token.cancel(Reason.CANCELLED)
        return bars(request)

    house.provider.answer = late
    ending = house.do(attempt, token)

    assert isinstance(ending, Failed)
    assert (ending.reason, house.rows()) == (Reason.CANCELLED, 0)


def test_what_came_after_the_lease_was_lost_is_dropped(house: House) -> None:
    attempt = attempt_of(house)
    house.clock.advance(3600)
    house.scene.do(rescue.rescue, [attempt.lease.execution_id], [], house.clock.now())

    assert house.do(attempt) == LostLease()
    assert house.rows() == 0


def test_rows_that_the_database_refuses_are_called_malformed_without_showing_them(house: House) -> None:
    attempt = attempt_of(house)
    row = bars({"date": "2026-11-20"}).rows[0]
    house.provider.answer = lambda request: replace(bars(request), rows=[(*row[:6], "0\0", *row[7:])])

    ending = house.do(attempt)

    assert ending == Failed(Reason.MALFORMED, "the database refused the rows: CharacterNotInRepertoire")
    assert house.rows() == 0


def test_of_twin_rows_the_last_counts_and_coverage_counts_one(house: House) -> None:
    attempt = attempt_of(house)
    house.provider.answer = lambda request: replace(bars(request), rows=[*bars(request).rows] * 2)

    ending = house.do(attempt)

    assert isinstance(ending, Succeeded)
    assert (house.rows(), house.scene.one("SELECT rows FROM coverage")[0]) == (2, 2)


def test_a_completion_repeated_with_the_same_id_succeeds_without_storing_again(house: House) -> None:
    attempt, completion_id = attempt_of(house), uuid4()
    first = house.do(attempt, completion_id=completion_id)

    assert house.do(attempt, completion_id=completion_id) == first
    assert (house.rows(), house.scene.counters(attempt.run_id or 0)) == (2, ("completed", 1, 1, 0, 0))


def test_a_finished_result_waits_while_the_database_is_away_until_it_is_cancelled(house: House) -> None:
    attempt, token = attempt_of(house), CancelToken()
    away = Database("postgresql://app:geheim@127.0.0.1:1/nothing", purpose="away")
    house.tools = replace(house.tools, database=away)

    class Impatient(RecordedEvents):
        """Cancels the attempt as soon as it has said that the database is away."""

        def emit(self, name: str, /, **fields: object) -> None:
            super().emit(name, **fields)
            token.cancel(Reason.TIMED_OUT)

    events = Impatient()
    house.tools = replace(house.tools, events=events)
    ending = house.do(attempt, token)

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.TIMED_OUT
    assert events.names == ["store.unavailable"]
    assert not events.unlisted


@pytest.mark.parametrize(
    ("error", "reason"),
    [(StoreUnavailable("away"), Reason.INTERRUPTED), (StoreTooSlow("statement timeout"), Reason.NETWORK)],
)
def test_a_database_that_is_away_while_the_work_is_done_costs_no_attempt_and_one_that_is_slow_does(
    house: House, error: StoreUnavailable, reason: Reason
) -> None:
    def open_source(user_id: int, code: str) -> NoReturn:
        raise error

    house.tools = replace(house.tools, open_source=open_source)
    ending = house.do(attempt_of(house))

    assert isinstance(ending, Failed)
    assert ending.reason is reason


@pytest.mark.parametrize("parameters", [{}, {"key": "ALL", "from": "x", "to": "y", "request": {}}, {"request": 1}])
def test_parameters_that_name_no_partition_are_invalid(house: House, parameters: dict[str, object]) -> None:
    ending = house.do(replace(attempt_of(house), parameters=parameters))

    assert isinstance(ending, Failed)
    assert ending.reason is Reason.INVALID


def test_a_job_type_that_is_not_installed_is_said_by_name(house: House) -> None:
    ending = house.do(replace(attempt_of(house), job_type="fortune_telling"))

    assert ending == Failed(Reason.INVALID, "job type fortune_telling is not installed here")


def test_every_built_in_job_type_is_found_under_its_name() -> None:
    events = RecordedEvents()

    found = job_types(events)

    assert {PLAN, "listed_companies", "trading_calendar", "daily_quotes", "yahoo_daily_bars"} <= set(found)
    assert all(found[name].name == name for name in found)
    assert not events.unlisted
