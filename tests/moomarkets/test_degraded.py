"""Without its key a system starts all the same: what needs the key waits, says so, and goes on when it is back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY
from moomarkets.cli import main
from moomarkets.domain.group import RunStatus
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.patience import eventually
from tests.support.providers import Providers

SEALED = text("SELECT encrypted_credentials FROM data_source_credentials")
REASON = "credentials: that of jquants does not open; put the key back (`moomarkets keys verify`)"


@pytest.fixture
def lost(simulated: Providers, owner_url: str, tmp_path: Path) -> Path:
    """Where the keyring lies now, after a system has sealed a credential with it."""
    with System(simulated.settings(owner_url, tmp_path)):
        pass
    return (tmp_path / "keys.json").rename(tmp_path / "aside")


@contextmanager
def without_key(simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents) -> Iterator[System]:
    with System(simulated.settings(owner_url, tmp_path, key=None, poll_s=0.2), events=events) as system:
        events.wait_for("credential.unreadable")
        yield system


def sealed(system: System) -> Any:
    return system.installation.reads.perform(lambda connection: bytes(connection.execute(SEALED).scalar_one()))


def moomarkets(owner_url: str, tmp_path: Path, *arguments: str, **given: Any) -> Result:
    return CliRunner().invoke(main, ["--database-url", owner_url, "--data-dir", str(tmp_path), *arguments], **given)


def test_a_run_waits_for_the_key_and_goes_on_without_a_restart(
    lost: Path, simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with without_key(simulated, owner_url, tmp_path, events) as system:
        before = sealed(system)
        run = system.groups.run("reference")
        assert eventually(lambda: run.show()["blocked_by"] == REASON)
        remedies = system.why.group("reference").remedies
        sent = simulated.requests

        lost.rename(tmp_path / "keys.json")

        assert run.wait(60) is RunStatus.COMPLETED
        assert sealed(system) == before
        assert sent == 0
        assert any("does not open: put the key back" in remedy for remedy in remedies)


def test_every_face_says_what_does_not_open(
    lost: Path, simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with without_key(simulated, owner_url, tmp_path, events) as system:
        listed = system.credentials.list()
        status = json.loads(moomarkets(owner_url, tmp_path, "status", "--json").stdout)
        check = moomarkets(owner_url, tmp_path, "check")
        verify = moomarkets(owner_url, tmp_path, "keys", "verify")
        tried = moomarkets(owner_url, tmp_path, "credentials", "validate", "jquants")

    assert (listed[0]["state"], listed[0]["key_id"], listed[0]["credential"]) == ("unreadable", "k1", None)
    assert status["credentials"] == [{"source": "jquants", "state": "unreadable"}]
    assert check.exit_code == 1
    assert "jquants: its credential does not open (key k1) with the file" in check.stdout
    assert verify.exit_code == 1
    assert "does not open: jquants of user local: encrypted_credentials (key k1)" in verify.stderr
    assert (tried.exit_code, simulated.requests) == (5, 0)


def test_a_person_may_give_the_credential_anew_and_is_told_what_that_replaces(
    lost: Path, simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with without_key(simulated, owner_url, tmp_path, events) as system:
        run = system.groups.run("reference")
        assert eventually(lambda: run.show()["blocked_by"] == REASON)

        result = moomarkets(owner_url, tmp_path, "credentials", "set", "jquants", input=f"{DEMO_KEY}\n")

        assert result.stdout == "jquants: credential kept, in place of one that did not open\n"
        assert run.wait(60) is RunStatus.COMPLETED


def test_a_credential_that_is_damaged_in_the_middle_of_a_run_costs_no_attempt(
    simulated: Providers, owner_url: str, tmp_path: Path, events: RecordedEvents
) -> None:
    with System(simulated.settings(owner_url, tmp_path, poll_s=0.2), events=events) as system:
        system.groups.run("reference").wait(60)

        run = system.groups.run("daily-bars")
        change(system, "decode('00', 'hex') || encrypted_credentials")
        assert eventually(lambda: events.of("credential.unreadable") and not system.activity()["running"])
        spent = {job["retry_count"] for job in system.jobs.list(group="daily-bars")}
        change(system, "substring(encrypted_credentials FROM 2)")

        assert run.wait(60) is RunStatus.COMPLETED
        assert spent <= {0}


def change(system: System, value: str) -> None:
    """Put another value, as SQL, in the place of the sealed credential."""
    sql = text(f"UPDATE data_source_credentials SET encrypted_credentials = {value}")
    system.installation.reads.perform(lambda connection: connection.execute(sql) and None)
