"""Purge: says what would go, deletes exactly that in short pieces, and never beside a run or from somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Connection, text

from datasources.jquants.endpoints import JQUANTS
from datasources.yahoo import YAHOO
from moomarkets.domain.coverage import Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.services.purge import Purge, Wanted
from moomarkets.store import coverage, datasets, purging, quarantine, reading_marks, sources, switches
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.quarantine import Captive
from moomarkets.testing.manual_clock import ManualClock
from tests.moomarkets.store.scene import LOCAL, Scene

NOW = datetime(2026, 11, 20, 3, tzinfo=UTC)
TODAY = date(2026, 11, 20)
OTHER = 2
COLUMNS = len(DAILY_BARS.columns) - 2
SPECS = {spec.code: spec for spec in (JQUANTS, YAHOO)}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, purpose="tests", pool_size=6)
    opened.perform(lambda connection: [sources.ensure(connection, spec) for spec in SPECS.values()])
    opened.perform(lambda connection: connection.execute(text("INSERT INTO users (name) VALUES ('eve')")) and None)
    yield opened
    opened.close()


@pytest.fixture
def scene(database: Database) -> Scene:
    return Scene(database)


@pytest.fixture
def purge(database: Database) -> Purge:
    return Purge(database, LOCAL, SPECS, ManualClock(NOW))


def owner(scene: Scene, user_id: int = LOCAL) -> Owner:
    return Owner(user_id, scene.do(sources.find, "jquants").id)


def store(scene: Scene, *days: date, user_id: int = LOCAL, price: float = 100.0) -> None:
    """A bar of two issues on each day, with its coverage."""
    for day in days:
        rest = [None] * (COLUMNS - 4)
        rows: list[tuple[object, ...]] = [(code, day, price, price, price, price, *rest) for code in ("13010", "72030")]
        whose = owner(scene, user_id)
        scene.do(datasets.upsert, Batch(DAILY_BARS, rows), whose, execution_id=1, fetched_at=NOW)
        covered = Covered("*", day, day, NOW)
        scene.do(coverage.record, whose, "daily_bars", covered, rows=2, pages=1, execution_id=1)


def days_of(scene: Scene, user_id: int = LOCAL) -> list[date]:
    sql = "SELECT array_agg(DISTINCT on_date ORDER BY on_date) FROM daily_bars WHERE user_id = :user_id"
    return list(scene.one(sql, user_id=user_id)[0] or [])


def covered_days(scene: Scene) -> list[tuple[date, date]]:
    rows = scene.do(coverage.read, owner(scene), "daily_bars")
    return sorted((one.from_on, one.to_on) for one in rows)


def test_a_look_says_what_would_go_and_deletes_nothing(purge: Purge, scene: Scene) -> None:
    store(scene, date(2024, 1, 4), date(2026, 1, 5))

    (found,) = purge.look(Wanted("jquants", before=date(2025, 1, 1), datasets=["daily_bars"]))

    assert (found["rows"], found["first_on"], found["last_on"], found["coverage"]) == (
        2,
        date(2024, 1, 4),
        date(2024, 1, 4),
        1,
    )
    assert len(days_of(scene)) == 2


def test_dates_before_and_after_and_between_go_and_the_others_stay(purge: Purge, scene: Scene) -> None:
    days = [date(2026, 1, day) for day in range(5, 11)]
    store(scene, *days)

    purge.perform(Wanted("jquants", before=days[1]))
    purge.perform(Wanted("jquants", after=days[4]))
    purged = purge.perform(Wanted("jquants", after=days[1], before=days[3]))

    assert days_of(scene) == [days[1], days[3], days[4]]
    assert covered_days(scene) == [(day, day) for day in (days[1], days[3], days[4])]
    assert (purged.rows["daily_bars"], purged.coverage) == (2, 1)


def test_after_a_downgrade_what_the_plan_does_not_give_goes(purge: Purge, scene: Scene) -> None:
    edge = date(2021, 11, 20)
    store(scene, edge - timedelta(1), edge, TODAY)

    light = purge.perform(Wanted("jquants", above_plan="light"))
    kept = days_of(scene)
    free = purge.perform(Wanted("jquants", above_plan="free"))

    assert (light.rows["daily_bars"], kept) == (2, [edge, TODAY])
    assert (free.rows["daily_bars"], days_of(scene)) == (4, [])


def test_datasets_that_the_plan_does_not_contain_go_whole_unless_an_add_on_has_them(purge: Purge) -> None:
    def whole(*add_ons: str) -> set[str]:
        scopes = purge._scopes(Wanted("jquants", above_plan="light", add_ons=add_ons))
        return {scope.dataset.name for scope in scopes if (scope.first_on, scope.last_on) == (None, None)}

    assert {"dividends", "short_ratios", "minute_bars", "disclosures"} <= whole()
    assert whole() - whole("minute") == {"minute_bars", "trades"}
    assert "daily_bars" not in whole()


def test_everything_goes_with_its_revisions_and_nothing_of_another_user(purge: Purge, scene: Scene) -> None:
    store(scene, TODAY)
    store(scene, TODAY, price=200.0)
    store(scene, TODAY, user_id=OTHER)

    purged = purge.perform(Wanted("jquants", is_all=True))

    assert (purged.rows["daily_bars"], purged.revisions, purged.coverage) == (2, 2, 1)
    assert (days_of(scene), days_of(scene, OTHER)) == ([], [TODAY])
    assert purge.perform(Wanted("jquants", is_all=True)).rows["daily_bars"] == 0


def test_of_a_partition_over_the_edge_the_rest_stays_covered(purge: Purge, scene: Scene) -> None:
    whole = Covered("72030", date(2026, 1, 1), date(2026, 12, 31), NOW)
    scene.do(coverage.record, owner(scene), "daily_bars", whole, rows=9, pages=1, execution_id=1)

    purge.perform(Wanted("jquants", after=date(2026, 3, 31), before=date(2026, 7, 1)))

    assert covered_days(scene) == [
        (date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 7, 1), date(2026, 12, 31)),
    ]


def test_a_table_is_walked_to_its_end_in_pieces(purge: Purge, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BLOCKS", 2)
    monkeypatch.setattr(purging, "REVISIONS", 7)
    days = [date(2025, 1, 1) + timedelta(number) for number in range(150)]
    store(scene, *days)
    store(scene, *days[:10], price=50.0)

    purged = purge.perform(Wanted("jquants", is_all=True))

    assert (purged.rows["daily_bars"], purged.revisions, purged.coverage) == (300, 20, 150)
    assert days_of(scene) == []


def test_it_refuses_beside_a_run_unless_the_source_is_paused(purge: Purge, scene: Scene) -> None:
    store(scene, TODAY)
    scene.execute(
        "WITH made AS (INSERT INTO job_groups (user_id, data_source_id, name, status)"
        " SELECT 1, id, 'bars', 'running' FROM data_sources WHERE code = 'jquants' RETURNING id)"
        " INSERT INTO runs (job_group_id, creation_key, kind, status)"
        " SELECT id, gen_random_uuid(), 'manual', 'running' FROM made"
    )

    with pytest.raises(Conflict, match="jquants: expected no run under way, got one; pause it with"):
        purge.perform(Wanted("jquants", is_all=True))
    assert days_of(scene) == [TODAY]
    scene.do(switches.set_source_paused, "jquants", True)

    assert purge.perform(Wanted("jquants", is_all=True)).rows["daily_bars"] == 2


def test_what_is_fetched_while_rows_are_deleted_is_not_taken_for_here(
    purge: Purge, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(scene, TODAY)
    delete_revisions = purging.delete_revisions

    def beside(connection: Connection, scope: purging.Scope, start: int) -> purging.Piece:
        if scope.dataset is DAILY_BARS:
            store(scene, TODAY, price=7.0)
        return delete_revisions(connection, scope, start)

    monkeypatch.setattr(purging, "delete_revisions", beside)
    purge.perform(Wanted("jquants", is_all=True))

    assert (days_of(scene), covered_days(scene)) == ([], [])


def test_answers_in_quarantine_and_reading_marks_of_the_dates_go_too(purge: Purge, scene: Scene) -> None:
    whose, days = owner(scene), (TODAY, TODAY - timedelta(400))
    for day in days:
        covered = Covered("ALL", day, day, NOW)
        captive = Captive("daily_bars", "daily_bars", covered, "schema", "odd", [b"{}"], 1)
        scene.do(quarantine.keep, whose, captive, NOW)
    scene.do(reading_marks.write, whose, "daily_bars", TODAY, "c1", NOW)

    purge.perform(Wanted("jquants", after=TODAY - timedelta(1)))

    assert scene.one("SELECT array_agg(from_on) FROM quarantine")[0] == [days[1]]
    assert scene.do(reading_marks.read, whose, "daily_bars", TODAY) == ""


def test_it_refuses_beside_a_job_that_asks_the_source_for_a_group_of_none(database: Database, scene: Scene) -> None:
    store(scene, TODAY)
    scene.execute(
        "WITH made AS (INSERT INTO job_groups (user_id, name) VALUES (1, 'mixed') RETURNING id)"
        " INSERT INTO jobs (job_group_id, key, name, job_type, status)"
        " SELECT id, 'k', 'n', 'daily_quotes', 'running' FROM made"
    )

    with pytest.raises(Conflict, match="jquants: expected no run under way"):
        Purge(database, LOCAL, SPECS, ManualClock(NOW), {"daily_quotes": "jquants"}).perform(
            Wanted("jquants", is_all=True)
        )
    assert days_of(scene) == [TODAY]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted("jquants"), "purge: expected one of --all, --above-plan, or --before and --after, got 'none of them'"),
        (Wanted("jquants", is_all=True, before=TODAY), "got 'more'"),
        (Wanted("jquants", before=TODAY, after=TODAY), "before: expected a date later than that of --after"),
        (
            Wanted("jquants", above_plan="gold"),
            "above_plan: expected one of free, light, standard, premium, got 'gold'",
        ),
        (Wanted("yahoo", above_plan="light"), "above_plan: expected a source with plans, got 'yahoo'"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(purge: Purge, wanted: Wanted, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        purge.look(wanted)


def test_unknown_sources_and_datasets_are_named_with_those_that_there_are(purge: Purge) -> None:
    with pytest.raises(NotFound, match="source nowhere does not exist; there are: jquants, yahoo"):
        purge.look(Wanted("nowhere", is_all=True))
    with pytest.raises(NotFound, match=r"dataset bars does not exist; there are: .*daily_bars"):
        purge.look(Wanted("jquants", is_all=True, datasets=["bars"]))
