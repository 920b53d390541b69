"""Writes readings to files, in pieces, under a temporary name until they are complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from moomarkets.domain.errors import Conflict, InvalidInput, MoomarketsError
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.reading import Reading, code_column, date_column
from moomarkets.store import reading_sql
from moomarkets.store.holdings import Place
from moomarkets.store.reading import Reader

if TYPE_CHECKING:
    import pyarrow

Told = Callable[[int], object]
"""Is told how many rows have been written so far."""

FORMATS = (".parquet", ".csv")
PARTITIONS = ("year", "code")
ROW_GROUP = 131_072
"""Rows that lie together in a Parquet file, and that are in memory while it is written."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to write: a file, or a folder where `partition_by` is `year` or `code`."""

    path: Path
    partition_by: str | None
    overwrites: bool


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: `rows` in `files` files of `bytes` together, at `path`."""

    path: Path
    rows: int
    files: int
    bytes: int


def target(to: str | Path, partition_by: str | None, overwrites: bool) -> Target:
    """The checked target; refuses before anything is read."""
    path = Path(to)
    if partition_by is not None and partition_by not in PARTITIONS:
        guess = did_you_mean(partition_by, PARTITIONS)
        raise InvalidInput("partition_by", f"one of {', '.join(PARTITIONS)}{guess}", partition_by)
    if partition_by is None and path.suffix not in FORMATS:
        raise InvalidInput("to", f"a file that ends in {' or '.join(FORMATS)}", str(to))
    if partition_by is not None and path.suffix in FORMATS:
        raise InvalidInput("to", f"the name of a folder, as there is a file for each {partition_by}", str(to))
    if not path.parent.is_dir():
        raise InvalidInput("to", "a file in a folder that exists", str(to))
    if path.exists():
        _refuse_or_replace(path, partition_by, overwrites)
    return Target(path, partition_by, overwrites)


def write(reader: Reader, asked: Reading, place: Place, target: Target, told: Told) -> Exported:
    """Write all rows that are asked for; what is not completed leaves nothing behind."""
    if target.partition_by is not None:
        return _write_folder(reader, asked, place, target, told)
    query = reading_sql.select(asked, place)
    with _temporary(target.path) as temporary:
        if target.path.suffix == ".csv":
            rows = _write_csv(reader.csv(query), temporary, told)
        else:
            with _ParquetFiles() as files, closing(reader.batches(query)) as batches:
                for batch in batches:
                    files.write(temporary, batch)
                    told(files.rows)
            rows = files.rows
        size = _put(temporary, target)
    return Exported(target.path, rows, 1, size)


def _refuse_or_replace(path: Path, partition_by: str | None, overwrites: bool) -> None:
    if path.is_dir() != (partition_by is not None):
        kind = "a folder" if partition_by else "a file"
        raise Conflict(f"{path}: expected {kind} or nothing, got {'a file' if partition_by else 'a folder'}")
    if not overwrites:
        raise Conflict(f"{path}: expected a name that is free, got one that exists; replace it with --overwrite")
    if path.is_dir():
        # Replacing a folder deletes what is in it: only one that an export has made.
        others = [entry.name for entry in path.iterdir() if entry.suffix != ".parquet" or not entry.is_file()]
        if others:
            raise Conflict(f"{path}: expected a folder that an export has made, got one that holds {others[0]}")


def _write_csv(chunks: Generator[bytes], path: Path, told: Told) -> int:
    """Copy the bytes; a row ends with a line feed outside of quotes."""
    lines = _Lines()
    with closing(chunks), path.open("wb") as file:
        for chunk in chunks:
            file.write(chunk)
            lines.count(chunk)
            told(lines.rows)
    return lines.rows


class _Lines:
    """Counts the rows of a CSV file whose bytes come in pieces; the head is none."""

    def __init__(self) -> None:
        self._ends, self._is_quoted = 0, False

    @property
    def rows(self) -> int:
        return max(self._ends - 1, 0)

    def count(self, chunk: bytes) -> None:
        if not self._is_quoted and b'"' not in chunk:
            self._ends += chunk.count(b"\n")
            return
        for part_number, part in enumerate(chunk.split(b'"')):
            self._is_quoted ^= part_number > 0
            self._ends += 0 if self._is_quoted else part.count(b"\n")


class _ParquetFiles:
    """Writes batches to files, one open at a time; a batch goes to the file that is named with it."""

    def __init__(self) -> None:
        self.rows = self.files = 0
        self._path: Path | None = None
        self._writer: Any = None

    def __enter__(self) -> _ParquetFiles:
        return self

    def __exit__(self, *error: object) -> None:
        self._close()

    def write(self, path: Path, batch: pyarrow.RecordBatch) -> None:
        """Append to the file at `path`, which is begun where it is another one than before."""
        import pyarrow.parquet

        if path != self._path:
            self._close()
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer, self._path = pyarrow.parquet.ParquetWriter(path, batch.schema, compression="zstd"), path
            self.files += 1
        if batch.num_rows:
            self._writer.write_batch(batch, row_group_size=ROW_GROUP)
            self.rows += batch.num_rows

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _write_folder(reader: Reader, asked: Reading, place: Place, target: Target, told: Told) -> Exported:
    column = _partition_column(asked, target)
    # In the order of the parts, so that one file is open at a time.
    order = list(dict.fromkeys([column, *asked.dataset.key]))
    needed = replace(asked, columns=tuple(dict.fromkeys((*asked.columns, column))))
    with _temporary(target.path) as temporary:
        query = reading_sql.select(needed, place, order=order)
        with _ParquetFiles() as files, closing(reader.batches(query)) as batches:
            for batch in batches:
                for value, part in _parts(batch, column, target.partition_by == "year"):
                    kept = part if column in asked.columns else part.drop_columns([column])
                    files.write(temporary / _file_name(value), kept)
                    told(files.rows)
        size = sum(file.stat().st_size for file in temporary.rglob("*.parquet"))
        _put_folder(temporary, target)
    return Exported(target.path, files.rows, files.files, size)


def _partition_column(asked: Reading, target: Target) -> str:
    column = date_column(asked.dataset) if target.partition_by == "year" else code_column(asked.dataset)
    if column is None:
        raise InvalidInput("partition_by", f"none, as {asked.dataset.name} has no such column", target.partition_by)
    return column


def _file_name(value: object) -> str:
    """Names of folders such as `code=72030` would be read as numbers, and clash with the column of that name."""
    named = "unknown" if value is None else quote(str(value), safe="^= ")
    return f"{named.replace('.', '%2E', 1) if named.startswith('.') else named}.parquet"


def _parts(batch: pyarrow.RecordBatch, column: str, is_by_year: bool) -> Iterator[tuple[object, pyarrow.RecordBatch]]:
    """The runs of equal values in a batch that is in their order, each as a slice of it."""
    import pyarrow.compute

    values = batch.column(column)
    if is_by_year:
        values = pyarrow.compute.year(values)
    runs = pyarrow.compute.run_end_encode(values)
    start = 0
    for end, value in zip(runs.run_ends.to_pylist(), runs.values.to_pylist(), strict=True):
        yield value, batch.slice(start, end - start)
        start = end


@contextmanager
def _temporary(path: Path) -> Iterator[Path]:
    """A name in a folder beside `path`; that folder is deleted afterwards, with what was not put in its place."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
    except OSError as error:
        raise _no_place(path, error) from None
    try:
        yield folder / path.name
    except OSError as error:
        raise _no_place(path, error) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(temporary: Path, target: Target) -> int:
    """Give the complete file its name; returns its size."""
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    size = temporary.stat().st_size
    if not target.overwrites:
        try:
            # Unlike a rename, this fails where somebody else has made the file meanwhile.
            os.link(temporary, target.path)
            return size
        except FileExistsError:
            raise _taken(target) from None
        except OSError:
            # Not every file system has links: a look, and a rename right after it.
            if target.path.exists():
                raise _taken(target) from None
    temporary.replace(target.path)
    return size


def _put_folder(temporary: Path, target: Target) -> None:
    temporary.mkdir(exist_ok=True)
    if target.overwrites and target.path.exists():
        with _temporary(target.path) as old:
            target.path.replace(old)
            temporary.replace(target.path)
        return
    try:
        temporary.replace(target.path)
    except OSError:
        raise _taken(target) from None


def _no_place(path: Path, error: OSError) -> MoomarketsError:
    return MoomarketsError(f"{path}: expected a place to write to, got {error.strerror or error}")


def _taken(target: Target) -> Conflict:
    return Conflict(f"{target.path}: expected a name that is free, got one that was taken meanwhile")
