from __future__ import annotations

import json

import pytest

from datasources.jquants.endpoints import JQUANTS
from moomarkets.domain.coverage import Covered
from moomarkets.store import quarantine, sources
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.quarantine import Captive
from tests.moomarkets.cli.conftest import Moomarkets
from tests.moomarkets.store.scene import LOCAL, START

DAY = START.date()
BODY = b'{"data":[{"Date":"2026-11-20","HolDiv":"1"}]}'


@pytest.fixture
def kept(moomarkets: Moomarkets, database_url: str) -> int:
    """An answer of the trading calendar in quarantine."""
    assert moomarkets("quarantine", "list").exit_code == 0  # migrates
    found = {"rule": "odd", "severity": "reject", "detail": "looked odd", "count": 1, "keys": [["2026-11-20"]]}
    captive = Captive(
        "trading_calendar", "trading_calendar", Covered("ALL", DAY, DAY, START), "quarantined", "it looked odd",
        (BODY,), 1, [found],
    )  # fmt: skip
    database = Database(database_url, purpose="tests")
    try:
        source_id = database.perform(lambda connection: sources.ensure(connection, JQUANTS))
        return database.perform(lambda connection: quarantine.keep(connection, Owner(LOCAL, source_id), captive, START))
    finally:
        database.close()


def test_an_answer_is_listed_shown_and_printed_as_it_came(kept: int, moomarkets: Moomarkets) -> None:
    (listed,) = json.loads(moomarkets("quarantine", "list", "--json").stdout)
    shown = moomarkets("quarantine", "show", str(kept)).stdout

    assert (listed["id"], listed["status"]) == (kept, "open")
    assert "trading_calendar of 2026-11-20 (jquants, ALL): open" in shown
    assert "odd (reject): looked odd: 2026-11-20" in shown
    assert moomarkets("quarantine", "body", str(kept)).stdout_bytes == BODY + b"\n"


def test_check_names_it_until_it_is_released(kept: int, moomarkets: Moomarkets) -> None:
    before = moomarkets("check")

    released = moomarkets("quarantine", "release", str(kept), "--note", "checked by hand")

    assert f"look at it with `moomarkets quarantine show {kept}`" in before.stdout
    assert released.stdout == "trading_calendar of 2026-11-20: stored\n"
    assert "quarantine" not in moomarkets("check").stdout
    assert "released by local at" in moomarkets("quarantine", "show", str(kept)).stdout
    assert [found["rule"] for found in json.loads(moomarkets("findings", "--json").stdout)] == ["odd"]


def test_a_dismissed_one_cannot_be_released_and_an_unknown_one_neither(kept: int, moomarkets: Moomarkets) -> None:
    assert moomarkets("quarantine", "dismiss", str(kept)).exit_code == 0

    again, unknown = moomarkets("quarantine", "release", str(kept)), moomarkets("quarantine", "release", "77")

    assert "expected one that is open, got one that was dismissed" in again.stderr
    assert "answer in quarantine 77 does not exist" in unknown.stderr
    assert (again.exit_code, unknown.exit_code) != (0, 0)
