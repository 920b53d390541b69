"""What the command changes: groups, jobs, sources and the whole, without a supervisor and beside one."""

from __future__ import annotations

import json

import pytest

from moomarkets.system import System
from tests.moomarkets.cli.conftest import Moomarkets, patiently

BARS = ("groups", "create", "bars", "--source", "jquants", "--job-type", "daily_quotes")


def shown(moomarkets: Moomarkets, *arguments: str) -> dict[str, object]:
    """What a command shows as JSON."""
    document: dict[str, object] = json.loads(moomarkets(*arguments, "--json").stdout)
    return document


def test_a_group_is_made_changed_shown_and_deleted(moomarkets: Moomarkets) -> None:
    made = moomarkets(*BARS, "--cron", "0 17 * * 1-5", "--timezone", "Asia/Tokyo", "--scope", '{"newest": 5}')
    changed = moomarkets("groups", "edit", "bars", "--priority", "9", "--max-parallel", "2", "--overlap", "queue")
    group = shown(moomarkets, "groups", "show", "bars")
    deleted = moomarkets("groups", "delete", "bars", "--yes")

    assert (made.exit_code, changed.exit_code, deleted.exit_code) == (0, 0, 0), made.output + changed.output
    assert group["schedule"] == {"cron": "0 17 * * 1-5", "timezone": "Asia/Tokyo"}
    assert (group["priority"], group["max_parallel"], group["overlap"]) == (9, 2, "queue")
    assert moomarkets("groups", "show", "bars").exit_code == 3


def test_a_dependency_is_spelled_with_its_match_and_its_policy(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)

    moomarkets("groups", "create", "below", "--job-type", "daily_quotes", "--after", "bars:same_date:block")

    group = shown(moomarkets, "groups", "show", "below")
    assert group["dependencies"] == [{"group": "bars", "match": "same_date", "on_failure": "block"}]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--priority", "11"], "priority: expected a whole number from 1"),
        (["--cron", "61 * * * *"], "expected"),
        (["--every", "60", "--cron", "0 1 * * *"], "schedule: expected one of --cron"),
        (["--timezone", "Asia/Tokyo"], "schedule: expected one of --cron"),
        (["--scope", "[1]"], "scope: expected a JSON object"),
        (["--after", "x:sometimes"], "after: expected GROUP[:latest|same_date"),
        (["--overlap", "both"], "overlap: expected one of skip"),
        (["--catch-up", "some"], "catch_up policy: expected one of skip"),
        (["--priority", "0"], "priority: expected a whole number from 1"),
        (["--max-parallel", "0"], "max_parallel: expected a whole number from 1"),
        (["--every", "0"], "every_s: expected 1 s"),
        (["--parent", "x", "--without", "parent"], "parent: expected either a value or --without"),
        (["--job", '{"key": "x"}'], "job: expected key and job_type"),
        (["--job", '{"key": "x", "job_type": "daily_quotes", "colour": 1}'], "job: expected key and job_type"),
    ],
)
def test_a_group_that_makes_no_sense_is_refused_with_2_and_nothing_is_stored(
    moomarkets: Moomarkets, options: list[str], words: str
) -> None:
    result = moomarkets(*BARS, *options)

    assert result.exit_code == 2
    assert words in result.stderr
    assert moomarkets("groups", "show", "bars").exit_code == 3


def test_an_edit_that_changes_nothing_is_refused(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)

    result = moomarkets("groups", "edit", "bars")

    assert result.exit_code == 2
    assert "expected at least one option" in result.stderr


def test_a_zero_is_a_value_like_any_other(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS, "--max-retries", "0")

    assert shown(moomarkets, "groups", "show", "bars")["max_retries"] == 0


def test_what_a_group_has_is_taken_away_again_and_its_name_changed(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)
    moomarkets("groups", "create", "top", "--job-type", "daily_quotes", "--disabled")
    moomarkets("groups", "edit", "bars", "--parent", "top", "--after", "top", "--every", "60", "--max-parallel", "2")

    taken = [word for what in ("parent", "after", "schedule", "max-parallel") for word in ("--without", what)]
    result = moomarkets("groups", "edit", "bars", *taken, "--name", "candles")

    group = shown(moomarkets, "groups", "show", "candles")
    assert result.exit_code == 0, result.output
    assert [group[field] for field in ("parent", "dependencies", "max_parallel")] == [None, [], None]
    assert group["schedule_is_enabled"] is False
    assert shown(moomarkets, "groups", "show", "top")["is_enabled"] is False


