from __future__ import annotations

import re
from datetime import date, timedelta
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from moomarkets.domain.dataset import Batch, ColumnType
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.datasets.disclosures import MAJOR_SHAREHOLDERS
from moomarkets.domain.datasets.equities import DAILY_BARS, LISTED_ISSUES
from moomarkets.domain.datasets.markets import TRADING_CALENDAR
from moomarkets.store import datasets, reports
from moomarkets.store.coverage import Owner
from moomarkets.store.datasets import Part, Stored
from moomarkets.store.packing import Provenance, RowPacker
from tests.moomarkets.store.scene import LOCAL, START, Scene, after

DAY = date(2026, 11, 19)


def bar(
    code: str = "72030", close: float | None = 3000.0, extra: dict[str, object] | None = None
) -> tuple[object, ...]:
    return (code, DAY, 1.0, 2.0, 0.5, close, "0", "0", 100.0, 3e5, 1.0, extra)


def store(scene: Scene, *rows: tuple[object, ...], execution_id: int = 1, user_id: int = LOCAL) -> Stored:
    owner, batch = Owner(user_id, scene.source_id), Batch(DAILY_BARS, list(rows))
    return scene.do(datasets.upsert, batch, owner, execution_id=execution_id, fetched_at=after(execution_id))


def test_rows_are_stored_with_their_owner_and_where_they_come_from(scene: Scene) -> None:
    assert store(scene, bar(), execution_id=7) == Stored(written=1, revised=0)

    row = scene.one("SELECT * FROM v_data_daily_bars")
    assert (row.user_id, row.data_source_id, row.code, row.on_date, row.close) == (
        1,
        scene.source_id,
        "72030",
        DAY,
        3000,
    )
    assert (row.execution_id, row.fetched_at, row.extra) == (7, after(7), None)


def test_storing_the_same_again_writes_nothing(scene: Scene) -> None:
    rows = [bar("72030"), bar("13010", None), bar("67580", extra={"New": [1, None, "文字"]})]
    store(scene, *rows)

    assert store(scene, *rows, execution_id=2) == Stored(written=0, revised=0)

    assert scene.one("SELECT array_agg(DISTINCT execution_id) FROM daily_bars")[0] == [1]


def test_a_changed_row_is_replaced_and_the_old_one_stays_as_a_revision(scene: Scene) -> None:
    store(scene, bar("72030", 3000), bar("13010", 10))

    assert store(scene, bar("72030", 3001), bar("13010", 10), execution_id=2) == Stored(written=1, revised=1)

    revision = scene.one("SELECT * FROM revisions")
    assert scene.one("SELECT close FROM daily_bars WHERE code = '72030'")[0] == 3001
    assert (revision.dataset, revision.row["close"], revision.row["execution_id"], revision.replaced_by) == (
        "daily_bars", 3000, 1, 2,
    )  # fmt: skip


@pytest.mark.parametrize(("before", "now"), [(None, 1.0), (1.0, None)])
def test_a_value_that_appears_or_vanishes_is_a_change(scene: Scene, before: float | None, now: float | None) -> None:
    store(scene, bar(close=before))

    assert store(scene, bar(close=now)) == Stored(written=1, revised=1)


def test_unknown_fields_are_kept_and_their_order_does_not_matter(scene: Scene) -> None:
    store(scene, bar(extra={"a": 1, "b": {"c": [True]}}))

    assert store(scene, bar(extra={"b": {"c": [True]}, "a": 1})) == Stored(0, 0)
    assert store(scene, bar(extra={"a": 2})) == Stored(1, 1)
    assert scene.one("SELECT extra FROM daily_bars")[0] == {"a": 2}


def test_users_and_sources_keep_rows_of_their_own(scene: Scene) -> None:
    store(scene, bar(close=1))

    assert store(scene, bar(close=2), user_id=LOCAL + 1) == Stored(written=1, revised=0)

    assert scene.do(datasets.count, DAILY_BARS, LOCAL) == 1
    assert scene.do(reports.dataset_rows, LOCAL)["daily_bars"] == 1


def test_an_empty_batch_writes_nothing(scene: Scene) -> None:
    assert store(scene) == Stored(0, 0)


def test_two_batches_fit_into_one_transaction(scene: Scene) -> None:
    owner = Owner(LOCAL, scene.source_id)
    calendar = Batch(TRADING_CALENDAR, [(DAY, "1", None)])

    with scene.database.transaction() as connection:
        datasets.upsert(connection, Batch(DAILY_BARS, [bar()]), owner, execution_id=1, fetched_at=START)
        datasets.upsert(connection, calendar, owner, execution_id=1, fetched_at=START)

    rows = scene.do(reports.dataset_rows, LOCAL)
    assert {name: count for name, count in rows.items() if count} == {"trading_calendar": 1, "daily_bars": 1}


def test_a_whole_trading_day_of_4400_issues_is_stored_and_found_again(scene: Scene) -> None:
    rows = [bar(f"{number:05}") for number in range(4400)]

    assert store(scene, *rows) == Stored(4400, 0)
    assert store(scene, *rows) == Stored(0, 0)
    assert store(scene, *(bar(f"{number:05}", 2.0) for number in range(4400))) == Stored(4400, 4400)


