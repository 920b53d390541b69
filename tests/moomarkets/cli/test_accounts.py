"""The commands for keys, credentials, users and purge: what they print, and with which exit code they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from moomarkets.system import System
from tests.moomarkets.cli.conftest import Moomarkets

KEY = "the-key-of-the-provider"


def test_a_key_is_added_rotated_to_and_the_old_one_removed(moomarkets: Moomarkets, tmp_path: Path) -> None:
    moomarkets("credentials", "set", "jquants", input=f"{KEY}\n")

    new = moomarkets("keys", "new")
    early = moomarkets("keys", "remove", "k1")
    rotated = moomarkets("keys", "rotate")
    removed = moomarkets("keys", "remove", "k1")
    verified = moomarkets("keys", "verify")

    assert new.stdout.startswith("k2: the primary key from now on; back up the file ")
    assert (early.exit_code, "run `moomarkets keys rotate` first" in early.stderr) == (4, True)
    assert rotated.stdout == "k2: 1 sealed anew, 0 left\n"
    assert removed.stdout == "k1: removed\n"
    assert verified.stdout == "the keyring is that of this database; 1 sealed values open\n"
    assert json.loads((tmp_path / "keys.json").read_text())["keys"].keys() == {"k2"}


def test_keys_and_credentials_are_listed_without_any_secret(moomarkets: Moomarkets) -> None:
    moomarkets("credentials", "set", "jquants", input=f"{KEY}\n")

    keys = json.loads(moomarkets("keys", "list", "--json").stdout)
    table = moomarkets("credentials", "list").stdout
    (credential,) = json.loads(moomarkets("credentials", "list", "--json").stdout)

    assert [(key["key_id"], key["is_primary"], key["credentials"]) for key in keys] == [("k1", True, 1)]
    assert (credential["state"], credential["credential"]) == ("present", "api_key …ider")
    assert "present" in table
    assert KEY not in table


def test_a_refused_credential_ends_validate_with_5(moomarkets: Moomarkets, system: System) -> None:
    good = moomarkets_of(moomarkets, system, "credentials", "validate", "jquants")

    moomarkets("credentials", "set", "jquants", input=f"{KEY}\n")
    bad = moomarkets_of(moomarkets, system, "credentials", "validate", "jquants")

    assert (good.exit_code, good.stdout) == (0, "jquants: the provider accepts this credential\n")
    assert (bad.exit_code, bad.stderr) == (5, "jquants: the provider refuses this credential\n")
    assert moomarkets("check").stdout.startswith("jquants: the provider refused its credential; set it anew")


def moomarkets_of(moomarkets: Moomarkets, system: System, *arguments: str):  # type: ignore[no-untyped-def]
    """The command with the settings of the system for its source."""
    return moomarkets(
        *arguments, env={"MOOMARKETS_SOURCES__JQUANTS__BASE_URL": system.settings.sources["jquants"].base_url}
    )


def test_users_are_added_changed_listed_and_act(moomarkets: Moomarkets) -> None:
    added = moomarkets("users", "add", "eve", "--password", input="a long enough password\n")
    role = moomarkets("users", "role", "eve", "viewer")
    listed = json.loads(moomarkets("users", "list", "--json").stdout)
    as_eve = moomarkets("--user", "eve", "users", "list", "--json")
    forbidden = moomarkets("--user", "eve", "users", "add", "bob")
    disabled = moomarkets("users", "disable", "eve")

    assert (added.stdout, role.stdout, disabled.stdout) == (
        "eve: added, operator\n",
        "eve: viewer\n",
        "eve: switched off\n",
    )
    assert [(one["name"], one["role"], one["has_password"]) for one in listed] == [
        ("local", "admin", False),
        ("eve", "viewer", True),
    ]
    assert [one["name"] for one in json.loads(as_eve.stdout)] == ["eve"]
    assert (forbidden.exit_code, forbidden.stderr.count("\n")) == (4, 1)
    assert moomarkets("--user", "eve", "status").exit_code == 4
    assert moomarkets("--user", "nobody", "status").exit_code == 3


def test_a_user_goes_only_when_one_is_sure(moomarkets: Moomarkets) -> None:
    moomarkets("users", "add", "eve")

    asked = moomarkets("users", "remove", "eve")
    done = moomarkets("users", "remove", "eve", "--yes")

    assert asked.exit_code == 1
    assert "eve: nothing is theirs; say --yes to do it" in asked.stderr
    assert done.stdout.endswith("eve: removed\n")
    assert moomarkets("users", "remove", "eve", "--yes").exit_code == 3


def test_a_purge_says_what_would_go_and_then_deletes_it(moomarkets: Moomarkets, system: System) -> None:
    system.groups.run("reference").wait(60)

    dry = json.loads(moomarkets("purge", "--source", "jquants", "--all", "--dry-run", "--json").stdout)
    unsure = moomarkets("purge", "--source", "jquants", "--all")
    done = moomarkets("purge", "--source", "jquants", "--all", "--dataset", "listed_issues", "--yes")

    rows = {one["dataset"]: one["rows"] for one in dry}
    assert rows["listed_issues"] > 40
    assert (unsure.exit_code, "nothing deleted; say --yes" in unsure.stderr) == (1, True)
    assert f"deleted: {rows['listed_issues']} listed_issues; 0 revisions, 1 entries of coverage" in done.stdout
    assert system.status.datasets()["trading_calendar"] > 0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["purge", "--source", "jquants"], 2, "purge: expected one of --all"),
        (["purge", "--source", "other", "--all"], 3, "source other does not exist"),
        (["purge", "--source", "jquants", "--before", "soon"], 2, "expected a date such as 2026-11-20, got 'soon'"),
        (["credentials", "validate", "yahoo"], 2, "source: expected one that needs a credential"),
        (["credentials", "validate", "jquant"], 3, "source jquant does not exist; there are: jquants"),
        (["data", "history", "daily_bars", "--on", "2024-02-30"], 2, "on: expected a date such as 2026-11-20"),
        (["keys", "remove", "k7"], 3, "key k7 does not exist; there are: k1"),
        (["users", "add", "Not A Name"], 2, "user: expected 1-64 small letters"),
        (["users", "role", "nobody", "admin"], 3, "user nobody does not exist; there are: local"),
        (["users", "disable", "local"], 4, "user local: expected one beside another enabled admin"),
        (["credentials", "validate", "jquants"], 5, "jquants: no credential"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    moomarkets: Moomarkets, arguments: list[str], code: int, words: str
) -> None:
    result = moomarkets(*arguments)

    assert result.exit_code == code
    assert words in result.stderr
    assert "Traceback" not in result.output
