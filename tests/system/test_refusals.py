"""What cannot work ends with one clear sentence and the right exit code."""

from __future__ import annotations

import json

from tests.support.supervisor import Playground


def test_a_second_supervisor_on_the_same_directory_ends_with_4_and_names_the_first(ground: Playground) -> None:
    first = ground.start("--demo")
    first.wait_ready()

    second = ground.start("--demo", "--once")

    assert second.wait() == 4
    assert str(first.pid) in second.errors
    assert "Traceback" not in second.errors


def test_all_faults_of_the_settings_are_told_at_once_with_78(ground: Playground) -> None:
    supervisor = ground.start(MOOMARKETS_EXECUTORS="none", MOOMARKETS_LEASE="5", MOOMARKETS_POLL_S="-1")

    assert supervisor.wait() == 78
    for name in ("MOOMARKETS_EXECUTORS", "MOOMARKETS_LEASE", "MOOMARKETS_POLL_S"):
        assert name in supervisor.errors
    assert "did you mean MOOMARKETS_LEASE_S" in supervisor.errors


def test_a_database_that_cannot_be_reached_ends_with_69_and_hides_the_password(ground: Playground) -> None:
    supervisor = ground.start("--database-url", "postgresql://me:hunter2@127.0.0.1:1/none")

    assert supervisor.wait() == 69
    assert "hunter2" not in supervisor.errors
    assert len(supervisor.errors.strip().splitlines()) == 1


def test_a_database_newer_than_the_code_ends_with_78_and_is_left_alone(ground: Playground) -> None:
    with ground.installation() as installation:
        owner = installation.place.server
        assert owner is not None
        with owner.connected_as_manager("moomarkets") as manager:
            manager.execute("UPDATE alembic_version SET version_num = '9999'")

    supervisor = ground.start("--demo", "--once")

    assert supervisor.wait() == 78
    assert "9999" in supervisor.errors


def test_with_json_logs_every_line_on_standard_error_is_json(ground: Playground) -> None:
    beginner = ground.start("--once", "--log", "json", MOOMARKETS_SOURCES__JQUANTS__API_KEY="")
    refused = ground.start("--log", "json", MOOMARKETS_EXECUTORS="none")

    assert (beginner.wait(), refused.wait()) == (1, 78)
    told = [json.loads(line) for line in beginner.errors.splitlines()]
    assert "moomarkets credentials set jquants" in [line.get("remedy") for line in told]
    (line,) = refused.errors.splitlines()
    assert json.loads(line)["error"].startswith("MOOMARKETS_EXECUTORS: expected a whole number")


def test_an_unknown_option_ends_with_2(ground: Playground) -> None:
    assert ground.start("--twice").wait() == 2


def test_a_wrong_key_costs_one_request_and_ends_with_1(ground: Playground) -> None:
    supervisor = ground.start("--demo", "--once", MOOMARKETS_SOURCES__JQUANTS__API_KEY="not-the-key")

    assert supervisor.wait() == 1
    assert len(ground.jquants.ledger.entries()) == 1
    assert "not-the-key" not in supervisor.errors + "".join(supervisor.output)


def test_without_a_key_it_says_what_is_missing_and_does_what_needs_none(ground: Playground) -> None:
    supervisor = ground.start("--once", MOOMARKETS_SOURCES__JQUANTS__API_KEY="")

    assert supervisor.wait() == 1
    assert "moomarkets credentials set jquants" in supervisor.errors
    assert "yahoo-daily-bars: completed, 5/5 jobs" in "".join(supervisor.output)
    assert not ground.jquants.ledger.entries()
