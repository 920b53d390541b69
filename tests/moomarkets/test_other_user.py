"""Nobody reaches what is somebody else's: each public verb is tried with another user's names and ids."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from moomarkets.domain.coverage import Covered
from moomarkets.domain.errors import Forbidden, NotFound
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.job import PlannedJob
from moomarkets.domain.secret import Secret
from moomarkets.services.credentials import Credentials
from moomarkets.services.groups import Groups
from moomarkets.services.jobs import Executions, Jobs
from moomarkets.services.runs import Runs
from moomarkets.services.schedules import Schedules
from moomarkets.services.status import Status
from moomarkets.services.why import Why
from moomarkets.store import quarantine
from moomarkets.store.coverage import Owner
from moomarkets.store.quarantine import Captive
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.support.providers import Providers

MINE = "reference"
SOURCE = "jquants"
LATER = datetime(2099, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two systems on one database: one of its first user, who has run a group, and one of a user with nothing."""

    owner: System
    other: System

    @property
    def group_id(self) -> int:
        return int(str(self.owner.groups.list()[0]["id"]))

    @property
    def job_id(self) -> int:
        return int(str(self.owner.jobs.list()[0]["id"]))

    @property
    def run_id(self) -> int:
        return int(str(self.owner.runs.list()[0]["id"]))


@pytest.fixture
def pair(simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents) -> Iterator[Pair]:
    settings = simulated.settings(owner_url, tmp_path)
    with System(settings, events=events) as owner:
        owner.users.add("eve")
        owner.groups.run(MINE).wait(60)
        other = simulated.settings(owner_url, tmp_path, key=None, user="eve", web_port=0)
        with System(other, events=events, web=True) as others:
            for name in [str(group["name"]) for group in reversed(others.groups.list())]:
                others.groups.delete(name)
            yield Pair(owner, others)


def refused(pair: Pair) -> dict[str, Callable[[], Any]]:
    """Each verb that takes a name or an id, called with those of the first user."""
    groups, jobs, runs = pair.other.groups, pair.other.jobs, pair.other.runs
    schedules, why, job_id = pair.other.schedules, pair.other.why, pair.job_id
    definition = GroupDefinition("hers", SOURCE, ("listed_companies",), depends_on=(MINE,))
    return {
        "Groups.create": lambda: groups.create(definition),
        "Groups.definition": lambda: groups.definition(MINE),
        "Groups.edit": lambda: groups.edit(MINE, priority=9),
        "Groups.set_dependencies": lambda: groups.set_dependencies(MINE, ()),
        "Groups.schedule_job": lambda: groups.schedule_job(MINE, PlannedJob("k", "listed_companies", "n", {})),
        "Groups.delete": lambda: groups.delete(MINE),
        "Groups.enable": lambda: groups.enable(MINE),
        "Groups.disable": lambda: groups.disable(MINE),
        "Groups.request": lambda: groups.request(MINE),
        "Groups.run": lambda: groups.run(MINE),
        "Groups.stop": lambda: groups.stop(MINE),
        "Groups.pause": lambda: groups.pause(MINE),
        "Groups.resume": lambda: groups.resume(MINE),
        "Groups.retry_failed": lambda: groups.retry_failed(MINE),
        "Jobs.show": lambda: jobs.show(job_id),
        "Jobs.pause": lambda: jobs.pause(job_id),
        "Jobs.resume": lambda: jobs.resume(job_id),
        "Jobs.enable": lambda: jobs.enable(job_id),
        "Jobs.disable": lambda: jobs.disable(job_id),
        "Jobs.toggle": lambda: jobs.toggle(job_id, False),
        "Jobs.cancel": lambda: jobs.cancel(job_id),
        "Jobs.retry": lambda: jobs.retry(job_id),
        "Jobs.run": lambda: jobs.run(job_id),
        "Jobs.list": lambda: jobs.list(group=MINE),
        "Executions.list": lambda: pair.other.executions.list(group=MINE),
        "Runs.show": lambda: runs.show(pair.run_id),
        "Runs.progress": lambda: runs.progress(pair.run_id),
        "Runs.list": lambda: runs.list(group=MINE),
        "Runs.group": lambda: runs.group(MINE),
        "Runs.group_by_id": lambda: runs.group_by_id(pair.group_id),
        "Schedules.show": lambda: schedules.show(MINE),
        "Schedules.occurrences": lambda: schedules.occurrences(MINE),
        "Why.explain": lambda: why.explain(str(job_id)),
        "Why.group": lambda: why.group(MINE),
        "Why.job": lambda: why.job(job_id),
        "Credentials.remove": lambda: pair.other.credentials.remove(SOURCE),
    }


