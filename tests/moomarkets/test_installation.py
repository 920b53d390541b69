"""An installation: opened from settings, brought up to date, with its keyring proved and its sources there."""

from __future__ import annotations

import stat
from contextlib import ExitStack
from pathlib import Path

import pytest

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import NotFound, SettingsError
from moomarkets.domain.events import NoEvents
from moomarkets.domain.secret import Secret
from moomarkets.installation import Installation
from moomarkets.settings import Settings, SourceSettings
from moomarkets.store.embedded.server import EmbeddedServer
from moomarkets.testing.recorded_events import RecordedEvents
from tests.moomarkets.conftest import OpenInstallation
from tests.support.postgres import FAST, swept_directory

KEY = "a-key-of-the-provider"


def test_a_fresh_installation_has_its_sources_and_misses_their_credentials(
    open_installation: OpenInstallation,
) -> None:
    installation = open_installation()

    assert set(installation.source_ids) == {"jquants", "yahoo", "jquants-v1"}
    assert installation.missing_credentials() == ["jquants"]
    assert installation.status.work_left()["pending_runs"] == 0


def test_a_key_that_the_settings_give_is_kept_once(open_installation: OpenInstallation) -> None:
    given = {"sources": {"jquants": SourceSettings(api_key=Secret(KEY))}}
    sealed = "SELECT encrypted_credentials FROM data_source_credentials"

    first = open_installation(**given)
    with first.reads.transaction() as connection:
        before = bytes(connection.exec_driver_sql(sealed).scalar_one())
    second = open_installation(**given)
    with second.reads.transaction() as connection:
        after = bytes(connection.exec_driver_sql(sealed).scalar_one())

    assert second.missing_credentials() == []
    assert before == after


def test_a_keyring_is_made_private_and_asks_for_a_copy(
    open_installation: OpenInstallation, tmp_path: Path, events: RecordedEvents
) -> None:
    open_installation()

    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600
    assert events.of("keyring.created")


def test_another_keyring_is_noticed_at_once_and_a_given_key_replaces_what_does_not_open(
    open_installation: OpenInstallation, tmp_path: Path, events: RecordedEvents
) -> None:
    given = {"sources": {"jquants": SourceSettings(api_key=Secret(KEY))}}
    open_installation(**given)

    (tmp_path / "keys.json").unlink()
    installation = open_installation(**given)

    assert events.of("keyring.rejected")
    assert events.of("credential.rejected", source="jquants")
    assert installation.credentials.holds("jquants", {"api_key": Secret(KEY)})


def test_a_source_that_the_settings_switch_off_stays_off_until_they_say_otherwise(
    open_installation: OpenInstallation,
) -> None:
    open_installation(sources={"yahoo": SourceSettings(is_enabled=False)})

    assert not open_installation().status.is_enabled("yahoo")
    assert open_installation(sources={"yahoo": SourceSettings(is_enabled=True)}).status.is_enabled("yahoo")


def test_a_setting_for_a_source_that_nobody_knows_is_refused(open_installation: OpenInstallation) -> None:
    with pytest.raises(SettingsError, match="expected one of jquants, jquants-v1, yahoo, got 'jquant'"):
        open_installation(sources={"jquant": SourceSettings()})


def test_an_embedded_server_that_runs_is_shared_and_left_running(nothing_is_left: None) -> None:
    with swept_directory() as place:
        place.chmod(0o711)
        owner = EmbeddedServer(place / "data", clock=SystemClock(), events=NoEvents(), settings=FAST)
        owner.start()
        with ExitStack() as undo:
            settings = Settings(data_dir=place / "data")
            installation = Installation(settings, SystemClock(), NoEvents(), undo, shares=True)
            found = installation.status.is_enabled("yahoo")
        is_alive = owner.is_alive()
        owner.stop()

    assert found
    assert is_alive


def test_what_is_asked_of_an_unknown_source_is_not_found(open_installation: OpenInstallation) -> None:
    with pytest.raises(NotFound, match="source nowhere does not exist"):
        open_installation().status.is_enabled("nowhere")


def test_a_dataset_that_several_sources_keep_is_asked_of_the_one_that_is_on_by_default(
    open_installation: OpenInstallation,
) -> None:
    coverage = open_installation().coverage

    assert coverage.keeper("daily_bars").source == "jquants"
    assert coverage.keeper("jquants_v1_daily_bars").source == "jquants-v1"
