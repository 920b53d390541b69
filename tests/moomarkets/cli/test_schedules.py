"""What the command tells of schedules."""

from __future__ import annotations

import json

import pytest

from moomarkets.system import System
from tests.moomarkets.cli.conftest import Moomarkets

TOKYO = ("0 17 * * 1-5", "--timezone", "Asia/Tokyo", "--after", "2026-11-20T00:00+09:00")


def test_a_preview_says_in_words_and_in_instants_when_a_schedule_would_be_due(moomarkets: Moomarkets) -> None:
    result = moomarkets("schedules", "preview", *TOKYO, "-n", "2")

    assert result.stdout.splitlines() == [
        "at 17:00 on Monday to Friday, Asia/Tokyo",
        "2026-11-20 08:00:00 UTC",
        "2026-11-23 08:00:00 UTC",
    ]


def test_a_preview_takes_a_json_object_and_gives_one(moomarkets: Moomarkets) -> None:
    given = '{"every_s": 3600, "anchor": "2026-01-01T00:05:00+00:00"}'

    result = moomarkets("schedules", "preview", given, "--after", "2026-11-20T00:00:00+0000", "-n", "1", "--json")

    assert json.loads(result.stdout) == {"in_words": "every hour", "instants": ["2026-11-20T00:05:00+00:00"]}


@pytest.mark.parametrize(
    "given",
    [["61 * * * *"], ["0 1 * * *", "--timezone", "Asia/Tokio"], ['{"cron": 1}'], ["{"], ["0 1 * * *", "-n", "0"]],
)
def test_a_schedule_that_makes_no_sense_is_refused_with_2(moomarkets: Moomarkets, given: list[str]) -> None:
    result = moomarkets("schedules", "preview", *given)

    assert result.exit_code == 2
    assert "expected" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_schedules_of_groups_are_listed_with_what_is_due_next(moomarkets: Moomarkets, system: System) -> None:
    listed = moomarkets("schedules", "list").stdout
    following = json.loads(moomarkets("schedules", "next", "-n", "5", "--json").stdout)
    shown = moomarkets("schedules", "show", "reference", "-n", "2").stdout

    assert "at 06:00, Asia/Tokyo" in listed
    assert len(following) == 5
    assert [one["due_at"] for one in following] == sorted(one["due_at"] for one in following)
    assert shown.count("due: ") == 2


def test_the_ledger_is_told_by_group_and_outcome(moomarkets: Moomarkets, system: System) -> None:
    with system.installation.reads.transaction() as connection:
        connection.exec_driver_sql(
            "INSERT INTO occurrences (schedule_id, due_at, status, reason)"
            " SELECT id, '2026-11-19 21:00Z', 'skipped', 'overlap: run 7 is still under way' FROM schedules"
        )

    command = ("schedules", "occurrences", "--group", "reference", "--status", "skipped")
    found = json.loads(moomarkets(*command, "--to", "2026-11-20T00:00+00:00", "--json").stdout)

    assert [one["reason"] for one in found] == ["overlap: run 7 is still under way"]
    assert moomarkets("schedules", "occurrences", "--status", "lost").exit_code == 2
    assert moomarkets("schedules", "show", "other").exit_code == 3