EMPTY = {
    "Groups.list": (lambda system: system.groups.list(), []),
    "Groups.tree": (lambda system: system.groups.tree(), []),
    "Groups.exists": (lambda system: system.groups.exists(MINE), False),
    "Jobs.failed": (lambda system: system.jobs.failed().list(), []),
    "Schedules.list": (lambda system: system.schedules.list(), []),
    "Schedules.next": (lambda system: system.schedules.next(), []),
    "Status.groups": (lambda system: system.status.groups(), []),
    "Status.datasets": (lambda system: set(system.status.datasets().values()), {0}),
    "Status.show": (lambda system: system.status.show()["groups"], []),
    "Status.work_left": (lambda system: system.status.work_left()["pending_runs"], 0),
    "Credentials.is_set": (lambda system: system.credentials.is_set(SOURCE), False),
    "Credentials.holds": (lambda system: system.credentials.holds(SOURCE, {}), False),
    "Credentials.show": (lambda system: system.credentials.show(SOURCE)["state"], "missing"),
    "Credentials.list": (lambda system: [one["state"] for one in system.credentials.list()], ["missing"]),
}
"""What shows somebody with nothing of their own, and what it shows."""

OWN = {
    "Groups.preview",
    "Jobs.enqueue",
    "Jobs.enqueue_many",
    "Jobs.cleanup_running",
    "Schedules.preview",
    "Status.is_enabled",
    "Status.is_running",
    "Credentials.set",
    "Credentials.validate",
}
"""What names nothing that belongs to anybody, or makes something of one's own; the tests below say more."""


def finds_nothing(call: Callable[[], Any]) -> bool:
    try:
        call()
    except NotFound:
        return True
    return False


def test_every_verb_with_a_name_or_an_id_finds_nothing_of_another_user(pair: Pair) -> None:
    for name, call in refused(pair).items():
        assert finds_nothing(call), name

    assert pair.owner.groups.list()[0]["status"] == "completed"
    assert pair.owner.groups.list()[0]["is_enabled"]


def test_every_list_is_empty_for_another_user(pair: Pair) -> None:
    for name, (look, expected) in EMPTY.items():
        assert look(pair.other) == expected, name


def test_no_verb_is_left_out_here(pair: Pair) -> None:
    classes = (Groups, Jobs, Runs, Schedules, Why, Executions, Status, Credentials)
    verbs = {
        f"{kind.__name__}.{name}"
        for kind in classes
        for name, _ in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
    }

    assert verbs - set(refused(pair)) - set(EMPTY) - OWN == set()


def test_the_same_names_and_unique_keys_are_free_for_everybody(pair: Pair) -> None:
    pair.other.groups.create(GroupDefinition(MINE, SOURCE, ("listed_companies",)))
    hers = pair.other.jobs.enqueue("listed_companies", {}, unique_key="k", due_at=LATER)
    mine = pair.owner.jobs.enqueue("listed_companies", {}, unique_key="k", due_at=LATER)

    assert hers != mine
    assert [job["id"] for job in pair.other.jobs.list()] == [hers]
    assert pair.other.jobs.failed().retry() == 0


def keep_an_answer(system: System) -> int:
    """Put an answer in quarantine for the user of that system."""
    owner, day = Owner(system.installation.account.id, system.installation.source_ids[SOURCE]), LATER.date()
    captive = Captive("daily_bars", "daily_bars", Covered("ALL", day, day, LATER), "schema", "odd", [b"{}"], 1)
    return system.installation.reads.perform(lambda connection: quarantine.keep(connection, owner, captive, LATER))


def test_data_and_what_is_known_of_them_are_those_of_their_own_user(pair: Pair) -> None:
    kept, hers = keep_an_answer(pair.owner), pair.other

    for verb in (hers.quarantine.show, hers.quarantine.body, hers.quarantine.release, hers.quarantine.dismiss):
        assert finds_nothing(lambda verb=verb: verb(kept)), verb  # type: ignore[misc]

    assert len(pair.owner.data.rows("listed_issues")) > 0
    assert hers.data.rows("listed_issues") == []
    assert {holding.rows for holding in hers.data.datasets()} <= {0}
    assert (hers.coverage.show(), hers.freshness.list(), hers.quarantine.list()) == ([], [], [])
    assert hers.coverage.show("listed_issues")[0].rows == 0
    assert pair.owner.quarantine.show(kept)["status"] == "open"


