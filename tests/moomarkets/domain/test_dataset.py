from __future__ import annotations

import pytest

from moomarkets.domain.dataset import ColumnType, Dataset
from moomarkets.domain.datasets.catalogue import DATASETS


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS.keys())
def test_a_dataset_is_keyed_by_its_own_columns_and_ends_with_what_is_unknown(dataset: Dataset) -> None:
    names = dataset.column_names

    assert set(dataset.key) < set(names)
    assert len(set(names)) == len(names)
    assert (names[-1], dataset.columns[-1].type) == ("extra", ColumnType.JSON)
    assert dataset.doc


@pytest.mark.parametrize("dataset", DATASETS.values(), ids=DATASETS.keys())
def test_names_that_go_into_statements_are_plain_words(dataset: Dataset) -> None:
    assert all(
        name.isascii() and name.isidentifier() and name.islower() for name in (dataset.name, *dataset.column_names)
    )
