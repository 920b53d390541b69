"""Credentials: sealed at rest, never given back, refused where they cannot be right."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from datasources.simulators.jquants import DEMO_KEY
from moomarkets.domain.credential import CredentialState
from moomarkets.domain.errors import CredentialsMissing, InvalidInput, NotFound
from moomarkets.domain.secret import Secret
from moomarkets.settings import SourceSettings
from tests.moomarkets.conftest import OpenInstallation
from tests.support.providers import Providers

KEY = "k3y-0f-the-pr0vider"


def test_a_credential_is_kept_sealed(open_installation: OpenInstallation, owner_url: str) -> None:
    credentials = open_installation().credentials

    credentials.set("jquants", {"api_key": Secret(KEY)})

    with psycopg.connect(owner_url) as connection:
        raw = connection.execute("SELECT encrypted_credentials FROM data_source_credentials").fetchone()
    assert raw is not None
    assert KEY.encode() not in bytes(raw[0])
    assert credentials.is_set("jquants")
    assert credentials.holds("jquants", {"api_key": Secret(KEY)})
    assert not credentials.holds("jquants", {"api_key": Secret("another")})


def test_a_second_credential_takes_the_place_of_the_first(open_installation: OpenInstallation) -> None:
    credentials = open_installation().credentials

    for key in (KEY, "newer-key"):
        credentials.set("jquants", {"api_key": Secret(key)})

    assert credentials.holds("jquants", {"api_key": Secret("newer-key")})


def test_a_removed_credential_is_gone_and_cannot_be_removed_twice(open_installation: OpenInstallation) -> None:
    credentials = open_installation().credentials
    credentials.set("jquants", {"api_key": Secret(KEY)})

    credentials.remove("jquants")

    assert not credentials.is_set("jquants")
    with pytest.raises(NotFound, match="credential of source jquants"):
        credentials.remove("jquants")


def test_a_credential_of_an_unknown_source_is_refused(open_installation: OpenInstallation) -> None:
    with pytest.raises(NotFound, match="source nowhere does not exist"):
        open_installation().credentials.set("nowhere", {"api_key": Secret(KEY)})


def test_what_cannot_be_a_key_is_refused_without_showing_it(open_installation: OpenInstallation) -> None:
    credentials = open_installation().credentials

    for text in ("", "with space", "line\nbreak", "鍵", "x" * 4097, "tab\t", "nul\0"):
        with pytest.raises(InvalidInput, match="expected 1 to 4096 visible ASCII") as failure:
            credentials.set("jquants", {"api_key": Secret(text)})
        assert not text or text not in str(failure.value)

    assert not credentials.is_set("jquants")


def test_an_empty_credential_is_refused(open_installation: OpenInstallation) -> None:
    with pytest.raises(InvalidInput):
        open_installation().credentials.set("jquants", {})


def test_the_key_file_alone_opens_what_is_sealed(open_installation: OpenInstallation, tmp_path: Path) -> None:
    open_installation().credentials.set("jquants", {"api_key": Secret(KEY)})

    assert open_installation().credentials.holds("jquants", {"api_key": Secret(KEY)})
    assert KEY not in (tmp_path / "keys.json").read_text()


def test_a_list_says_everything_but_the_credential(open_installation: OpenInstallation) -> None:
    credentials = open_installation().credentials
    (missing,) = credentials.list()

    was = credentials.set("jquants", {"api_key": Secret(KEY)})
    (kept,) = credentials.list()

    assert (missing["source"], missing["state"], was) == ("jquants", "missing", CredentialState.MISSING)
    assert (kept["state"], kept["credential"], kept["key_id"]) == ("present", "api_key …ider", "k1")
    assert kept["set_at"] is not None
    assert kept["last_validated_at"] is None
    assert KEY not in str(kept)


def test_tokens_that_have_all_ended_make_it_expired(open_installation: OpenInstallation, owner_url: str) -> None:
    credentials = open_installation().credentials
    credentials.set("jquants", {"api_key": Secret(KEY)})

    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("UPDATE data_source_credentials SET refresh_token_expired_at = now() - interval '1 hour'")
        expired = credentials.show("jquants")["state"]
        connection.execute("UPDATE data_source_credentials SET id_token_expired_at = now() + interval '1 hour'")

    assert (expired, credentials.show("jquants")["state"]) == ("expired", "present")


def test_a_provider_is_asked_with_one_request_and_its_answer_is_kept(
    simulated: Providers, open_installation: OpenInstallation, tmp_path: Path
) -> None:
    sources = simulated.settings(None, tmp_path, key=None).sources
    credentials = open_installation(sources=sources).credentials
    with pytest.raises(CredentialsMissing):
        credentials.validate("jquants")

    credentials.set("jquants", {"api_key": Secret(DEMO_KEY)})
    accepted = credentials.validate("jquants")
    credentials.set("jquants", {"api_key": Secret("a-wrong-key")})
    forgotten = credentials.show("jquants")
    refused = credentials.validate("jquants")

    assert (accepted, refused, len(simulated.jquants.ledger.entries())) == (True, False, 2)
    assert forgotten["last_validated_at"] is None
    assert credentials.show("jquants")["is_accepted"] is False
    assert credentials.show("jquants")["last_validated_at"] is not None


def test_a_try_counts_against_the_limits_that_a_supervisor_keeps(
    simulated: Providers, open_installation: OpenInstallation, tmp_path: Path, owner_url: str
) -> None:
    narrow = {"jquants": SourceSettings(base_url=simulated.jquants.base_url, limits=[[1, 2]], api_key=Secret("k" * 20))}
    credentials = open_installation(sources=narrow).credentials

    with psycopg.connect(owner_url) as connection:
        credentials.validate("jquants")
        found = connection.execute("SELECT count(*) FROM permits").fetchone()

    assert found == (1,)
