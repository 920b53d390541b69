"""A provider serves bad days to a whole system: what is stored stays as it is, and what came can be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from datasources.simulators.faults import Fault
from moomarkets.domain.errors import Conflict
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.support.providers import Providers, providers

BARS = "/equities/bars/daily"
DAYS = 8
EVERYTHING = "SELECT md5(string_agg(t::text, '|' ORDER BY code, on_date)) FROM daily_bars t"
GROUP = GroupDefinition("bars", "jquants", ("daily_quotes",), scope={"newest": DAYS}, max_retries=0, retry_delay_s=0)
BAD_DAYS = {
    "twins": "duplicate_row",
    "jumps": "hundredfold",
    "row_band": "half_of_rows",
    "dates": "other_date",
    "sameness": "same_prices",
    "signs": "negative_price",
    "numbers": "overflow_number",
    "nulls": "null_number",
}


@pytest.fixture
def events() -> RecordedEvents:
    return RecordedEvents()


@pytest.fixture
def provider() -> Iterator[Providers]:
    with providers() as simulated:
        yield simulated


@pytest.fixture
def system(provider: Providers, events: RecordedEvents, owner_url: str, tmp_path: Path) -> Iterator[System]:
    """A system that has the newest eight days."""
    with System(provider.settings(owner_url, tmp_path), events=events) as system:
        system.groups.create(GROUP)
        assert run(system) is RunStatus.COMPLETED
        yield system


def run(system: System) -> RunStatus:
    return system.groups.run("bars").wait(timeout_s=60)


def one(system: System, sql: str) -> Any:
    return system.installation.reads.perform(lambda connection: connection.execute(text(sql)).one())


def forget_newest_fetch(system: System) -> str:
    """Have the newest day asked for again; returns what all rows are, to the byte."""
    system.installation.reads.perform(
        lambda connection: (
            connection.execute(
                text(
                    "DELETE FROM coverage WHERE dataset = 'daily_bars'"
                    " AND from_on = (SELECT max(on_date) FROM daily_bars)"
                )
            )
            and None
        )
    )
    return str(one(system, EVERYTHING)[0])


@pytest.mark.parametrize("rule", BAD_DAYS)
def test_a_bad_day_leaves_the_old_rows_untouched_and_lies_in_quarantine_until_a_good_one_comes(
    rule: str, system: System, provider: Providers, events: RecordedEvents
) -> None:
    before = forget_newest_fetch(system)
    provider.jquants.faults.add(Fault(BAD_DAYS[rule], path=BARS))

    status = run(system)

    (kept,) = system.quarantine.list("open")
    (job,) = system.jobs.list(group="bars", status="failed")
    assert (status, one(system, EVERYTHING)[0]) == (RunStatus.FAILED, before)
    assert job["last_error"].startswith(f"quarantined: {rule}: ")
    assert "expected" in job["last_error"]
    assert rule in [found["rule"] for found in kept["findings"]]
    assert b'"AdjFactor"' in system.quarantine.body(kept["id"])[0]
    assert run(system) is RunStatus.COMPLETED
    assert system.quarantine.list("open") == []
    assert one(system, EVERYTHING)[0] == before
    assert len(events.of("quarantine.entered")) == 1


@pytest.mark.parametrize("kind", ["nan", "truncated_json", "missing_key"])
def test_what_cannot_be_read_is_kept_as_it_came(kind: str, system: System, provider: Providers) -> None:
    before = forget_newest_fetch(system)
    provider.jquants.faults.add(Fault(kind, path=BARS))

    status = run(system)

    (kept,) = system.quarantine.list("open")
    assert (status, one(system, EVERYTHING)[0]) == (RunStatus.FAILED, before)
    assert kept["reason"] in ("malformed", "schema")
    assert system.quarantine.body(kept["id"])[0].startswith(b'{"data":[')
    with pytest.raises(Conflict, match="expected one that can be read"):
        system.quarantine.release(kept["id"])
    assert one(system, EVERYTHING)[0] == before


def test_half_a_body_is_no_answer_and_is_asked_for_again(system: System, provider: Providers) -> None:
    before = forget_newest_fetch(system)
    provider.jquants.faults.add(Fault("half_body", path=BARS))

    assert run(system) is RunStatus.FAILED

    assert one(system, EVERYTHING)[0] == before
    assert run(system) is RunStatus.COMPLETED


def test_a_released_answer_is_stored_with_its_coverage_and_accepted_from_then_on(
    system: System, provider: Providers
) -> None:
    forget_newest_fetch(system)
    provider.jquants.faults.add(Fault("hundredfold", path=BARS, times=2))
    run(system)
    (kept,) = system.quarantine.list("open")

    released = system.quarantine.release(kept["id"], by="ann", note="a new currency")

    assert (released["status"], released["decided_by"], released["note"]) == ("released", "ann", "a new currency")
    assert one(system, "SELECT count(*) FROM revisions WHERE dataset = 'daily_bars'")[0] > 40
    assert run(system) is RunStatus.COMPLETED  # nothing is missing
    assert [found["rule"] for found in system.quarantine.findings("daily_bars", limit=1)] == ["jumps"]
    with pytest.raises(Conflict, match="expected one that is open, got one that was released"):
        system.quarantine.dismiss(kept["id"])
    forget_newest_fetch(system)
    assert run(system) is RunStatus.COMPLETED  # the same again


def test_a_dismissed_answer_is_forgotten_and_asked_for_again(system: System, provider: Providers) -> None:
    before = forget_newest_fetch(system)
    provider.jquants.faults.add(Fault("half_of_rows", path=BARS))
    run(system)
    (kept,) = system.quarantine.list("open")

    assert system.quarantine.dismiss(kept["id"])["status"] == "dismissed"

    assert run(system) is RunStatus.COMPLETED
    assert one(system, EVERYTHING)[0] == before


def test_the_same_bad_answer_again_is_one_entry_that_counts(system: System, provider: Providers) -> None:
    forget_newest_fetch(system)
    provider.jquants.faults.add(Fault("hundredfold", path=BARS, times=2))

    run(system)
    run(system)

    (kept,) = system.quarantine.list("open")
    assert kept["times"] == 2
