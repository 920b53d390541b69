"""The check: one sentence, with its remedy, for each thing that needs attention."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from moomarkets.checks import problems
from moomarkets.domain.group import GroupDefinition
from moomarkets.domain.secret import Secret
from moomarkets.installation import LOCAL_USER
from moomarkets.settings import SourceSettings
from moomarkets.store import groups
from tests.moomarkets.conftest import OpenInstallation

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
    assert "put the keyring back or set it anew" in found[0]


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
        "group broken: its newest run failed with 2 failed jobs; see why with "
        "`moomarkets jobs list --group broken --status failed`, run it again with `moomarkets groups run broken`",
        "group waiting: waits for paused",
    ]