def test_each_run_of_a_group_does_the_jobs_that_were_given(moomarkets: Moomarkets) -> None:
    job = {"key": "x", "job_type": "daily_quotes", "parameters": {"a": 1}}
    moomarkets("groups", "create", "mine", "--job", json.dumps(job))

    moomarkets("groups", "schedule-job", "mine", "x", "daily_quotes", '{"a": 2}', "--name", "the second")
    moomarkets("groups", "schedule-job", "mine", "y", "daily_quotes")

    scope = shown(moomarkets, "groups", "show", "mine")["scope"]
    assert isinstance(scope, dict)
    told = [(job["key"], job["name"], job["parameters"]) for job in scope["jobs"]]
    assert told == [("x", "the second", {"a": 2}), ("y", "y", {})]


def test_without_a_terminal_a_group_is_deleted_only_with_yes(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)

    result = moomarkets("groups", "delete", "bars", input="y\n")

    assert result.exit_code == 2
    assert "expected --yes" in result.stderr
    assert moomarkets("groups", "show", "bars").exit_code == 0


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["groups", "run", "bars", "--for", "20261120"], "expected a date such as 2026-11-20, got '20261120'"),
        (["why", "bars", "tomorrow"], "expected a date such as 2026-11-20, got 'tomorrow'"),
        (["schedules", "occurrences", "--from", "2026-11-20"], "expected an instant with its offset from UTC"),
        (["jobs", "enqueue", "daily_quotes", "--due", "2026-11-20T08:00"], "expected an instant with its offset"),
    ],
)
def test_a_date_or_an_instant_that_is_none_is_refused_with_an_example(
    moomarkets: Moomarkets, command: list[str], words: str
) -> None:
    result = moomarkets(*command)

    assert result.exit_code == 2
    assert words in result.stderr


def test_a_run_is_asked_for_one_date_stopped_and_asked_for_again(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)

    asked = moomarkets("groups", "run", "bars", "--for", "2026-11-20")
    stopped = moomarkets("groups", "stop", "bars")

    (run,) = json.loads(moomarkets("runs", "list", "--json").stdout)
    assert asked.stdout == "bars: run 1 waits for the next start of a supervisor\n"
    assert stopped.exit_code == 0
    assert (run["for_on"], run["status"]) == ("2026-11-20", "cancelled")


def test_the_switches_of_a_group_turn_and_are_seen(moomarkets: Moomarkets) -> None:
    moomarkets(*BARS)

    states = []
    for verb in ("pause", "resume", "disable", "enable"):
        assert moomarkets("groups", verb, "bars").exit_code == 0
        group = shown(moomarkets, "groups", "show", "bars")
        states.append((group["status"], group["is_enabled"]))

    assert states == [("paused", True), ("idle", True), ("idle", False), ("idle", True)]


def test_the_switches_of_a_source_and_of_the_whole_turn_and_are_seen(moomarkets: Moomarkets) -> None:
    for verb in ("pause", "disable"):
        assert moomarkets("sources", verb, "yahoo").exit_code == 0
    assert moomarkets("pause").exit_code == 0
    moomarkets("groups", "create", "bars", "--source", "yahoo", "--job-type", "yahoo_daily_bars")
    moomarkets("groups", "run", "bars")

    remedies = str(shown(moomarkets, "why", "bars")["remedies"])

    for command in ("moomarkets resume", "moomarkets sources enable yahoo", "moomarkets sources resume yahoo"):
        assert f"`{command}`" in remedies
    assert moomarkets("sources", "resume", "yaho").exit_code == 3


