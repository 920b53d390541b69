from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from datasources.jquants.endpoints import JQUANTS
from datasources.yahoo import YAHOO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import Covered
from moomarkets.domain.events import NoEvents
from moomarkets.domain.freshness import Freshness, State
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.learnt import WHOLE, Readable
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.freshness import Watch
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.registry import job_types
from moomarkets.store import coverage, groups, learnt, sources
from moomarkets.store.coverage import Owner
from tests.moomarkets.jobtypes.views import tokyo
from tests.moomarkets.store.scene import LOCAL, Scene

SCHEDULE = {"cron": "0 17 * * 1-5", "timezone": "Asia/Tokyo"}
FRIDAY = date(2026, 11, 20)


class Ground:
    """A group that keeps daily bars on weekdays at 17:00 in Tokyo, and a look at how fresh they are."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.ids = {spec.code: scene.do(sources.ensure, spec) for spec in (JQUANTS, YAHOO)}
        self.subscriptions = {"jquants": Subscription.of(JQUANTS, "light")}

    def group(self, *names: str, source: str = "jquants", **given: Any) -> int:
        definition = GroupDefinition("kept", source, names or ("daily_quotes",), **{"schedule": SCHEDULE, **given})
        made = self.scene.do(groups.create, LOCAL, definition)
        self.scene.execute("UPDATE job_groups SET created_at = '2026-01-01Z'")
        return made

    def fetched(
        self, day: date, at: datetime, dataset: str = "daily_bars", key: str = "ALL", source: str = "jquants"
    ) -> None:
        owner = Owner(LOCAL, self.ids[source])
        self.scene.do(coverage.record, owner, dataset, Covered(key, day, day, at), rows=1, pages=1, execution_id=1)

    def look(self, now: datetime) -> Freshness:
        watch = Watch(job_types(NoEvents()), self.ids, self.subscriptions)
        (found,) = self.scene.do(watch.look, now)
        return found


@pytest.fixture
def ground(scene: Scene) -> Ground:
    return Ground(scene)


def test_a_day_is_due_once_it_is_published_and_overdue_once_its_run_had_time(ground: Ground) -> None:
    ground.group()
    ground.fetched(date(2026, 11, 19), tokyo("2026-11-19", 17))

    states = [
        ground.look(tokyo("2026-11-20", hour, minute)).state for hour, minute in ((16, 59), (17, 0), (19, 59), (20, 1))
    ]

    assert states == [State.FRESH, State.DUE, State.DUE, State.OVERDUE]
    late = ground.look(tokyo("2026-11-20", 20, 1))
    assert (late.expected_on, late.have_on, late.since) == (FRIDAY, date(2026, 11, 19), tokyo("2026-11-20", 20))


def test_what_is_here_is_fresh_over_a_weekend_a_holiday_and_until_the_next_publication(ground: Ground) -> None:
    ground.group()
    ground.fetched(FRIDAY, tokyo("2026-11-20", 17, 1))

    # Monday the 23rd is a holiday.
    times = [tokyo("2026-11-21", 23), tokyo("2026-11-22", 12), tokyo("2026-11-23", 23), tokyo("2026-11-24", 16, 59)]
    assert [ground.look(now).state for now in times] == [State.FRESH] * 4
    assert ground.look(tokyo("2026-11-24", 21)).state is State.OVERDUE


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("UPDATE job_groups SET status = 'paused'", "group kept is paused"),
        ("UPDATE job_groups SET is_enabled = false", "group kept is switched off"),
        ("UPDATE data_sources SET is_paused = true", "source jquants is paused"),
        ("UPDATE data_sources SET is_enabled = false", "source jquants is switched off"),
        ("UPDATE scheduler_settings SET is_enabled = false", "everything is paused"),
    ],
)
def test_what_rests_is_never_late(ground: Ground, change: str, reason: str) -> None:
    ground.group()
    ground.scene.execute(change)

    found = ground.look(tokyo("2026-11-21"))

    assert (found.state, found.reason) == (State.RESTING, reason)


def test_a_group_below_a_paused_one_rests_too(ground: Ground) -> None:
    above = GroupDefinition("above", "jquants", ("trading_calendar",))
    ground.scene.do(groups.create, LOCAL, above)
    ground.group(parent="above")
    ground.scene.execute("UPDATE job_groups SET status = 'paused' WHERE name = 'above'")

    watch = Watch(job_types(NoEvents()), ground.ids, ground.subscriptions)
    found = {one.group: one.reason for one in ground.scene.do(watch.look, tokyo("2026-11-21"))}

    assert found == {"above": "group above is paused", "kept": "group above is paused"}


def test_without_a_schedule_nothing_is_ever_overdue(ground: Ground) -> None:
    ground.group(schedule=None)

    assert ground.look(tokyo("2026-11-27")).state is State.DUE


def test_a_group_is_not_late_for_what_was_due_before_it_was_made(ground: Ground) -> None:
    ground.group()
    ground.scene.execute("UPDATE job_groups SET created_at = :at", at=tokyo("2026-11-20", 18))

    assert ground.look(tokyo("2026-11-20", 21)).state is State.DUE


def test_a_run_that_has_just_begun_may_still_bring_it(ground: Ground) -> None:
    group_id = ground.group()
    ground.scene.request(group_id, tokyo("2026-11-20", 21))

    assert ground.look(tokyo("2026-11-20", 21, 30)).state is State.DUE
    assert ground.look(tokyo("2026-11-21", 1)).state is State.OVERDUE


def test_an_old_gap_is_no_delay(ground: Ground) -> None:
    ground.group(scope={"newest": 20})
    ground.fetched(FRIDAY, tokyo("2026-11-20", 17, 1))

    assert ground.look(tokyo("2026-11-20", 22)).state is State.FRESH


def test_a_range_that_has_ended_stays_fresh(ground: Ground) -> None:
    ground.group(scope={"from": "2026-09-01", "to": "2026-09-30"})
    ground.fetched(date(2026, 9, 30), tokyo("2026-10-01", 17, 1))

    assert ground.look(tokyo("2026-11-20", 22)).state is State.FRESH


def test_a_delayed_plan_expects_the_days_that_it_lets_us_read(ground: Ground) -> None:
    ground.subscriptions = {"jquants": Subscription.of(JQUANTS, "free")}
    ground.group()
    ground.fetched(date(2026, 8, 27), tokyo("2026-11-19", 17, 1))

    assert ground.look(tokyo("2026-11-20", 16)).state is State.DUE
    late = ground.look(tokyo("2026-11-20", 21))
    assert (late.state, late.expected_on) == (State.OVERDUE, date(2026, 8, 28))


def test_what_the_provider_has_said_that_may_not_be_read_is_never_late(ground: Ground) -> None:
    ground.group()
    ground.fetched(date(2026, 8, 28), tokyo("2026-11-19", 17, 1))
    now, label = tokyo("2026-11-20", 21), ground.subscriptions["jquants"].label
    owner, window = Owner(LOCAL, ground.ids["jquants"]), Readable(date(2024, 8, 28), date(2026, 8, 28))
    before = ground.look(now).state

    ground.scene.do(learnt.keep_window, owner, WHOLE, window, label, now)
    within_the_window = ground.look(now).state
    ground.scene.do(learnt.keep_refusal, owner, "daily_bars", label, now)
    refused = ground.look(now)

    assert (before, within_the_window, refused.state) == (State.OVERDUE, State.FRESH, State.RESTING)
    assert "expected a subscription with" in str(refused.reason)


def test_a_code_that_is_not_listed_any_more_is_never_late(ground: Ground) -> None:
    ground.group(scope={"codes": ["7203"]})
    ground.fetched(date(2026, 11, 17), tokyo("2026-11-17", 17, 1), key="72030")
    before = ground.look(tokyo("2026-11-20", 21)).state

    for code, on_date in (("72030", "2026-11-17"), ("13010", "2026-11-18")):
        ground.scene.execute(
            "INSERT INTO listed_issues (user_id, data_source_id, code, on_date, execution_id, fetched_at)"
            " VALUES (1, :source_id, :code, CAST(:on_date AS date), 1, now())",
            source_id=ground.ids["jquants"], code=code, on_date=on_date,
        )  # fmt: skip

    assert (before, ground.look(tokyo("2026-11-20", 21)).state) == (State.OVERDUE, State.FRESH)


def test_a_weekly_schedule_expects_nothing_on_the_other_days(ground: Ground) -> None:
    ground.group("investor_types", schedule={"cron": "30 18 * * 5", "timezone": "Asia/Tokyo"})
    ground.fetched(date(2026, 11, 13), tokyo("2026-11-13", 18, 31), "investor_types")

    assert ground.look(tokyo("2026-11-19", 23)).state is State.DUE
    assert ground.look(tokyo("2026-11-20", 23)).state is State.OVERDUE


def test_a_preliminary_day_is_overdue_once_its_final_values_had_time(ground: Ground) -> None:
    ground.group("financial_summaries", schedule={"cron": "0 1,19 * * *", "timezone": "Asia/Tokyo"})
    ground.fetched(FRIDAY, tokyo("2026-11-20", 19), "financial_summaries")

    assert ground.look(tokyo("2026-11-21", 0)).state is State.FRESH
    assert ground.look(tokyo("2026-11-21", 5)).state is State.OVERDUE


def test_of_symbols_the_ones_that_are_late_are_named(ground: Ground) -> None:
    schedule = {"cron": "0 18 * * 1-5", "timezone": "America/New_York"}
    ground.group("yahoo_daily_bars", source="yahoo", schedule=schedule, scope={"symbols": ["AAPL", "MSFT"]})
    now = tokyo("2026-11-21", 12)  # Friday 22:00 in New York
    for symbol, day in (("AAPL", FRIDAY), ("MSFT", date(2026, 11, 19))):
        at = now - timedelta(hours=3)
        owner = Owner(LOCAL, ground.ids["yahoo"])
        part = Covered(symbol, date(2025, 1, 1), day, at)
        ground.scene.do(coverage.record, owner, "yahoo_daily_bars", part, rows=1, pages=1, execution_id=1)

    found = ground.look(now)

    assert (found.state, found.missing, found.have_on) == (State.OVERDUE, ("MSFT",), date(2026, 11, 19))


def test_a_scope_that_makes_no_sense_says_so(ground: Ground) -> None:
    ground.group(scope={"to": "tomorrow"})

    assert "expected a date" in (ground.look(tokyo("2026-11-20")).reason or "")


class _Broken:
    """A job type of another package whose plan fails."""

    name, description, default_schedule, source, dataset = "broken", "", None, "jquants", "valuations"

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        raise ZeroDivisionError

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        raise NotImplementedError


def test_a_plug_in_whose_plan_fails_does_not_silence_the_others(ground: Ground) -> None:
    ground.group("broken", "daily_quotes")
    ground.fetched(date(2026, 11, 19), tokyo("2026-11-19", 17))
    watch = Watch(job_types(NoEvents(), [_Broken()]), ground.ids, ground.subscriptions)

    broken, bars = ground.scene.do(watch.look, tokyo("2026-11-20", 21))

    assert (broken.state, broken.reason) == (State.RESTING, "the plan of broken fails: ZeroDivisionError")
    assert bars.state is State.OVERDUE


def test_a_simulated_year_of_punctual_runs_has_no_false_alarm(ground: Ground) -> None:
    ground.group()
    ground.fetched(date(2026, 1, 5), tokyo("2026-01-05", 17))
    watch: Callable[[datetime], Freshness] = ground.look
    now, states = tokyo("2026-01-06", 0), set()

    while now < tokyo("2026-12-30", 12):
        newest = watch(now)
        states.add(newest.state)
        if newest.state is State.DUE and now.hour == 18:
            assert newest.expected_on is not None
            ground.fetched(newest.expected_on, now)
        now += timedelta(hours=6)

    assert states == {State.FRESH, State.DUE}
