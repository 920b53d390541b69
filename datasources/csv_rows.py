"""Reads CSV into typed rows of a dataset: bounded pieces in, bounded batches out, by the rules of a `RowReader`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from datasources.columns import RowReader
from moomarkets.domain.errors import Reason, SourceError

MAX_LINE_BYTES = 8 * 1024 * 1024
BATCH_BYTES = 128 * 1024
"""So much of the file makes one batch: about 1,500 rows of prices. Ten times as many take a third longer: what is in
use then no longer fits into the processor's cache."""

_AT_ONCE = 250
_BUFFER = 64 * 1024


class CsvReader:
    """Reads files whose first line names the fields, in any order; an empty cell is no value.

    Example:
        >>> from moomarkets.domain.datasets.markets import TRADING_CALENDAR
        >>> reader = CsvReader("jquants", RowReader("jquants", TRADING_CALENDAR))
        >>> list(reader.batches([b"Date,HolDiv", b"\\n2026-11-20,1\\n"], Counter()))
        [[(datetime.date(2026, 11, 20), '1', None)]]
    """

    def __init__(self, source: str, reader: RowReader, batch_bytes: int = BATCH_BYTES) -> None:
        self._source, self._reader, self._batch_bytes = source, reader, batch_bytes

    def batches(self, pieces: Iterable[bytes], warnings: Counter[str]) -> Iterator[list[tuple[object, ...]]]:
        """The rows of one file in its order; oddities are counted in `warnings`."""
        # A limit of the whole process, by default too low for the statements that some cells hold.
        csv.field_size_limit(max(csv.field_size_limit(), MAX_LINE_BYTES))
        raw = _Pieces(pieces, self._source)
        with io.TextIOWrapper(io.BufferedReader(raw, _BUFFER), encoding="utf-8", newline="") as lines:
            try:
                yield from self._batches(csv.reader(lines, strict=True), raw, warnings)
            except UnicodeDecodeError:
                raise self._malformed("expected UTF-8, got something else") from None
            except csv.Error as error:
                raise self._malformed(f"expected CSV, got: {error}") from None

    def _batches(
        self, lines: Iterator[list[str]], raw: _Pieces, warnings: Counter[str]
    ) -> Iterator[list[tuple[object, ...]]]:
        header = next(lines, [])
        if not header:
            raise self._malformed("expected a first line with the names of the fields, got none")
        header[0] = header[0].removeprefix("\ufeff")
        self._reader.demand_fields(header)
        rows: list[list[str]] = []
        taken, begun_at = 0, 0
        while more := list(islice(lines, _AT_ONCE)):
            rows += more
            if raw.count - begun_at >= self._batch_bytes:
                yield self._typed(header, rows, taken, warnings)
                taken, begun_at, rows = taken + len(rows), raw.count, []
        if rows:
            yield self._typed(header, rows, taken, warnings)

    def _typed(
        self, header: Sequence[str], rows: Sequence[list[str]], taken: int, warnings: Counter[str]
    ) -> list[tuple[object, ...]]:
        if set(map(len, rows)) != {len(header)}:
            for number, row in enumerate(rows, taken + 1):
                if len(row) != len(header):
                    raise self._malformed(f"row {number}: expected {len(header)} cells, got {len(row)}")
        return self._reader.read_columns(dict(zip(header, zip(*rows, strict=True), strict=True)), warnings)

    def _malformed(self, detail: str) -> SourceError:
        return SourceError(Reason.MALFORMED, f"file: {detail}", source=self._source)


class _Pieces(io.RawIOBase):
    """Pieces as a file; `count` is how many bytes of it have been read. Lines are bounded."""

    def __init__(self, pieces: Iterable[bytes], source: str) -> None:
        self._pieces, self._source = iter(pieces), source
        self._piece = memoryview(b"")
        self._line = 0
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # whatever can be written to
        while not self._piece:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._measure(piece)
            self._piece = memoryview(piece)
        size = min(len(buffer), len(self._piece))
        buffer[:size] = self._piece[:size]
        self._piece = self._piece[size:]
        self.count += size
        return size

    def _measure(self, piece: bytes) -> None:
        end = piece.rfind(b"\n")
        self._line = self._line + len(piece) if end < 0 else len(piece) - end
        if self._line > MAX_LINE_BYTES:
            detail = f"file: expected lines of at most {MAX_LINE_BYTES} bytes, got a longer one"
            raise SourceError(Reason.TOO_LARGE, detail, source=self._source)
