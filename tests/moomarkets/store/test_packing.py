from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from moomarkets.domain.dataset import EXTRA, Dataset, day, instant, json, number, text
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.store.packing import HEADER, TRAILER, Provenance, RowPacker
from tests.moomarkets.store.scene import Scene

AT = datetime(2026, 11, 20, 9, 30, 0, 123456, tzinfo=UTC)
KINDS = Dataset(
    "kinds",
    ("name",),
    (text("name"), day("on_date"), instant("at"), number("value"), json("items"), EXTRA),
)
ROWS: list[tuple[object, ...]] = [
    ("架空", date(2026, 11, 20), AT.astimezone(timezone(timedelta(hours=9))), -1.5e300, [1, None, "文字"], {"a": 1.5}),
    ("", date(1969, 12, 31), datetime(1999, 12, 31, tzinfo=UTC), 0.1, {}, None),
    ("x" * 5000, None, None, None, None, None),
]  # fmt: skip


def packer(user_id: int = 2**40) -> RowPacker:
    return RowPacker(KINDS, Provenance(user_id, 2, 3, AT))


def test_rows_of_every_type_come_back_as_they_were(scene: Scene) -> None:
    made = packer()
    with scene.database.transaction() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.execute(
            "CREATE TEMP TABLE kinds (user_id bigint, data_source_id bigint, name text, on_date date, at timestamptz,"
            " value float8, items jsonb, extra jsonb, execution_id bigint, fetched_at timestamptz)"
        )
        with raw.cursor() as cursor, cursor.copy(f"COPY kinds ({', '.join(made.columns)}) FROM STDIN BINARY") as copy:
            for piece in (HEADER, made.pack(ROWS[:1]), made.pack([]), made.pack(ROWS[1:]), TRAILER):
                copy.write(piece)
        found = raw.execute("SELECT * FROM kinds").fetchall()

    assert found == [(2**40, 2, *row, 3, AT) for row in ROWS]


def test_more_different_texts_than_are_remembered_are_packed_all_the_same() -> None:
    made = packer()
    rows: list[tuple[object, ...]] = [(f"{number:06}", None, None, None, None, None) for number in range(45_000)]

    packed = made.pack([*rows, *rows])

    assert len(packed) == 2 * len(rows) * len(made.pack(rows[:1]))
    assert packed.endswith(made.pack(rows[-1:]))


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 5), (0, "\ud800"), (1, "2026-11-20"), (2, datetime(2026, 1, 1)), (3, "1.5"), (4, {1, 2}), (5, float("nan"))],
)
def test_a_value_of_another_type_is_a_schema_error_that_does_not_show_it(place: int, value: object) -> None:
    row = list(ROWS[0])
    row[place] = value

    with pytest.raises(AttemptError, match=f"column {KINDS.columns[place].name}: expected values of type") as raised:
        packer().pack([tuple(row)])

    assert raised.value.reason is Reason.SCHEMA
