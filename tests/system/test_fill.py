"""A fill restores exactly what is missing, with the requests that its plan has told, and the next one sends nothing."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.clock import ShiftedClock
from moomarkets.domain.errors import CredentialsMissing, InvalidInput, NotFound
from moomarkets.domain.group import RunStatus
from moomarkets.domain.limits import Window
from moomarkets.services.coverage_views import Filling
from moomarkets.settings import Settings
from moomarkets.system import System
from tests.support.postgres import TestPostgres

TODAY = datetime(2027, 1, 4, 9, tzinfo=UTC)
SUMMER = {"from_on": date(2026, 6, 1), "to_on": date(2026, 9, 30)}
DAYS = 84
WIDE = Window(1000, 1)
SEED = 20270104


@dataclass(frozen=True)
class Desk:
    """A running system and the provider that it asks."""

    system: System
    provider: JQuantsSimulator

    def asked(self) -> list[str]:
        """The targets of all requests so far, but for downloads of files, which no limit counts."""
        return [entry.target for entry in self.provider.ledger.entries() if entry.target.startswith("/v2/")]

    def fill(self, **given: object) -> Filling:
        """Fill the daily bars and wait for the end."""
        filling = self.system.coverage.fill("daily_bars", **given)  # type: ignore[arg-type]
        for run in filling.runs:
            self.system.groups.run(run.group)
            while not (status := RunStatus(str(self.system.runs.show(run.run_id)["status"]))).is_final:
                self.system.runtime.wait_for(self.system.runtime.spawn(int, "tick"), 0.01)
            assert status is RunStatus.COMPLETED
        return filling

    def read(self, sql: str) -> list[tuple[object, ...]]:
        with self.system.installation.reads.transaction() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def forget(self, days: list[str]) -> None:
        """Delete these days with their rows."""
        for sql in ("DELETE FROM daily_bars WHERE on_date = :day", "DELETE FROM coverage WHERE from_on = :day"):
            with self.system.installation.reads.transaction() as connection:
                connection.execute(text(sql), [{"day": day} for day in days])


@pytest.fixture(params=["free", "light"])
def desk(request: pytest.FixtureRequest, owner_url: str, tmp_path: Path) -> Iterator[Desk]:
    """A system that has filled the summer."""
    with JQuantsSimulator(request.param, today=TODAY, limit=WIDE, issues=50) as provider:
        jquants = {"base_url": provider.base_url, "plan": request.param, "limits": [[1000, 1]], "api_key": DEMO_KEY}
        settings = Settings(
            database_url=owner_url,
            data_dir=tmp_path,
            executors=8,
            sources={"jquants": jquants, "yahoo": {"is_enabled": False}},
        )
        with System(settings, clock=ShiftedClock.starting_at(TODAY)) as system:
            system.groups.disable("daily-bars")
            made = Desk(system, provider)
            made.fill(**SUMMER, way="date")
            yield made


ROWS = "SELECT on_date, code, execution_id, open, close, volume FROM daily_bars ORDER BY on_date, code"


def test_fifty_deleted_days_come_back_with_the_requests_that_were_told_and_nothing_else_changes(desk: Desk) -> None:
    before, days = desk.read(ROWS), sorted({row[0] for row in desk.read(ROWS)})
    lost = random.Random(SEED).sample([str(day) for day in days], 50)
    desk.forget(lost)
    sent = len(desk.asked())

    filling = desk.fill()

    after, told = desk.read(ROWS), filling.plans[0]
    assert (told.missing, len(desk.asked()) - sent) == (50, told.requests)
    assert [row[:2] + row[3:] for row in after] == [row[:2] + row[3:] for row in before]
    kept = [row for row in before if str(row[0]) not in lost]
    assert [row for row in after if str(row[0]) not in lost] == kept
    assert told.requests == min(way.requests for way in told.ways if not way.obstacle)


def test_on_a_plan_without_files_each_lost_day_is_asked_for_once_and_no_other(desk: Desk) -> None:
    if not desk.provider.plan.has_bulk:
        lost = random.Random(SEED).sample([str(day) for (day,) in desk.read("SELECT from_on FROM coverage")], 50)
        desk.forget(lost)
        sent = len(desk.asked())

        desk.fill()

        asked = Counter(re.findall(r"date=([\d-]+)", " ".join(desk.asked()[sent:])))
        assert asked == Counter(lost)


def test_a_second_fill_sends_nothing(desk: Desk) -> None:
    sent = len(desk.asked())

    assert desk.fill(**SUMMER).runs == ()
    assert desk.fill().runs == ()

    assert (len(desk.asked()), desk.system.coverage.show("daily_bars")[0].missing) == (sent, 0)


def test_what_two_sources_have_is_kept_by_the_first_and_counts_for_the_groups_that_keep_it(desk: Desk) -> None:
    coverage = desk.system.coverage

    (line,) = coverage.show("daily_bars")

    assert (line.source, line.kept_by, line.note) == ("jquants", ("fill-daily_bars",), "")
    assert line.expected == line.complete > 0
    assert coverage.show("jquants_v1_daily_bars")[0].source == "jquants-v1"
    assert [one.dataset for one in coverage.show()].count("jquants_v1_daily_bars") == 0


def test_gaps_tell_the_deleted_days_as_ranges(desk: Desk) -> None:
    desk.forget(["2026-06-04", "2026-06-05", "2026-06-08", "2026-08-14"])

    found = desk.system.coverage.gaps("daily_bars", **SUMMER)  # type: ignore[arg-type]

    assert [(str(gap.from_on), str(gap.to_on), gap.days) for gap in found] == [
        ("2026-06-04", "2026-06-08", 3),
        ("2026-08-14", "2026-08-14", 1),
    ]


def test_days_that_whole_days_cover_are_not_fetched_again_for_single_codes(desk: Desk) -> None:
    desk.forget(["2026-06-04", "2026-06-05"])

    (plan,) = desk.system.coverage.plan("daily_bars", **SUMMER, codes=["9901"])  # type: ignore[arg-type]

    sent = len(desk.asked())
    desk.fill(**SUMMER, codes=["9901"])
    assert (plan.missing, plan.requests, plan.picked and plan.picked.way) == (2, 1, "code")
    assert len(desk.asked()) - sent == plan.requests
    assert desk.system.coverage.plan("daily_bars", **SUMMER, codes=["9901"]) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from_on": date(2026, 9, 2), "to_on": date(2026, 9, 1)}, "from: expected a date up to that of `to`"),
        ({"from_on": date(2009, 1, 5), "to_on": date(2009, 1, 9)}, "from, to: expected dates that the subscription"),
        ({"from_on": date(2027, 3, 1)}, "from: expected a date up to the newest that is published"),
        ({**SUMMER, "way": "mail"}, "way: expected one of auto, date, code, bulk"),
    ],
)
def test_what_cannot_be_filled_is_refused_and_nothing_is_made(desk: Desk, given: dict[str, object], words: str) -> None:
    scope = desk.system.groups.definition("fill-daily_bars").scope

    with pytest.raises(InvalidInput, match=re.escape(words)):
        desk.system.coverage.fill("daily_bars", **given)  # type: ignore[arg-type]

    assert desk.system.groups.definition("fill-daily_bars").scope == scope


def test_an_unknown_dataset_and_an_unknown_code_are_refused(desk: Desk) -> None:
    desk.system.groups.run("reference").wait(60)

    with pytest.raises(NotFound, match="dataset daily_bar does not exist"):
        desk.system.coverage.fill("daily_bar")
    with pytest.raises(InvalidInput, match="code: expected one that a list of issues knows"):
        desk.system.coverage.fill("daily_bars", **SUMMER, codes=["12345"])  # type: ignore[arg-type]


def test_without_a_credential_a_fill_says_so_before_it_makes_anything(postgres: TestPostgres, tmp_path: Path) -> None:
    with postgres.new_database() as name, JQuantsSimulator("light", issues=9) as provider:
        sources = {"jquants": {"base_url": provider.base_url}, "yahoo": {"is_enabled": False}}
        settings = Settings(database_url=postgres.url(name, "owner"), data_dir=tmp_path, sources=sources)
        with System(settings) as system:
            with pytest.raises(CredentialsMissing):
                system.coverage.fill("daily_bars")

            assert not system.groups.exists("fill-daily_bars")
