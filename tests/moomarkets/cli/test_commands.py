"""The command `moomarkets`: what it prints, with which exit code it ends, and that it never ends in a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from moomarkets.cli import main
from moomarkets.system import System
from tests.moomarkets.cli.conftest import Moomarkets, patiently


def test_status_of_a_fresh_database_says_that_nothing_is_there_yet(moomarkets: Moomarkets) -> None:
    result = moomarkets("status")

    assert result.exit_code == 0
    assert "no groups yet" in result.stdout
    assert "rows: none yet" in result.stdout
    assert "left to do: nothing" in result.stdout
    assert "supervisors: none runs" in result.stdout


def test_status_names_groups_rows_and_the_supervisors_that_run(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(30)

    text = moomarkets("status").stdout
    document = json.loads(moomarkets("status", "--json").stdout)

    assert "yahoo-daily-bars" in text
    assert "next run (UTC)" in text
    assert "50 listed_issues" in text or "49 listed_issues" in text
    assert "supervisors: pid " in text
    assert [group["status"] for group in document["groups"]] == ["completed", "idle", "idle"]
    assert document["groups"][0]["completed_at"].count("T") == 1
    assert document["left"]["failed_groups"] == 0


def test_lists_show_jobs_and_their_attempts_as_table_and_as_json(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(30)

    jobs = json.loads(moomarkets("jobs", "list", "--group", "reference", "--json").stdout)
    attempts = json.loads(moomarkets("executions", "list", "--limit", "2", "--json").stdout)

    assert {job["name"] for job in jobs} == {"plan", "trading calendar", "listed companies"}
    assert len(attempts) == 2
    assert "listed companies" in moomarkets("jobs", "list", "--status", "completed").stdout
    assert "completed" in moomarkets("executions", "list", "--group", "reference").stdout
    assert "daily-bars" in moomarkets("groups", "list").stdout


def test_a_run_that_is_asked_for_starts_with_the_supervisor_that_runs(moomarkets: Moomarkets, system: System) -> None:
    result = moomarkets("groups", "run", "reference")

    assert result.exit_code == 0
    assert result.stdout == "reference: run 1 asked for\n"
    assert patiently(lambda: system.groups.list()[0]["status"] == "completed")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["groups", "run", "other"], 3, "group other does not exist; there are: reference, daily-bars"),
        (["jobs", "list", "--group", "other"], 3, "group other does not exist"),
        (["executions", "list", "--group", "other"], 3, "group other does not exist"),
        (["jobs", "list", "--status", "done"], 2, "status: expected one of idle, pending"),
        (["executions", "list", "--limit", "0"], 2, "limit: expected a whole number from 1 to 500, got 0"),
    ],
)
def test_names_and_values_that_do_not_exist_are_refused_in_one_sentence(
    moomarkets: Moomarkets, system: System, arguments: list[str], code: int, words: str
) -> None:
    result = moomarkets(*arguments)

    assert result.exit_code == code
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout == ""


def test_a_credential_is_read_kept_checked_and_removed_and_never_shown(moomarkets: Moomarkets) -> None:
    kept = moomarkets("credentials", "set", "jquants", input="the-key-itself\n")
    well = moomarkets("check")
    removed = moomarkets("credentials", "remove", "jquants")
    missing = moomarkets("check")
    again = moomarkets("credentials", "remove", "jquants")

    assert (kept.exit_code, kept.stdout) == (0, "jquants: credential kept\n")
    assert (well.exit_code, well.stdout) == (0, "all is well\n")
    assert (removed.exit_code, removed.stdout) == (0, "jquants: credential removed\n")
    assert missing.exit_code == 1
    assert missing.stdout.endswith("1 thing needs attention\n")
    assert again.exit_code == 3
    assert "the-key-itself" not in kept.output + well.output + removed.output


@pytest.mark.parametrize(
    ("source", "key", "code", "words"),
    [
        ("jquant", "k", 3, "source jquant does not exist; there are: jquants, jquants-v1, yahoo"),
        ("yahoo", "k", 2, "source: expected one that needs a credential (jquants, jquants-v1), got 'yahoo'"),
        ("jquants", "", 2, "api_key: expected 1 to 4096 visible ASCII characters without spaces, got ''"),
        ("jquants", "two words", 2, "api_key: expected 1 to 4096 visible ASCII characters without spaces, got ***"),
    ],
)
def test_a_credential_that_makes_no_sense_is_refused(
    moomarkets: Moomarkets, source: str, key: str, code: int, words: str
) -> None:
    result = moomarkets("credentials", "set", source, input=key)

    assert result.exit_code == code
    assert words in result.stderr.splitlines()


def test_an_upgrade_says_which_version_the_database_has(moomarkets: Moomarkets) -> None:
    assert moomarkets("db", "upgrade").stdout.startswith("database is at version 0")


def test_settings_that_make_no_sense_are_told_under_the_names_that_the_person_wrote(moomarkets: Moomarkets) -> None:
    result = moomarkets(
        "status", env={"MOOMARKETS_SOURCES__JQUANTS__PLAN": "gold", "MOOMARKETS_SOURCES__NYSE__PLAN": "x"}
    )

    assert result.exit_code == 78
    assert (
        "MOOMARKETS_SOURCES__JQUANTS__PLAN: expected one of free, light, standard, premium, got 'gold'" in result.stderr
    )
    assert "sources.nyse: expected one of jquants, jquants-v1, yahoo, got 'nyse'" in result.stderr


def test_a_file_in_the_place_of_the_data_directory_ends_with_78(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    result = CliRunner().invoke(main, ["--data-dir", str(tmp_path / "file"), "status"])

    assert result.exit_code == 78
    assert result.stderr.startswith(f"data directory {tmp_path / 'file'}: expected a directory")


def test_a_command_that_is_interrupted_ends_with_130_and_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("moomarkets.cli.opening.load_settings", interrupted)

    result = CliRunner().invoke(main, ["status"])

    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")


def _commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            yield from _commands(below, (*path, name))


@pytest.mark.parametrize("command", list(_commands(main)), ids=" ".join)
def test_every_command_explains_itself_without_cutting_its_words_off(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"])

    assert result.exit_code == 0
    assert "..." not in result.stdout.replace("...]", "").replace("[ARGS]...", "").replace("[DATASET]...", "")
