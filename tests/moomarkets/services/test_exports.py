from __future__ import annotations

import csv
import os
import stat
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas
import polars
import pytest

from moomarkets.domain.datasets.yahoo import YAHOO_DAILY_BARS
from moomarkets.domain.errors import Conflict, InvalidInput, MoomarketsError, StoreUnavailable
from moomarkets.services import exports
from moomarkets.services.exports import Exported
from moomarkets.store.reading import Reader
from tests.support.library import DAY, Library, bar, library

CODES = ("130A0", "72030", "99010")
YEARS = (2025, 2026)


@pytest.fixture
def held(database_url: str) -> Iterator[Library]:
    with library(database_url) as opened:
        opened.store(*(bar(code, date(year, 11, day)) for year in YEARS for day in (18, 19) for code in CODES))
        yield opened


def export(held: Library, to: Path, **asked: Any) -> Exported:
    return held.data.export("daily_bars", to, **asked)


@pytest.mark.parametrize("name", ["bars.parquet", "bars.csv"])
def test_a_file_holds_what_the_frame_holds(held: Library, tmp_path: Path, name: str) -> None:
    told: list[int] = []
    asked: dict[str, Any] = {"code": ["7203", "9901"], "start": "2026-01-01", "adjusted": True}

    done = export(held, tmp_path / name, on_progress=told.append, **asked)

    assert done == Exported(tmp_path / name, 4, 1, (tmp_path / name).stat().st_size)
    assert told[-1] == 4
    read = polars.read_parquet if name.endswith("parquet") else _read_csv
    assert read(tmp_path / name).equals(held.data("daily_bars", **asked))
    assert list(tmp_path.iterdir()) == [tmp_path / name]


def _read_csv(path: Path) -> polars.DataFrame:
    texts = ("code", "upper_limit", "lower_limit")
    numbers = ("open", "high", "low", "close", "volume", "turnover", "adjustment_factor")
    schema = dict.fromkeys(texts, polars.String) | dict.fromkeys(numbers, polars.Float64)
    return polars.read_csv(path, schema_overrides=schema, try_parse_dates=True)


def test_texts_with_line_feeds_and_quotes_are_counted_as_one_row(held: Library, tmp_path: Path) -> None:
    odd = {"note": 'a "quoted"\nword,\n文字'}
    held.store((*bar("99990")[:-1], odd), (*bar("99991")[:-1], odd))

    done = export(held, tmp_path / "x.csv", code=["99990", "99991"], columns=["code", "extra", "on_date"])

    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert (done.rows, [row[0] for row in rows]) == (2, ["code", "99990", "99991"])


@pytest.mark.parametrize(("pieces", "rows"), [
    ([b"h\n", b"1\n2\n"], 2), ([b'h\n"a', b'\nb"\n'], 1), ([b'h\n"a""', b'\n"', b"\n"], 1), ([], 0), ([b"h\n"], 0),
])  # fmt: skip
def test_rows_are_counted_wherever_the_pieces_are_cut(pieces: list[bytes], rows: int) -> None:
    lines = exports._Lines()
    for piece in pieces:
        lines.count(piece)

    assert lines.rows == rows


@pytest.mark.parametrize("name", ["none.parquet", "none.csv"])
def test_nothing_to_write_is_a_file_with_columns_and_no_rows(held: Library, tmp_path: Path, name: str) -> None:
    done = export(held, tmp_path / name, start="2030-01-01")

    assert (done.rows, done.files) == (0, 1)
    read = polars.read_parquet if name.endswith("parquet") else polars.read_csv
    assert read(tmp_path / name).columns == held.data("daily_bars", code="7203").columns


@pytest.mark.parametrize(("by", "folders"), [
    ("year", ["2025.parquet", "2026.parquet"]), ("code", [f"{code}.parquet" for code in CODES]),
])  # fmt: skip
def test_a_folder_has_a_file_for_each_part(held: Library, tmp_path: Path, by: str, folders: list[str]) -> None:
    done = export(held, tmp_path / "bars", partition_by=by)

    assert sorted(path.name for path in (tmp_path / "bars").iterdir()) == folders
    assert (done.rows, done.files) == (12, len(folders))
    assert polars.read_parquet(tmp_path / "bars").sort("code", "on_date").equals(held.data("daily_bars"))
    assert len(pandas.read_parquet(tmp_path / "bars")) == 12
    assert list(tmp_path.iterdir()) == [tmp_path / "bars"]


