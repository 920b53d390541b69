"""The stored data for those who compute with them: frames, files, what there is, and what was corrected."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moomarkets.domain.adjustment import adjustment_of
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.reading import (
    PROVENANCE,
    Day,
    Instant,
    Reading,
    code_column,
    dataset_named,
    date_column,
    day_of,
    known_datasets,
    reading,
)
from moomarkets.services import exports, frames
from moomarkets.services.exports import Exported
from moomarkets.store import holdings, reading_sql, row_history
from moomarkets.store.database import Database
from moomarkets.store.holdings import Holding, Place
from moomarkets.store.reading import Reader
from moomarkets.store.row_history import Version

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

Codes = str | Iterable[str] | None
MOST_ROWS, MOST_VERSIONS = 10_000, 10_000


@dataclass(frozen=True, slots=True)
class Description:
    """What a dataset is: its columns with type and meaning, its key, and whether it can be adjusted."""

    name: str
    doc: str
    key: tuple[str, ...]
    columns: tuple[tuple[str, str, str], ...]
    is_adjustable: bool

    def __str__(self) -> str:
        width = max(len(name) for name, _, _ in self.columns)
        lines = [f"  {name:<{width}}  {kind:<16}  {doc}".rstrip() for name, kind, doc in self.columns]
        adjusted = "can be adjusted" if self.is_adjustable else "has nothing to adjust by"
        return "\n".join([f"{self.name}: {self.doc}", f"  key: {', '.join(self.key)}; {adjusted}", *lines])


class Data:
    """Reads the datasets of one user; safe to use from any thread. Called, it gives a polars frame.

    Everywhere `code` is one code or several, of which `7203` may stand for the stored `72030`; `start` and `end` are
    dates or texts such as 2026-11-20, both included; `adjusted` False gives prices as they were traded, True those
    that are comparable with the newest ones; `as_of`, an instant or a date (its end in Tokyo), gives what was known
    then; `columns` are by default those of the dataset without `extra`; `source` is needed only where several sources
    have filled a dataset. Rows come in the order of the dataset's key.

    Example: `system.data("daily_bars", code="7203", start="2026-01-05", adjusted=True)`
    """

    def __init__(self, database: Database, reader: Reader, user_id: int) -> None:
        self._database, self._reader, self._user_id = database, reader, user_id

    def __call__(
        self,
        dataset: str,
        *,
        code: Codes = None,
        start: Day = None,
        end: Day = None,
        adjusted: bool = False,
        as_of: Instant = None,
        columns: Sequence[str] | None = None,
        source: str | None = None,
    ) -> polars.DataFrame:
        """A polars frame.

        Raises:
            InvalidInput: a name, code, date or column is not known or does not fit the dataset.
            StoreUnavailable: the database was not there, or was lost on the way.
        """
        asked = reading(dataset, code=code, start=start, end=end, adjusted=adjusted, as_of=as_of, columns=columns)
        return frames.to_polars(self._batches(asked, source))

    def pandas(self, dataset: str, *, source: str | None = None, **narrowed: Any) -> pandas.DataFrame:
        """The same as a pandas frame."""
        return frames.to_pandas(self._batches(reading(dataset, **narrowed), source))

    def arrow(self, dataset: str, *, source: str | None = None, **narrowed: Any) -> pyarrow.Table:
        """The same as an Arrow table."""
        return frames.to_arrow(self._batches(reading(dataset, **narrowed), source))

    def batches(self, dataset: str, *, source: str | None = None, **narrowed: Any) -> Generator[pyarrow.RecordBatch]:
        """The same as a stream of Arrow batches, for more rows than fit into memory."""
        return self._batches(reading(dataset, **narrowed), source)

    def rows(
        self, dataset: str, *, limit: int = 20, source: str | None = None, **narrowed: Any
    ) -> list[dict[str, Any]]:
        """The newest rows, at most `limit` (1-10,000), in the order of the key; needs no package for frames."""
        if not 1 <= limit <= MOST_ROWS:
            raise InvalidInput("limit", f"a whole number from 1 to {MOST_ROWS}", limit)
        asked, place = self._placed(reading(dataset, **narrowed), source)
        on, key = date_column(asked.dataset), asked.dataset.key
        order = list(dict.fromkeys([*([on] if on else []), *key]))
        shown = asked.columns
        needed = replace(asked, columns=tuple(dict.fromkeys((*shown, *key))))
        query = reading_sql.select(needed, place, order=order, is_newest_first=True)
        rows = self._reader.records(f"{query} LIMIT {limit}")
        rows.sort(key=lambda row: tuple(row[name] for name in key))
        return [{name: row[name] for name in shown} for row in rows]

    def export(
        self,
        dataset: str,
        to: str | Path,
        *,
        partition_by: str | None = None,
        overwrite: bool = False,
        on_progress: Callable[[int], object] | None = None,
        source: str | None = None,
        **narrowed: Any,
    ) -> Exported:
        """Write to a `.parquet` or `.csv` file, or to a folder of Parquet files by `year` or `code`.

        Memory stays flat however many rows there are. The file appears under its name when it is complete; one that
        exists is replaced only with `overwrite`. `on_progress` is told how many rows have been written so far.

        Raises:
            Conflict: the target exists.
        """
        target = exports.target(to, partition_by, overwrite)
        asked, place = self._placed(reading(dataset, **narrowed), source)
        return exports.write(self._reader, asked, place, target, on_progress or (lambda rows: None))

    def csv(self, dataset: str, *, source: str | None = None, **narrowed: Any) -> Generator[bytes]:
        """The bytes of a CSV file, piece by piece; needs no package for frames."""
        asked, place = self._placed(reading(dataset, **narrowed), source)
        return self._reader.csv(reading_sql.select(asked, place))

    def count(self, dataset: str, *, source: str | None = None, **narrowed: Any) -> int:
        """How many rows the same question brings."""
        asked, place = self._placed(reading(dataset, **narrowed), source)
        return int(self._reader.records(reading_sql.count(asked, place))[0]["count"])

    def history(self, dataset: str, *, code: Codes = None, on: Day = None, source: str | None = None) -> list[Version]:
        """The versions of the rows on a date, oldest first for each key; without `on`, of all that were corrected."""
        day = day_of("on", on)
        asked, place = self._placed(reading(dataset, code=code, start=day, end=day), source)
        return row_history.history(self._reader, asked, place, only_corrected=on is None, limit=MOST_VERSIONS)

    def datasets(self) -> list[Holding]:
        """What there is: each dataset with its rows, dates and freshness."""
        found = list(known_datasets().values())
        return self._database.perform(lambda connection: holdings.holdings(connection, found, self._user_id))

    def describe(self, dataset: str) -> Description:
        """What the dataset is, and what each of its columns means; readable when printed."""
        found = dataset_named(dataset)
        own = tuple((column.name, str(column.type), column.doc) for column in found.columns)
        more = ("text", "bigint", "timestamp with time zone")
        docs = ("the code of the source", "the attempt that brought the row", "when it was fetched, UTC")
        ours = tuple(zip(PROVENANCE, more, docs, strict=True))
        return Description(found.name, found.doc, found.key, (*own, *ours), adjustment_of(found) is not None)

    def _batches(self, asked: Reading, source: str | None) -> Generator[pyarrow.RecordBatch]:
        return self._reader.batches(reading_sql.select(*self._placed(asked, source)))

    def _placed(self, asked: Reading, source: str | None) -> tuple[Reading, Place]:
        """The question with its codes as they are stored, and whose rows it means."""

        def look(connection: Any) -> tuple[Reading, Place]:
            place = holdings.place_of(connection, asked.dataset, self._user_id, source)
            column = code_column(asked.dataset)
            if not asked.codes or column is None:
                return asked, place
            codes = holdings.stored_codes(connection, asked.dataset, place, column, asked.codes)
            return replace(asked, codes=codes), place

        return self._database.perform(look)
