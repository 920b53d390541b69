from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from itertools import chain, repeat

import pytest

from datasources.columns import RowReader
from datasources.csv_rows import MAX_LINE_BYTES, CsvReader
from datasources.jquants.endpoints import DROPPED_FIELDS, HALF_DAY_FIELDS, HALF_DAY_NUMBERS
from moomarkets.domain.dataset import Dataset
from moomarkets.domain.datasets.equities import DAILY_BARS, LISTED_ISSUES
from moomarkets.domain.datasets.financials import FINANCIAL_DETAILS
from moomarkets.domain.errors import Reason, SourceError

HEADER = "Date,Code,O,H,L,C,UL,LL,Vo,Va,AdjFactor"
LINE = "2026-11-20,72030,1.5,2,0.5,1e3,0,1,100,15,1.0"
ROW = ("72030", date(2026, 11, 20), 1.5, 2.0, 0.5, 1000.0, "0", "1", 100.0, 15.0, 1.0, None)


def batches(
    *lines: str | bytes, dataset: Dataset = DAILY_BARS, warnings: Counter[str] | None = None, batch_bytes: int = 1000
) -> list[list[tuple[object, ...]]]:
    content = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    pieces = [content[start : start + 7] for start in range(0, len(content), 7)]
    reader = RowReader("sim", dataset, DROPPED_FIELDS, HALF_DAY_FIELDS, HALF_DAY_NUMBERS)
    return list(CsvReader("sim", reader, batch_bytes).batches(pieces, Counter() if warnings is None else warnings))


def rows(*lines: str | bytes, **options: object) -> list[tuple[object, ...]]:
    return list(chain.from_iterable(batches(*lines, **options)))  # type: ignore[arg-type]


def failure(*lines: str | bytes, dataset: Dataset = DAILY_BARS) -> tuple[Reason, str]:
    with pytest.raises(SourceError) as raised:
        batches(*lines, dataset=dataset)
    return raised.value.reason, raised.value.detail


def test_cells_become_typed_values_by_the_names_in_the_first_line() -> None:
    assert rows(HEADER, LINE, "") == [ROW]
    assert rows(",".join(HEADER.split(",")[::-1]), ",".join(LINE.split(",")[::-1])) == [ROW]


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_lines_may_end_as_they_like_and_a_mark_may_come_first(end: str) -> None:
    assert rows(f"\ufeff{HEADER}{end.strip(chr(10))}", f"{LINE}{end}") == [ROW]


def test_an_empty_cell_is_no_value() -> None:
    (row,) = rows(HEADER, "2026-11-20,72030,,,,,,,,,1")

    assert row == ("72030", date(2026, 11, 20), None, None, None, None, None, None, None, None, 1.0, None)


def test_quoted_cells_may_hold_commas_quotes_and_lines() -> None:
    header = ",".join(column.field for column in LISTED_ISSUES.columns[:-1])
    line = '2026-11-20,13010,"架空, ""商事""\n株式会社"' + "," * 11

    assert rows(header, line, dataset=LISTED_ISSUES)[0][2] == '架空, "商事"\n株式会社'


def test_json_stands_as_text_in_its_cell() -> None:
    header = ",".join(column.field for column in FINANCIAL_DETAILS.columns[:-1])
    place = [column.name for column in FINANCIAL_DETAILS.columns].index("statements")
    cells = ["2026-11-20" if column.type == "date" else "x" for column in FINANCIAL_DETAILS.columns[:-1]]
    cells[place] = '"{""Assets"": [1, null]}"'

    assert rows(header, ",".join(cells), dataset=FINANCIAL_DETAILS)[0][place] == {"Assets": [1, None]}
    cells[place] = "{Assets"
    assert failure(header, ",".join(cells), dataset=FINANCIAL_DETAILS)[0] is Reason.SCHEMA


def test_unknown_columns_are_kept_and_warned_of_and_expected_ones_are_typed() -> None:
    warnings: Counter[str] = Counter()

    (row,) = rows(f"{HEADER},AdjC,MO,MUL,New", f"{LINE},7,12.5,0,x1", warnings=warnings)

    assert row[-1] == {"MO": 12.5, "MUL": "0", "New": "x1"}
    assert warnings == {"unknown_field:New": 1}


def test_odd_values_are_judged_as_in_any_other_answer() -> None:
    warnings: Counter[str] = Counter()

    (row,) = rows(HEADER, "2026-11-20,72\u202e030,NaN,1_000,none,inf,0,0,1,1,1", warnings=warnings)

    assert row[:6] == ("72\ufffd030", date(2026, 11, 20), None, None, None, None)
    assert warnings == {"odd_numbers": 4, "odd_texts": 1}


def test_missing_columns_and_twin_columns_are_a_schema_error() -> None:
    assert failure("Date,Code,O", "2026-11-20,72030,1") == (
        Reason.SCHEMA, "required fields missing: H, L, C, UL, LL, Vo, Va, AdjFactor",
    )  # fmt: skip
    assert failure(f"{HEADER},O", f"{LINE},1") == (Reason.SCHEMA, "fields: expected each once, got one twice")


def test_a_date_that_is_none_is_a_schema_error() -> None:
    assert failure(HEADER, LINE.replace("2026-11-20", "yesterday"))[0] is Reason.SCHEMA
    assert failure(HEADER, LINE.replace("2026-11-20", ""))[0] is Reason.SCHEMA


def test_a_line_that_is_cut_off_is_malformed() -> None:
    assert failure(HEADER, LINE, "2026-11-20,72030,1.5,2") == (
        Reason.MALFORMED, "file: row 2: expected 11 cells, got 4",
    )  # fmt: skip
    assert failure(HEADER, '2026-11-20,"72030')[0] is Reason.MALFORMED


@pytest.mark.parametrize("encoding", ["utf-16", "shift_jis"])
def test_another_encoding_is_malformed(encoding: str) -> None:
    content = f"{HEADER}\n{LINE.replace('72030', '架空')}\n".encode(encoding)

    assert failure(content) == (Reason.MALFORMED, "file: expected UTF-8, got something else")


def test_an_empty_file_is_malformed_and_one_without_rows_is_not() -> None:
    assert failure("")[0] is Reason.MALFORMED
    assert rows(HEADER) == []


def test_a_long_file_comes_in_bounded_batches() -> None:
    found = batches(HEADER, *[LINE] * 5000, batch_bytes=1)

    assert sum(map(len, found)) == 5000
    # What the buffer holds is read before a batch can end.
    assert max(map(len, found)) < 2000


def endless(first: bytes) -> Iterable[bytes]:
    return chain([first], repeat(b"0" * 1_000_000, 1_000))


@pytest.mark.parametrize("first", [b"", HEADER.encode() + b'\n2026-11-20,"'])
def test_a_line_without_end_is_refused_soon(first: bytes) -> None:
    pieces = iter(endless(first))

    with pytest.raises(SourceError) as raised:
        list(CsvReader("sim", RowReader("sim", DAILY_BARS)).batches(pieces, Counter()))

    assert raised.value.reason is Reason.TOO_LARGE
    assert sum(map(len, pieces)) > 1_000_000_000 - 2 * MAX_LINE_BYTES