def test_a_job_is_done_with_the_credential_of_its_own_user(pair: Pair, simulated: Providers) -> None:
    pair.other.groups.create(GroupDefinition("hers", SOURCE, ("listed_companies",)))
    run = pair.other.groups.run("hers")
    run.wait(2)

    blocked = str(run.show()["blocked_by"])
    pair.other.credentials.set(SOURCE, {"api_key": Secret("hers-alone")})
    eventually(lambda: pair.other.credentials.show(SOURCE)["is_accepted"] is False)

    assert blocked.startswith("credentials: jquants has none")
    assert pair.owner.credentials.holds(SOURCE, {"api_key": Secret("demo-key")})
    assert pair.owner.credentials.show(SOURCE)["is_accepted"] is not False
    assert pair.other.credentials.show(SOURCE)["is_accepted"] is False
    assert run.status == "running"


def test_every_route_with_a_name_or_an_id_is_404_for_another_user(pair: Pair) -> None:
    assert pair.other.url is not None
    routes = {
        *((method, f"/api/v1/groups/{MINE}") for method in ("GET", "DELETE")),
        *(("POST", f"/api/v1/groups/{MINE}/{verb}") for verb in ("run", "stop", "pause", "resume")),
        ("GET", f"/api/v1/jobs/{pair.job_id}"),
        *(("POST", f"/api/v1/jobs/{pair.job_id}/{verb}") for verb in ("pause", "resume", "cancel", "retry", "run")),
        ("GET", f"/api/v1/runs/{pair.run_id}"),
        ("GET", f"/api/v1/runs/{pair.run_id}/progress"),
        ("GET", f"/api/v1/why?thing={MINE}"),
        ("GET", f"/api/v1/jobs?group={MINE}"),
        ("GET", f"/api/v1/executions?group={MINE}"),
        ("GET", f"/api/scheduler/jobs/{pair.group_id}"),
        ("POST", f"/api/scheduler/jobs/{pair.group_id}/run"),
        ("GET", f"/api/scheduler/jobs/{pair.group_id}/executions"),
    }
    with httpx.Client(base_url=pair.other.url, timeout=30) as client:
        answers = {(method, path): client.request(method, path).status_code for method, path in routes}
        listed = client.get("/api/v1/groups").json()["items"]

    assert set(answers.values()) == {404}, answers
    assert listed == []


def test_a_viewer_sees_what_is_theirs_and_changes_nothing(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        system.users.add("eve", role="operator")
        with System(simulated.settings(owner_url, tmp_path, key=None, user="eve"), events=events) as hers:
            job_id, kept = hers.jobs.enqueue("listed_companies", {}), keep_an_answer(hers)
            for verb in (hers.switches.pause, lambda: hers.sources.pause(SOURCE), lambda: hers.keys):
                with pytest.raises(Forbidden):
                    verb()
        system.users.role("eve", "viewer")
        with System(simulated.settings(owner_url, tmp_path, key=None, user="eve"), events=events) as viewed:
            assert {name for name, verb in changes(viewed, job_id, kept).items() if not is_forbidden(verb)} == set()
            assert viewed.jobs.show(job_id)["id"] == job_id
            assert viewed.quarantine.body(kept) == [b"{}"]
            assert len(viewed.groups.list()) == 3
        system.users.disable("eve")

        with pytest.raises(Forbidden, match="user eve: expected one that is enabled"):
            System(simulated.settings(owner_url, tmp_path, key=None, user="eve")).start()


def changes(system: System, job_id: int, kept: int) -> dict[str, Callable[[], object]]:
    """What somebody who may only look cannot do to their own things."""
    new = GroupDefinition("new", SOURCE, ("listed_companies",))
    return {
        "pause": lambda: system.groups.pause(MINE),
        "delete": lambda: system.groups.delete(MINE),
        "create": lambda: system.groups.create(new),
        "run": lambda: system.groups.run(MINE),
        "cancel": lambda: system.jobs.cancel(job_id),
        "retry": lambda: system.jobs.failed().retry(),
        "enqueue": lambda: system.jobs.enqueue("listed_companies", {}),
        "set": lambda: system.credentials.set(SOURCE, {"api_key": Secret("k")}),
        "remove": lambda: system.credentials.remove(SOURCE),
        "validate": lambda: system.credentials.validate(SOURCE),
        "detect": lambda: system.sources.detect(SOURCE),
        "fill": lambda: system.coverage.fill("listed_issues"),
        "release": lambda: system.quarantine.release(kept),
        "dismiss": lambda: system.quarantine.dismiss(kept),
        "purge": lambda: system.purge,
        "keys": lambda: system.keys,
        "users": lambda: system.users.add("bob"),
    }


def is_forbidden(verb: Callable[[], object]) -> bool:
    try:
        verb()
    except Forbidden:
        return True
    return False
