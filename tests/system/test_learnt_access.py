"""What a provider refuses while a run fetches: learnt for good, marked as out of the window, not asked for again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.limits import Window
from moomarkets.settings import Settings
from moomarkets.system import System

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
FAST = Window(2000, 1)


@contextmanager
def system_on(provider: JQuantsSimulator, owner_url: str, data_dir: Path, plan: str, **given: Any) -> Iterator[System]:
    """A system that thinks it has that plan."""
    jquants = {"base_url": provider.base_url, "plan": plan, "limits": [[2000, 1]], "api_key": DEMO_KEY, **given}
    settings = Settings(database_url=owner_url, data_dir=data_dir, poll_s=1, sources={"jquants": jquants})
    with System(settings, clock=ShiftedClock.starting_at(NOW)) as system:
        yield system


def run(system: System, name: str, job_type: str, **scope: object) -> RunStatus:
    """One more run of the group, made where there is none."""
    if name not in {group["name"] for group in system.groups.list()}:
        system.groups.create(GroupDefinition(name=name, data_source="jquants", job_types=(job_type,), scope=scope))
    return system.groups.run(name).wait(timeout_s=60)


def rows(system: System, statement: str) -> list[tuple[object, ...]]:
    with system.installation.reads.transaction() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_days_outside_the_window_are_marked_and_not_asked_for_again(owner_url: str, tmp_path: Path) -> None:
    with (
        JQuantsSimulator("light", today=NOW, issues=9, limit=FAST) as provider,
        system_on(provider, owner_url, tmp_path, "premium") as system,
    ):
        scope = {"from": "2021-11-15", "to": "2021-11-24", "way": "date"}
        first = run(system, "bars", "daily_quotes", **scope)
        asked = len(provider.ledger.entries())
        second = run(system, "bars", "daily_quotes", **scope)
        marked = rows(system, "SELECT from_on, status FROM coverage WHERE dataset = 'daily_bars' ORDER BY 1")
        learnt = system.installation.subscriptions.learnt("jquants")

        assert len(provider.ledger.entries()) == asked
    assert (first, second) == (RunStatus.COMPLETED, RunStatus.COMPLETED)
    assert {on_date for on_date, status in marked if status == "out_of_window"} == {
        date(2021, 11, day) for day in (15, 16, 17, 18, 19)
    }
    assert {on_date for on_date, status in marked if status == "complete"} == {date(2021, 11, 22), date(2021, 11, 24)}
    assert learnt.window_at(NOW) is not None


def test_of_a_range_that_lies_partly_outside_the_rest_is_fetched(owner_url: str, tmp_path: Path) -> None:
    with (
        JQuantsSimulator("light", today=NOW, issues=9, limit=FAST) as provider,
        system_on(provider, owner_url, tmp_path, "premium") as system,
    ):
        ended = run(system, "topix", "topix_bars", **{"from": "2021-11-01", "to": "2021-11-30"})
        stored = rows(system, "SELECT min(on_date), count(*) FROM topix_bars")
        problems = list(system.installation.subscriptions.disagreements("jquants"))

    assert ended is RunStatus.COMPLETED
    assert stored == [(date(2021, 11, 22), 6)]
    assert problems == [
        "jquants: the plan premium is set, but the provider lets this credential read 2021-11-20 ~, which is the plan "
        "light; see sources.jquants.plan"
    ]


def test_an_endpoint_that_is_not_included_is_asked_for_once(owner_url: str, tmp_path: Path) -> None:
    with (
        JQuantsSimulator("light", today=NOW, issues=9, limit=FAST) as provider,
        system_on(provider, owner_url, tmp_path, "premium") as system,
    ):
        first = run(system, "breakdowns", "breakdowns", newest=1)
        second = run(system, "breakdowns", "breakdowns", newest=1)

        asked = [entry.target for entry in provider.ledger.entries()]
        problems = list(system.installation.subscriptions.disagreements("jquants"))

    assert (first, second) == (RunStatus.FAILED, RunStatus.FAILED)
    assert len(asked) == 1
    assert "does not include breakdowns" in problems[-1]


def test_todays_disclosures_go_on_from_where_the_last_run_stopped(owner_url: str, tmp_path: Path) -> None:
    noon = datetime(2026, 11, 12, 4, tzinfo=UTC)
    with JQuantsSimulator("premium", today=noon, issues=200, limit=FAST) as provider:
        jquants = {"base_url": provider.base_url, "plan": "premium", "limits": [[2000, 1]], "api_key": DEMO_KEY}
        settings = Settings(database_url=owner_url, data_dir=tmp_path, poll_s=1, sources={"jquants": jquants})
        with System(settings, clock=ShiftedClock.starting_at(noon)) as system:
            run(system, "fins", "financial_summaries", newest=1)
            [before] = rows(system, "SELECT count(*) FROM financial_summaries WHERE disclosed_on = '2026-11-12'")
            provider.clock.set(datetime(2026, 11, 12, 12, tzinfo=UTC))
            run(system, "fins", "financial_summaries", newest=1)
            [after] = rows(system, "SELECT count(*) FROM financial_summaries WHERE disclosed_on = '2026-11-12'")
            covered = rows(system, "SELECT rows FROM coverage WHERE from_on = '2026-11-12'")
        served = [entry for entry in provider.ledger.entries() if "2026-11-12" in entry.target]

    assert 0 < int(str(before[0])) < int(str(after[0]))
    assert covered == [after]
    assert ["cursor=" in entry.target for entry in served] == [False, True]
    assert sum(entry.rows for entry in served) == after[0]


def test_the_plan_behind_a_key_is_found_out_and_said_with_what_to_set(owner_url: str, tmp_path: Path) -> None:
    with (
        JQuantsSimulator("standard", today=NOW, issues=9, limit=FAST, addons=("minute",)) as provider,
        system_on(provider, owner_url, tmp_path, "light") as system,
    ):
        found = system.sources.detect("jquants")
        problems = list(system.installation.subscriptions.disagreements("jquants"))

        assert len(provider.ledger.entries()) == found["requests"] == 3
    assert (found["plan"], found["plan_set"], found["add_ons"]) == ("standard", "light", ["minute"])
    assert found["settings"] == '[sources.jquants]\nplan = "standard"\nadd_ons = ["minute"]'
    assert "which is the plan standard" in problems[0]