@pytest.mark.parametrize(("symbol", "name"), [("^A/B", "^A%2FB"), (".N225", "%2EN225"), ("BRK.B", "BRK.B")])
def test_a_symbol_that_is_no_name_of_a_file_is_spelt_otherwise(
    held: Library, tmp_path: Path, symbol: str, name: str
) -> None:
    row = (symbol, DAY, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, None, None, None, "USD", None)
    held.store(row, dataset=YAHOO_DAILY_BARS, source="yahoo")

    held.data.export("yahoo_daily_bars", tmp_path / "bars", partition_by="code")

    assert [path.name for path in (tmp_path / "bars").iterdir()] == [f"{name}.parquet"]


def test_what_exists_is_replaced_only_when_that_is_asked_for(held: Library, tmp_path: Path) -> None:
    file, folder = tmp_path / "x.csv", tmp_path / "bars"
    for _ in range(2):
        export(held, file, overwrite=True)
        export(held, folder, partition_by="year", overwrite=True)
    before = file.read_bytes()

    for to, by in ((file, None), (folder, "code")):
        with pytest.raises(Conflict, match="expected a name that is free, got one that exists; replace it with"):
            export(held, to, partition_by=by)

    assert file.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bars", "x.csv"]


def test_a_folder_of_somebody_else_is_never_replaced(held: Library, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "letters.txt").touch()

    with pytest.raises(Conflict, match=r"expected a folder that an export has made, got one that holds letters\.txt"):
        export(held, tmp_path / "home", partition_by="year", overwrite=True)

    assert (tmp_path / "home" / "letters.txt").exists()


REFUSED: list[tuple[str, str | None, str]] = [
    ("x.xlsx", None, r"to: expected a file that ends in .parquet or .csv, got"),
    ("bars", None, r"to: expected a file that ends in"),
    ("x.parquet", "year", "to: expected the name of a folder, as there is a file for each year, got"),
    ("nowhere/x.csv", None, "to: expected a file in a folder that exists, got"),
    ("bars", "years", r"partition_by: expected one of year, code \(did you mean year\?\), got 'years'"),
]


@pytest.mark.parametrize(("name", "by", "refusal"), REFUSED, ids=[f"{name} {by}" for name, by, _ in REFUSED])
def test_a_target_that_makes_no_sense_is_refused(
    held: Library, tmp_path: Path, name: str, by: str | None, refusal: str
) -> None:
    with pytest.raises(InvalidInput, match=refusal):
        export(held, tmp_path / name, partition_by=by)

    assert list(tmp_path.iterdir()) == []


def test_a_dataset_without_codes_has_no_parts_by_code(held: Library, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="partition_by: expected none, as trading_calendar has no such column"):
        held.data.export("trading_calendar", tmp_path / "days", partition_by="code")


@pytest.mark.parametrize("name", ["x.parquet", "x.csv"])
def test_a_database_that_is_lost_on_the_way_leaves_nothing_behind(
    held: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    ended = "SELECT pg_terminate_backend(pg_backend_pid()), generate_series(1, 100000) AS n"
    monkeypatch.setattr(exports.reading_sql, "select", lambda *_, **__: f"SELECT n FROM ({ended}) AS x")

    with pytest.raises(StoreUnavailable):
        export(held, tmp_path / name)

    assert list(tmp_path.iterdir()) == []


def test_what_is_interrupted_leaves_nothing_behind(held: Library, tmp_path: Path) -> None:
    def interrupt(rows: int) -> None:
        raise KeyboardInterrupt

    for name, by in (("x.parquet", None), ("x.csv", None), ("bars", "year")):
        with pytest.raises(KeyboardInterrupt):
            export(held, tmp_path / name, partition_by=by, on_progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_somebody_makes_meanwhile_is_not_replaced(held: Library, tmp_path: Path) -> None:
    def make(rows: int) -> None:
        (tmp_path / "x.csv").write_text("mine", encoding="utf-8")

    with pytest.raises(Conflict, match="got one that was taken meanwhile"):
        export(held, tmp_path / "x.csv", on_progress=make)

    assert (tmp_path / "x.csv").read_text(encoding="utf-8") == "mine"


def test_a_new_file_has_the_rights_of_any_other(held: Library, tmp_path: Path) -> None:
    (tmp_path / "other").touch()

    export(held, tmp_path / "x.csv")

    rights = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert len(rights) == 1


def test_a_full_disk_is_one_sentence(held: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(MoomarketsError, match=r"x\.csv: expected a place to write to, got No space left on device"):
        export(held, tmp_path / "x.csv")

    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_is_gone_says_so_before_a_file_is_begun(tmp_path: Path, held: Library) -> None:
    held.data._reader = Reader("postgresql://app:hunter2@127.0.0.1:1/x")

    with pytest.raises(StoreUnavailable):
        export(held, tmp_path / "x.parquet")

    assert list(tmp_path.iterdir()) == []