def test_a_job_is_queued_paused_resumed_cancelled_and_tried_again(moomarkets: Moomarkets) -> None:
    queued = moomarkets("jobs", "enqueue", "daily_quotes", '{"date": "2026-11-20"}', "--unique-key", "one")
    again = moomarkets("jobs", "enqueue", "daily_quotes", "--unique-key", "one")

    states = []
    for verb in ("pause", "resume", "cancel", "retry", "disable", "enable"):
        result = moomarkets("jobs", verb, "1")
        assert result.exit_code == 0, result.output
        job = shown(moomarkets, "jobs", "show", "1")
        states.append((job["status"], job["is_enabled"]))

    assert queued.stdout == again.stdout == "job 1: daily_quotes\n"
    assert states[:4] == [("paused", True), ("pending", True), ("cancelled", True), ("pending", True)]
    assert [is_enabled for _, is_enabled in states[4:]] == [False, True]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["enqueue", "daily_quotes", "[]"], 2, "parameters: expected a JSON object"),
        (["enqueue", "daily_quote"], 2, "did you mean daily_quotes"),
        (["enqueue", "daily_quotes", "--priority", "0"], 2, "priority: expected a whole number from 1"),
        (["pause", "7"], 3, "job 7 does not exist"),
        (["show", "7"], 3, "job 7 does not exist"),
    ],
)
def test_a_job_that_makes_no_sense_or_does_not_exist_is_refused(
    moomarkets: Moomarkets, arguments: list[str], code: int, words: str
) -> None:
    result = moomarkets("jobs", *arguments)

    assert result.exit_code == code
    assert words in result.stderr


def test_what_has_ended_is_not_told_to_be_cancelled(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(30)

    result = moomarkets("jobs", "cancel", "2")

    assert result.stdout == "job 2: completed\n"


def test_failed_jobs_of_a_group_are_tried_again_by_their_reason(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(30)

    result = moomarkets("groups", "retry", "reference", "--reason", "upstream")
    refused = moomarkets("groups", "retry", "reference", "--reason", "rain")

    assert result.stdout == "reference: 0 jobs are tried again\n"
    assert refused.exit_code == 2


def test_a_supervisor_that_runs_hears_what_the_command_changes(moomarkets: Moomarkets, system: System) -> None:
    moomarkets("groups", "pause", "reference")
    moomarkets("groups", "run", "reference")
    assert patiently(lambda: moomarkets("runs", "list").stdout.count("paused"))

    moomarkets("groups", "resume", "reference")

    assert patiently(lambda: system.groups.list()[0]["status"] == "completed")


def test_a_run_shows_how_far_it_has_come(moomarkets: Moomarkets, system: System) -> None:
    run = system.groups.run("reference")
    run.wait(30)

    text = moomarkets("runs", "show", str(run.id)).stdout
    document = shown(moomarkets, "runs", "show", str(run.id))

    assert "jobs: 2 of 2 ended (100 %): 2 completed, 0 failed, 0 cancelled; 0 running" in text
    assert (document["done"], document["total"], document["eta_at"]) == (2, 2, None)
    assert moomarkets("runs", "show", "99").exit_code == 3


def test_why_prints_the_chain_from_the_schedule_to_the_rows(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(30)

    chain = moomarkets("why", "reference").stdout
    job = moomarkets("why", "2").stdout

    assert "schedule: at 06:00, Asia/Tokyo; next " in chain
    assert "run 1, manual for " in chain
    assert "jobs: 2 planned; 2 completed" in chain
    assert "wrote listed_issues: 49 rows in 1 parts (complete)" in chain
    assert "attempt 1, started " in job
    assert ": completed in " in job
    assert moomarkets("why", "other").exit_code == 3


def test_why_says_that_nothing_was_missing_where_nothing_was_planned(moomarkets: Moomarkets, system: System) -> None:
    for _ in range(2):
        system.groups.run("reference").wait(30)

    assert "jobs: none planned, as nothing was missing" in moomarkets("why", "reference").stdout


def test_the_failpoints_are_listed_with_their_places(moomarkets: Moomarkets) -> None:
    result = moomarkets("doctor", "--failpoints")

    assert result.exit_code == 0
    assert "claimed " in result.stdout
    assert "rows and coverage are written, not committed" in result.stdout


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_what_needs_attention_is_told_to_programs_too(moomarkets: Moomarkets, command: str) -> None:
    result = moomarkets(command, "--json")

    (problem,) = json.loads(result.stdout)
    assert problem.startswith("jquants: no credential")
    assert result.exit_code == 1


def test_a_source_is_shown_with_what_may_still_be_asked_of_it(moomarkets: Moomarkets) -> None:
    shown, as_json = moomarkets("sources", "show", "jquants"), moomarkets("sources", "show", "jquants", "--json")

    assert "5 of 5 requests of this minute left" in shown.output
    assert "no jobs wait" in shown.output
    assert json.loads(as_json.output)["budget"]["windows"][0]["free"] == 5
    assert moomarkets("sources", "show", "yaho").exit_code == 3
