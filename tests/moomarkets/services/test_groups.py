"""What can be done with groups: created once, run once at a time, paused and resumed over restarts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents

NEW = GroupDefinition("mine", "yahoo", ("yahoo_daily_bars",), scope={"symbols": ["AAPL"], "from": "2026-11-02"})


def test_a_new_group_is_listed_and_runs(system: System) -> None:
    system.groups.create(NEW)

    ended = system.groups.run("mine").wait(30)

    assert system.groups.exists("mine")
    assert "mine" in [group["name"] for group in system.groups.list()]
    assert ended is RunStatus.COMPLETED


def test_a_name_is_taken_once(system: System) -> None:
    system.groups.create(NEW)

    with pytest.raises(Conflict, match="group mine: expected a new name"):
        system.groups.create(NEW)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": " padded "}, "name"),
    ({"name": "x" * 201}, "name"),
    ({"name": "nul\0"}, "name"),
    ({"name": "half \ud800"}, "name"),
    ({"priority": 0}, "priority"),
    ({"priority": 11}, "priority"),
    ({"priority": True}, "priority"),
    ({"max_retries": -1}, "max_retries"),
    ({"max_retries": 1001}, "max_retries"),
    ({"retry_delay_s": -1}, "retry_delay"),
    ({"retry_delay_s": 1.5}, "retry_delay"),
    ({"job_types": ()}, "job_types"),
    ({"schedule": {"cron": "nonsense"}}, "cron"),
    ({"schedule": {"every_s": 0}}, "every_s"),
    ({"depends_on": ("mine",)}, "depends_on"),
]


def test_what_makes_no_sense_is_refused_and_nothing_is_stored(system: System) -> None:
    for change, thing in REFUSED:
        with pytest.raises(InvalidInput, match=thing):
            system.groups.create(replace(NEW, **change))

    assert len(system.groups.list()) == 3


def test_what_a_group_refers_to_has_to_exist(system: System) -> None:
    for change in ({"data_source": "nowhere"}, {"depends_on": ("nobody",)}):
        with pytest.raises(NotFound):
            system.groups.create(replace(NEW, **change))  # type: ignore[arg-type]  # any field

    assert not system.groups.exists("mine")


def test_a_run_that_is_under_way_is_the_answer_to_a_second_request(system: System) -> None:
    system.groups.pause("reference")

    first, second = system.groups.run("reference"), system.groups.run("reference")

    assert first.id == second.id
    assert first.status is RunStatus.PENDING


def test_waiting_for_a_run_ends_in_time_though_the_run_does_not(system: System) -> None:
    system.groups.pause("reference")

    assert system.groups.run("reference").wait(0) is RunStatus.PENDING


def test_stopping_a_group_without_a_run_does_nothing(system: System) -> None:
    system.groups.stop("reference")

    assert system.progress().look().runs == []


def test_a_waiting_run_that_is_stopped_is_cancelled(system: System, events: RecordedEvents) -> None:
    system.groups.pause("reference")
    run = system.groups.run("reference")

    system.groups.stop("reference")

    assert run.wait(10) is RunStatus.CANCELLED


def test_an_unknown_group_is_not_found_by_any_verb(system: System) -> None:
    groups = system.groups

    for verb in (groups.run, groups.stop, groups.pause, groups.resume):
        with pytest.raises(NotFound, match="group nobody does not exist"):
            verb("nobody")


def test_a_run_shows_itself_and_one_that_is_gone_is_not_found(system: System) -> None:
    run = system.groups.run("reference")
    run.wait(30)

    assert repr(run) == f"<Run {run.id} completed>"
    assert run.show()["job_group"] == "reference"
    run.id += 1000
    with pytest.raises(NotFound, match="run"):
        run.show()
