"""Whatever a dataset's columns and key are, it can be read, adjusted or as of an instant, and its history told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from moomarkets.domain.adjustment import adjustment_of
from moomarkets.domain.dataset import Column, ColumnType, Dataset
from moomarkets.domain.datasets.catalogue import DATASETS
from tests.support.library import FIRST_FETCH, Library, library

VALUES: dict[ColumnType, object] = {
    ColumnType.TEXT: "72030",
    ColumnType.DATE: date(2026, 11, 19),
    ColumnType.INSTANT: datetime(2026, 11, 19, 1, 2, 3, 456, UTC),
    ColumnType.NUMBER: 0.1 + 0.2,
    ColumnType.JSON: {"文字": [1, None, 0.1]},
}
NEXT = FIRST_FETCH + timedelta(days=1)


@pytest.fixture
def held(database_url: str) -> Iterator[Library]:
    with library(database_url) as opened:
        yield opened


def row(dataset: Dataset, number: float) -> tuple[object, ...]:
    """A row whose numbers are that one, with something in each column."""
    return tuple(_value(column, number) for column in dataset.columns)


def _value(column: Column, number: float) -> object:
    return number if column.type is ColumnType.NUMBER else VALUES[column.type]


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS.keys())
def test_every_dataset_can_be_read_as_it_is_and_as_it_was(held: Library, dataset: Dataset) -> None:
    held.store(row(dataset, 0.1 + 0.2), dataset=dataset)
    first = held.data(dataset.name, columns=[*dataset.column_names])
    held.store((*row(dataset, 7.0)[:-1], None), dataset=dataset, at=NEXT)

    was = held.data(dataset.name, columns=[*dataset.column_names], as_of=FIRST_FETCH)
    now = held.data(dataset.name, columns=[*dataset.column_names])

    assert was.equals(first)
    assert was.schema == now.schema
    assert (was.height, now.height) == (1, 1)
    assert (was["extra"][0], now["extra"][0]) == ('{"文字": [1, null, 0.1]}', None)
    assert len(held.data.history(dataset.name)) == 2


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS.keys())
def test_every_dataset_can_be_narrowed_by_what_it_has(held: Library, dataset: Dataset) -> None:
    held.store(row(dataset, 1.0), dataset=dataset)
    code = {"code": "72030"} if dataset.symbol else {}
    dates = {"start": "2026-11-19", "end": "2026-11-19"} if dataset.date else {}
    adjusted = {"adjusted": adjustment_of(dataset) is not None}

    assert held.data(dataset.name, **code, **dates, **adjusted, as_of=NEXT).height == 1
    assert len(held.data.rows(dataset.name, **code, **dates, **adjusted)) == 1
    assert held.data.count(dataset.name, **code, **dates) == 1
    assert held.data(dataset.name, end="2026-11-18").height == 0
