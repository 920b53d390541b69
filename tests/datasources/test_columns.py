"""Typed rows from a provider's JSON."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasources.columns import RowReader, numbers, texts, without_twins
from moomarkets.domain.dataset import EXTRA, Dataset, instant, json, text
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import Reason, SourceError

BAR = {
    "Code": "99010",
    "Date": "2026-11-20",
    "O": 1.5,
    "H": 2,
    "L": 1.0,
    "C": 1.5,
    "UL": "0",
    "LL": 0,
    "Vo": 100.0,
    "Va": 150,
    "AdjFactor": 1.0,
}


def read(*rows: object) -> tuple[list[tuple[object, ...]], Counter[str]]:
    warnings: Counter[str] = Counter()
    reader = RowReader("test", DAILY_BARS, dropped=("AdjC",), expected=("MO",))
    return reader.read(list(rows), warnings), warnings


def test_a_row_is_read_in_the_order_of_the_dataset() -> None:
    rows, warnings = read(BAR)

    assert rows == [("99010", date(2026, 11, 20), 1.5, 2.0, 1.0, 1.5, "0", "0", 100.0, 150.0, 1.0, None)]
    assert type(rows[0][3]) is float
    assert not warnings


@pytest.mark.parametrize(
    ("given", "kept", "odd"),
    [
        (None, None, 0),
        ("", None, 0),
        ("12.5", 12.5, 0),
        (7, 7.0, 0),
        ("n/a", None, 1),
        ("1_000", None, 1),
        ("nan", None, 1),
        (float("inf"), None, 1),
        (10**400, None, 1),
        (True, None, 1),
        ([1], None, 1),
    ],
)
def test_a_number_is_finite_or_none(given: object, kept: float | None, odd: int) -> None:
    rows, warnings = read(BAR, {**BAR, "Code": "99020", "C": given})

    assert [row[5] for row in rows] == [1.5, kept]
    assert warnings["odd_numbers"] == odd


@given(st.lists(st.one_of(st.none(), st.floats(), st.integers(), st.text(max_size=6), st.booleans())))
def test_no_list_of_values_yields_anything_but_finite_floats(values: list[object]) -> None:
    converted = numbers(values, Counter())

    assert len(converted) == len(values)
    assert all(value is None or (type(value) is float and abs(value) < float("inf")) for value in converted)


@given(st.lists(st.one_of(st.none(), st.text(), st.characters(categories=["Cs", "Cf"]), st.floats())))
def test_every_text_can_be_stored(values: list[object]) -> None:
    for found in texts(values, Counter()):
        assert found is None or "\0" not in found.encode().decode()


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b", "a\u202eb"])
def test_odd_characters_are_replaced_and_counted(odd: str) -> None:
    rows, warnings = read({**BAR, "UL": odd})

    assert rows[0][6] == "a\ufffdb"
    assert warnings == {"odd_texts": 1}


def test_unknown_fields_are_kept_and_warned_about_once() -> None:
    rows, warnings = read({**BAR, "New": "a\0b"}, {**BAR, "Code": "2", "New": [float("inf")], "AdjC": 1, "MO": 2})

    assert [row[-1] for row in rows] == [{"New": "a\ufffdb"}, {"New": [None], "MO": 2}]
    assert warnings == {"unknown_field:New": 1, "odd_texts": 1, "odd_numbers": 1}


@pytest.mark.parametrize(
    "row",
    [
        {name: value for name, value in BAR.items() if name != "C"},
        {**BAR, "Code": None},
        {**BAR, "Code": ""},
        {**BAR, "Date": "soon"},
        {**BAR, "Date": None},
        {**BAR, "Date": 20261120},
        {**BAR, "Date": []},
        "text",
        None,
        [],
    ],
)
def test_a_row_without_its_required_fields_is_a_schema_error(row: object) -> None:
    with pytest.raises(SourceError) as caught:
        read(BAR, row)

    assert caught.value.reason is Reason.SCHEMA


def test_of_twins_the_last_one_stays() -> None:
    warnings: Counter[str] = Counter()

    rows = without_twins([("a", 1, "old"), ("b", 1, ""), ("a", 1, "new")], (0, 1), warnings)

    assert rows == [("a", 1, "new"), ("b", 1, "")]
    assert warnings == {"twin_rows": 1}


def test_json_and_instants_are_read_and_a_key_may_hold_an_empty_text_where_it_says_so() -> None:
    columns = (text("name", "N", may_be_empty=True), instant("at", "T"), json("holders", "H"), EXTRA)
    reader = RowReader("sim", Dataset("reports", ("name", "at"), columns))

    rows = reader.read(
        [{"N": None, "T": 0, "H": [{"x": 1}]}, {"N": "", "T": "1970-01-01T09:00+09:00", "H": ""}], Counter()
    )

    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert rows == [("", start, [{"x": 1}], None), ("", start, None, None)]


@pytest.mark.parametrize("value", ["yesterday", "2026-11-20T09:00", True, [1]])
def test_an_instant_that_is_none_is_refused(value: object) -> None:
    reader = RowReader("sim", Dataset("ticks", ("at",), (instant("at", "T"), EXTRA)))

    with pytest.raises(SourceError, match="T: expected seconds since 1970"):
        reader.read([{"T": value}], Counter())