@pytest.mark.parametrize("close", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_a_finite_number_never_gets_in(scene: Scene, close: float) -> None:
    with pytest.raises(DBAPIError) as raised:
        store(scene, bar("13010"), bar("72030", close))

    assert isinstance(raised.value.orig, psycopg.errors.CheckViolation)
    assert scene.do(datasets.count, DAILY_BARS, LOCAL) == 0


def test_what_the_driver_refuses_while_copying_is_an_error_like_any_other(scene: Scene) -> None:
    with pytest.raises(DBAPIError) as raised:
        store(scene, bar("7203\0"))

    assert isinstance(raised.value.orig, psycopg.DataError)
    assert store(scene, bar()) == Stored(1, 0)


def test_of_twin_rows_in_one_batch_the_last_is_stored(scene: Scene) -> None:
    assert store(scene, bar(close=1), bar("13010"), bar(close=2)) == Stored(written=2, revised=0, twins=1)
    assert scene.one("SELECT close FROM daily_bars WHERE code = '72030'")[0] == 2

    assert store(scene, bar(close=3), bar(close=2), execution_id=2) == Stored(written=0, revised=0, twins=1)


def test_rows_that_are_taken_for_new_and_are_not_are_merged_all_the_same(scene: Scene) -> None:
    store(scene, bar("72030", 1), bar("13010", 1))

    packer = RowPacker(DAILY_BARS, Provenance(LOCAL, scene.source_id, 2, after(2)))
    pieces = [packer.pack([bar("72030", 2)]), packer.pack([bar("13010", 1), bar("67580", 1)])]
    part = Part(DAILY_BARS, packer.provenance, packer.columns, pieces, 3, is_new=True)

    assert scene.do(datasets.store, part) == Stored(written=2, revised=1)
    assert scene.one("SELECT row ->> 'close' FROM revisions")[0] == "1"


def test_rows_that_are_equal_are_not_even_locked(scene: Scene) -> None:
    store(scene, bar())
    before = scene.one("SELECT xmin, xmax FROM daily_bars")

    store(scene, bar(), execution_id=2)

    assert scene.one("SELECT xmin, xmax FROM daily_bars") == before


def test_rows_are_counted_by_their_date(scene: Scene) -> None:
    owner = Owner(LOCAL, scene.source_id)
    store(scene, bar("72030"), bar("13010"))

    assert scene.do(datasets.has_rows, DAILY_BARS, owner, DAY, DAY)
    assert not scene.do(datasets.has_rows, DAILY_BARS, owner, DAY + timedelta(1), DAY + timedelta(9))
    assert scene.do(datasets.count_by_date, DAILY_BARS, owner, DAY, DAY) == {DAY: 2}


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS.keys())
def test_every_dataset_has_a_table_with_its_columns_and_types(scene: Scene, dataset: datasets.Dataset) -> None:
    with scene.database.transaction() as connection:
        rows = connection.execute(
            text("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = :table"),
            {"table": dataset.name},
        ).all()

    kept = {row.column_name: row.data_type for row in rows}
    ours = {"user_id", "data_source_id", "execution_id", "fetched_at"}
    assert set(kept) - ours == set(dataset.column_names)
    assert all(kept[column.name] == column.type for column in dataset.columns)
    assert dataset.columns[-1].type is ColumnType.JSON


def test_every_number_column_refuses_what_is_not_finite(scene: Scene) -> None:
    with scene.database.transaction() as connection:
        checks = connection.execute(
            text(
                "SELECT relname, pg_get_constraintdef(pg_constraint.oid) FROM pg_constraint"
                " JOIN pg_class ON pg_class.oid = conrelid WHERE contype = 'c'"
            )
        ).all()
    # A table guards its numbers one by one, or the least and the greatest of them.
    bounded = [(table, found) for table, check in checks for found in re.findall(r"([^()]+)\)? > '-Infinity'", check)]
    guarded = {(table, column) for table, names in bounded for column in names.split(", ")}

    wanted = {
        (dataset.name, column.name)
        for dataset in DATASETS.values()
        for column in dataset.columns
        if column.type is ColumnType.NUMBER
    }
    assert wanted - guarded == set()


def test_lists_are_kept_by_date_and_code(scene: Scene) -> None:
    issue = (DAY, "130A0", "会社", *(None,) * 11, {"id": str(uuid4())})

    stored = scene.do(
        datasets.upsert, Batch(LISTED_ISSUES, [issue]), Owner(LOCAL, scene.source_id), execution_id=1, fetched_at=START
    )

    assert stored == Stored(1, 0)
    assert scene.one("SELECT code, name FROM listed_issues") == ("130A0", "会社")


def test_json_columns_come_back_as_they_went_in(scene: Scene) -> None:
    row = ("D1", "72030", "E1", "Filer", None, "x", DAY, "15:00", DAY, DAY, [{"name": "株主", "shares": 3}], {"New": 1})

    scene.do(
        datasets.upsert,
        Batch(MAJOR_SHAREHOLDERS, [row]),
        Owner(LOCAL, scene.source_id),
        execution_id=1,
        fetched_at=START,
    )

    assert scene.one("SELECT holders, extra FROM major_shareholders") == (row[-2], row[-1])
