"""Turns Arrow batches into what programs compute with: polars, pandas, or Arrow's own table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from moomarkets.domain.errors import MoomarketsError
from moomarkets.store.reading import missing

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow


def to_arrow(batches: Iterable[pyarrow.RecordBatch]) -> pyarrow.Table:
    """One table of all batches, of which there is at least one."""
    kept = list(batches)
    import pyarrow

    return pyarrow.Table.from_batches(kept)


def to_polars(batches: Iterable[pyarrow.RecordBatch]) -> polars.DataFrame:
    """A polars frame: dates are `Date`, numbers `Float64`, texts `String`."""
    try:
        import polars
    except ImportError as error:
        raise missing("data frames", error) from None
    frame = polars.from_arrow(to_arrow(batches))
    assert isinstance(frame, polars.DataFrame)
    return frame


def to_pandas(batches: Iterable[pyarrow.RecordBatch]) -> pandas.DataFrame:
    """A pandas frame: dates are `datetime64`, a number that is missing is NaN."""
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise MoomarketsError(
            "pandas frames: expected the package pandas, got none; install it with pip install pandas"
        ) from None
    frame: pandas.DataFrame = to_arrow(batches).to_pandas(date_as_object=False)
    return frame
