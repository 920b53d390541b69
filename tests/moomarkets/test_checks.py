"""The check: one sentence, with its remedy, for each thing that needs attention."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from moomarkets.checks import problems
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.secret import Secret
from moomarkets.installation import LOCAL_USER
from moomarkets.settings import SourceSettings
from moomarkets.store import groups
from tests.moomarkets.conftest import OpenInstallation

BARS = GroupDefinition("bars", "yahoo", ("yahoo_daily_bars",), schedule={"cron": "0 1 * * *", "timezone": "Asia/Tokyo"})
GIVEN = {"sources": {"jquants": SourceSettings(api_key=Secret("a-key-of-the-provider"))}}


def test_an_installation_with_its_credentials_is_well(open_installation: OpenInstallation) -> None:
    assert list(problems(open_installation(**GIVEN))) == []


def test_a_missing_credential_is_named_with_its_remedy(open_installation: OpenInstallation) -> None:
    assert list(problems(open_installation())) == [
        "jquants: no credential; give it with `moomarkets credentials set jquants`"
    ]


def test_a_source_that_is_switched_off_needs_no_credential(open_installation: OpenInstallation) -> None:
    installation = open_installation(sources={"jquants": SourceSettings(is_enabled=False)})

    assert list(problems(installation)) == []


def test_a_credential_that_does_not_open_is_named(open_installation: OpenInstallation, tmp_path: Path) -> None:
    open_installation(**GIVEN)
    (tmp_path / "keys.json").unlink()

    found = list(problems(open_installation()))

    assert len(found) == 1
    assert found[0].startswith("jquants: its credential does not open")
    assert "put that key back, or set it anew" in found[0]


def test_groups_that_failed_or_wait_are_named(open_installation: OpenInstallation) -> None:
    installation = open_installation(**GIVEN)
    with installation.reads.transaction() as connection:
        for name in ("broken", "waiting"):
            groups.create(connection, LOCAL_USER, GroupDefinition(name, "yahoo", ("yahoo_daily_bars",)))
        connection.execute(
            text(
                """
                INSERT INTO runs (job_group_id, creation_key, kind, status, blocked_by, total_jobs, failed_jobs)
                SELECT id, gen_random_uuid(), 'manual', CASE name WHEN 'broken' THEN 'failed' ELSE 'pending' END,
                       CASE name WHEN 'waiting' THEN 'paused' END, 2, CASE name WHEN 'broken' THEN 2 ELSE 0 END
                FROM job_groups
                """
            )
        )

    assert list(problems(installation)) == [
        "group broken: its newest run failed with 2 failed jobs; see why with `moomarkets why broken`, "
        "try them again with `moomarkets groups retry broken`",
        "group waiting: waits for paused; see `moomarkets why waiting`",
    ]


def test_what_rests_is_named_with_the_command_that_wakes_it(open_installation: OpenInstallation) -> None:
    installation = open_installation(**GIVEN)
    installation.groups.create(BARS)
    installation.groups.pause("bars")
    installation.sources.pause("yahoo")
    installation.switches.pause()

    assert list(problems(installation)) == [
        "the whole is paused: nothing is booked or started; let it go on with `moomarkets resume`",
        "yahoo: paused; let it go on with `moomarkets sources resume yahoo`",
        "group bars: paused; let it go on with `moomarkets groups resume bars`",
    ]


def test_a_stored_group_that_would_be_refused_now_is_named_with_its_field(open_installation: OpenInstallation) -> None:
    installation = open_installation(**GIVEN)
    installation.groups.create(BARS)
    with installation.reads.transaction() as connection:
        connection.execute(text("""UPDATE schedules SET spec = '{"cron": "0 1 * * *", "timezone": "Asia/Nowhere"}'"""))

    (problem,) = problems(installation)

    assert problem.startswith("group bars: ")
    assert "Asia/Nowhere" in problem
    assert problem.endswith("give another value with `moomarkets groups edit bars`")


def test_a_schedule_that_rests_says_why(open_installation: OpenInstallation) -> None:
    installation = open_installation(**GIVEN)
    installation.groups.create(BARS)
    with installation.reads.transaction() as connection:
        connection.execute(text("UPDATE schedules SET error = 'no such zone'"))

    assert list(problems(installation)) == [
        "group bars: its schedule rests (no such zone); give another one with `moomarkets groups edit bars`"
    ]


def test_circles_and_groups_behind_one_that_is_switched_off_are_named(open_installation: OpenInstallation) -> None:
    installation = open_installation(**GIVEN)
    installation.groups.create(BARS)
    installation.groups.create(replace(BARS, name="below", schedule=None, depends_on=("bars",)))
    installation.groups.disable("bars")
    with installation.reads.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO job_group_dependencies (job_group_id, depends_on_id)"
                " SELECT above.id, below.id FROM job_groups AS above, job_groups AS below"
                " WHERE above.name = 'bars' AND below.name = 'below'"
            )
        )

    found = list(problems(installation))

    assert found == [
        "groups: depends_on: expected groups that do not depend on themselves, got 'bars -> below -> bars'",
        "group below: waits for group bars, which is switched off; switch it on with `moomarkets groups enable bars`",
    ]
