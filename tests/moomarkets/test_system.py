"""The whole: started, used, stopped, with real Postgres and simulated providers."""

from __future__ import annotations

import threading
from pathlib import Path

import psycopg
import pykka
import pytest

from actors.otp.errors import StartError
from actors.otp.reasons import KILLED
from actors.otp.thread_runtime import ThreadRuntime
from actors.scheduler import Scheduler
from datasources.simulators.faults import Fault
from datasources.simulators.jquants import DEMO_KEY
from moomarkets.domain.errors import MoomarketsError
from moomarkets.domain.group import RunStatus
from moomarkets.domain.secret import Secret
from moomarkets.settings import Settings
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.support.postgres import TestPostgres
from tests.support.providers import Providers, providers

GROUPS = ("reference", "daily-bars", "yahoo-daily-bars")
LONG_S = 30.0


def test_three_groups_are_fetched_and_a_second_run_of_each_sends_no_request(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        first = [system.groups.run(group).wait(LONG_S) for group in GROUPS]
        sent = simulated.requests
        second = [system.groups.run(group).wait(LONG_S) for group in GROUPS]
        datasets = system.status.datasets()

    assert first == second == [RunStatus.COMPLETED] * 3
    assert sent == simulated.requests > 0
    assert {name for name, rows in datasets.items() if rows} == {
        "listed_issues", "trading_calendar", "daily_bars", "yahoo_daily_bars",
    }  # fmt: skip
    assert events.of("server.crashed") == []


def test_an_embedded_demo_brings_its_providers_along(owner_url: str, tmp_path: Path, nothing_is_left: None) -> None:
    given = Settings(demo=True, database_url=Secret(owner_url), data_dir=tmp_path)

    with System(given) as system:
        ended = system.groups.run("reference").wait(LONG_S)
        datasets = system.status.datasets()

    assert ended is RunStatus.COMPLETED
    assert datasets["listed_issues"] > 4000


def test_a_paused_group_waits_until_it_is_resumed(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        system.groups.pause("reference")
        run = system.groups.run("reference")
        events.wait_for("run.waiting", run_id=run.id, by="paused")
        sent = simulated.requests
        system.groups.resume("reference")
        ended = run.wait(LONG_S)

    assert sent == 0
    assert ended is RunStatus.COMPLETED


def test_a_dependent_run_waits_for_the_run_that_it_depends_on(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        run = system.groups.run("daily-bars")
        waiting = events.wait_for("run.waiting", run_id=run.id)
        system.groups.run("reference")
        ended = run.wait(LONG_S)

    assert waiting.fields["by"] == "group reference: its newest run is still to come"
    assert ended is RunStatus.COMPLETED


def test_a_missing_credential_blocks_with_its_remedy_and_giving_it_unblocks_at_once(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path, key=None), events=events) as system:
        run = system.groups.run("reference")
        waiting = events.wait_for("run.waiting", run_id=run.id)
        missing = system.missing_credentials()
        system.credentials.set("jquants", {"api_key": Secret(DEMO_KEY)})
        ended = run.wait(LONG_S)

    assert missing == ["jquants"]
    assert "moomarkets credentials set jquants" in str(waiting.fields["by"])
    assert ended is RunStatus.COMPLETED


def test_a_disabled_source_keeps_its_groups_waiting(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    settings = simulated.settings(owner_url, tmp_path, jquants={"is_enabled": False})

    with System(settings, events=events) as system:
        run = system.groups.run("reference")
        waiting = events.wait_for("run.waiting", run_id=run.id)

    assert waiting.fields["by"] == "source jquants is disabled"
    assert simulated.requests == 0


def test_server_errors_are_tried_again(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    simulated.jquants.faults.add(Fault("status", times=2, status=500))

    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        ended = system.groups.run("reference").wait(LONG_S)

    assert ended is RunStatus.COMPLETED
    assert len(events.of("job.put_back", reason="upstream")) == 2


def test_a_wrong_key_makes_the_run_wait_and_another_one_lets_it_go_on(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path, key="a-wrong-key"), events=events) as system:
        run = system.groups.run("reference")
        assert eventually(lambda: system.credentials.show("jquants")["is_accepted"] is False)
        attempts = system.executions.list(group="reference", status="failed")
        asked = len(simulated.jquants.ledger.entries())
        reasons = system.why.group("reference")

        system.credentials.set("jquants", {"api_key": Secret(DEMO_KEY)})
        ended = run.wait(LONG_S)

    assert ended is RunStatus.COMPLETED
    assert attempts == []
    assert asked <= 3
    assert "is_credential_refused=True" in repr(reasons)
    assert "a-wrong-key" not in repr([reasons, events.all])


def test_a_silence_that_the_provider_asks_for_costs_no_attempt(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    simulated.jquants.faults.add(Fault("status", status=429, headers={"Retry-After": "1"}))

    with System(simulated.settings(owner_url, tmp_path, max_retries=0), events=events) as system:
        ended = system.groups.run("reference").wait(LONG_S)

    assert ended is RunStatus.COMPLETED
    assert events.of("source.silenced", source="jquants")


def test_failed_jobs_are_tried_again_on_request(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    simulated.jquants.faults.add(Fault("status", times=2, status=500))

    with System(simulated.settings(owner_url, tmp_path, max_retries=0), events=events) as system:
        run = system.groups.run("reference")
        failed = run.wait(LONG_S)
        count = system.jobs.failed(group="reference").retry()
        ended = run.wait(LONG_S)

    assert failed is RunStatus.FAILED
    assert count == 2
    assert ended is RunStatus.COMPLETED


def test_stopping_a_group_cancels_its_run_and_what_runs_in_it(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    simulated.jquants.faults.add(Fault("hang", times=2))

    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        run = system.groups.run("reference")
        assert eventually(lambda: len(simulated.jquants.ledger.entries()) == 2)
        system.groups.stop("reference")
        ended = run.wait(LONG_S)

    assert ended is RunStatus.CANCELLED


def test_a_job_that_does_not_finish_in_time_is_given_back_at_the_stop(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    simulated.jquants.faults.add(Fault("hang", times=2))
    settings = simulated.settings(owner_url, tmp_path, drain_deadline_s=1)

    with System(settings, events=events) as system:
        system.groups.run("reference")
        assert eventually(lambda: len(simulated.jquants.ledger.entries()) == 2)

    with psycopg.connect(owner_url) as connection:
        jobs = connection.execute("SELECT status, attempts, crash_count FROM jobs WHERE key <> 'plan_group'").fetchall()
        running = connection.execute("SELECT count(*) FROM executions WHERE status = 'running'").fetchone()
    assert jobs == [("pending", 0, 0)] * 2
    assert running == (0,)


def test_a_stop_gives_back_all_at_once_and_leaves_no_connection(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path), events=events) as system:
        node = system.node_id

    with psycopg.connect(owner_url) as connection:
        stopped = connection.execute("SELECT stopped_at IS NOT NULL FROM nodes WHERE id = %s", (node,)).fetchone()
        others = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert stopped == (True,)
    assert others == (0,)


def test_a_system_starts_again_after_its_stop(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    system = System(simulated.settings(owner_url, tmp_path), events=events)

    with system:
        first = system.node_id
    with system:
        second = system.node_id
        ended = system.groups.run("reference").wait(LONG_S)

    assert first != second
    assert ended is RunStatus.COMPLETED


def test_a_stopped_system_says_so(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    system = System(simulated.settings(owner_url, tmp_path))
    with system:
        pass

    assert not system.is_running
    for use in (lambda: system.groups, lambda: system.status, lambda: system.node_id, lambda: system.wait(0)):
        with pytest.raises(MoomarketsError, match="expected one that runs, got one that is stopped"):
            use()
    system.stop()


def test_a_running_system_is_not_started_twice(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    with (
        System(simulated.settings(owner_url, tmp_path)) as system,
        pytest.raises(MoomarketsError, match="got one that runs"),
    ):
        system.start()


def test_a_start_that_fails_takes_everything_back(
    simulated: Providers, owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = System(simulated.settings(owner_url, tmp_path))

    def fail(self: Scheduler) -> None:
        raise ValueError("no")

    monkeypatch.setattr(Scheduler, "init", fail)
    with pytest.raises(StartError, match="root/core/duties/scheduler"):
        system.start()

    assert not system.is_running
    assert system.runtime.tree() == []
    with psycopg.connect(owner_url) as connection:
        living = connection.execute("SELECT count(*) FROM nodes WHERE stopped_at IS NULL").fetchone()
        others = connection.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    assert living == others == (0,)


def test_two_systems_in_one_process_do_not_notice_each_other(
    simulated: Providers, postgres: TestPostgres, owner_url: str, tmp_path: Path
) -> None:
    with postgres.new_database() as other, providers() as others:
        ours = System(simulated.settings(owner_url, tmp_path / "ours"))
        theirs = System(others.settings(postgres.url(other, "owner"), tmp_path / "theirs"))
        with ours, theirs:
            run = ours.groups.run("reference")
            ended = run.wait(LONG_S)
            ours.stop()
            also_ended = theirs.groups.run("reference").wait(LONG_S)

    assert ended is also_ended is RunStatus.COMPLETED


def test_two_systems_on_one_fresh_database_start_together_and_share_the_work(
    simulated: Providers, owner_url: str, tmp_path: Path
) -> None:
    keys = {"keys_file": tmp_path / "keys.json"}
    one = System(simulated.settings(owner_url, tmp_path / "one", **keys))
    other = System(simulated.settings(owner_url, tmp_path / "other", **keys))
    runtime = ThreadRuntime()
    starts = [runtime.spawn(system.start, "start") for system in (one, other)]
    for start in starts:
        runtime.wait_for(start, LONG_S)
        start.result()
    runtime.close()

    ended = [one.groups.run("reference").wait(LONG_S), other.groups.run("daily-bars").wait(LONG_S)]
    for system in (one, other):
        system.stop()

    assert ended == [RunStatus.COMPLETED] * 2
    targets = [entry.target for entry in simulated.jquants.ledger.entries()]
    assert len(targets) == len(set(targets))


class Host(pykka.ThreadingActor):
    """An actor of the service that embeds us."""

    def on_receive(self, message: object) -> object:
        return message


def test_actors_of_the_host_and_ours_do_not_touch_each_other(
    simulated: Providers, owner_url: str, tmp_path: Path
) -> None:
    host = Host.start()

    with System(simulated.settings(owner_url, tmp_path)) as system:
        answer = host.ask("still there", timeout=5)
        pykka.ActorRegistry.stop_all()
        ended = system.groups.run("reference").wait(LONG_S)
    other = Host.start()
    with System(simulated.settings(owner_url, tmp_path)):
        pass
    after = other.ask("there too", timeout=5)
    pykka.ActorRegistry.stop_all()

    assert (answer, after) == ("still there", "there too")
    assert ended is RunStatus.COMPLETED


def test_the_end_of_the_tree_is_heard(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    ended = threading.Event()

    with System(simulated.settings(owner_url, tmp_path)) as system:
        system.on_end(ended.set)
        system.runtime.kill("root")
        heard = ended.wait(5)
        reason = system.wait(5)

    assert heard
    assert reason == KILLED


def test_what_is_due_is_booked_on_request(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    settings = simulated.settings(owner_url, tmp_path)
    with System(settings):
        pass
    with psycopg.connect(owner_url) as connection:
        connection.execute("UPDATE schedules SET counted_from = now() - interval '8 days'")

    with System(settings) as system:
        system.book_due()
        kinds = [run["kind"] for run in system.progress().look().runs]
        again = system.book_due()

    with psycopg.connect(owner_url) as connection:
        runs = connection.execute("SELECT count(*), min(kind) FROM runs").fetchone()
    assert kinds
    assert runs == (3, "scheduled")
    assert again == 0


def test_the_tree_is_drawn_with_every_server_of_it(simulated: Providers, owner_url: str, tmp_path: Path) -> None:
    with System(simulated.settings(owner_url, tmp_path, executors=2)) as system:
        drawn = repr(system.tree())
        activity = system.activity()

    for name in ("root", "manager", "claimer", "scheduler", "rescuer", "listener", "x0", "x1", "writer", "limiters"):
        assert f"{name} " in drawn
    assert activity["executors"] == 2
