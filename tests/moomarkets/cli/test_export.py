"""`moomarkets export` and `moomarkets data`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import polars
import pytest

from tests.moomarkets.cli.conftest import Moomarkets
from tests.support.library import FIRST_FETCH, Library, bar, library
from tests.support.supervisor import ROOT


@pytest.fixture
def held(database_url: str, moomarkets: Moomarkets) -> Iterator[Library]:
    # The first command of all says that it has made a keyring.
    moomarkets("db", "upgrade")
    with library(database_url) as opened:
        opened.store(*(bar("72030", date(2026, 11, day), close=float(day)) for day in (17, 18, 19)))
        yield opened


def test_export_writes_a_file_and_says_how_much(held: Library, moomarkets: Moomarkets, tmp_path: Path) -> None:
    result = moomarkets("export", "daily_bars", "--code", "7203", "--start", "2026-11-18", "--to", "bars.parquet")

    assert result.exit_code == 0
    assert result.stderr.startswith("bars.parquet: 2 rows, ")
    assert result.stdout == ""
    assert polars.read_parquet(tmp_path / "bars.parquet")["close"].to_list() == [18.0, 19.0]


def test_export_pours_csv_onto_standard_output(held: Library, moomarkets: Moomarkets) -> None:
    result = moomarkets("export", "daily_bars", "--column", "on_date", "--column", "close", "--to", "-")

    assert result.stdout == "on_date,close\n2026-11-17,17\n2026-11-18,18\n2026-11-19,19\n"
    assert result.stderr == ""


def test_export_adjusts_and_goes_back_in_time(held: Library, moomarkets: Moomarkets) -> None:
    held.store(bar("72030", date(2026, 11, 24), factor=0.5), at=FIRST_FETCH + timedelta(days=4))
    what = ("export", "daily_bars", "--column", "close", "--end", "2026-11-17", "--adjusted", "--to", "-")

    assert moomarkets(*what).stdout == "close\n8.5\n"
    assert moomarkets(*what, "--as-of", "2026-11-20").stdout == "close\n17\n"


def test_export_into_parts_says_how_many_files(held: Library, moomarkets: Moomarkets) -> None:
    result = moomarkets("export", "daily_bars", "--to", "bars", "--partition-by", "year")

    assert result.stderr.startswith("bars: 3 rows in 1 file, ")


@pytest.mark.parametrize(("arguments", "code", "told"), [
    (("daily_bar", "--to", "x.csv"), 2, "dataset: expected one of"),
    (("daily_bars", "--code", "7230", "--to", "x.csv"), 2, "did you mean 72030?"),
    (("daily_bars", "--start", "2024-02-30", "--to", "x.csv"), 2, "start: expected a date such as 2026-11-20"),
    (("daily_bars", "--to", "x.xlsx"), 2, "to: expected a file that ends in .parquet or .csv"),
    (("daily_bars", "--to", "-", "--overwrite"), 2, "--overwrite: expected a file to write to, got '-'"),
    (("daily_bars", "--to", "there.csv"), 4, "replace it with --overwrite"),
    (("daily_bars",), 2, "--to"),
])  # fmt: skip
def test_export_refuses_with_the_right_exit_code(
    held: Library, moomarkets: Moomarkets, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    (tmp_path / "there.csv").write_text("kept", encoding="utf-8")

    result = moomarkets("export", *arguments)

    assert (result.exit_code, result.stdout) == (code, "")
    assert told in result.stderr
    assert (tmp_path / "there.csv").read_text(encoding="utf-8") == "kept"


def test_export_stops_quietly_when_its_reader_has_seen_enough(held: Library, owner_url: str, tmp_path: Path) -> None:
    held.store(*(bar(f"{number:05}") for number in range(20_000)))
    command = [sys.executable, "-m", "moomarkets.cli", "--database-url", owner_url, "--data-dir", str(tmp_path)]

    with subprocess.Popen(
        [*command, "export", "daily_bars", "--to", "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        head = process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()

    assert head.startswith(b"code,on_date,open")
    assert told == b""


def test_data_show_prints_the_newest_rows(held: Library, moomarkets: Moomarkets) -> None:
    table = moomarkets("data", "show", "daily_bars", "--code", "7203", "--limit", "2").stdout
    rows = json.loads(moomarkets("data", "show", "daily_bars", "--limit", "2", "--json").stdout)

    assert [line.split()[:2] for line in table.splitlines()[1:]] == [["72030", "2026-11-18"], ["72030", "2026-11-19"]]
    assert [row["close"] for row in rows] == [18.0, 19.0]
    assert moomarkets("data", "show", "daily_bars", "--start", "2030-01-01").stdout == "no rows\n"
    assert moomarkets("data", "show", "daily_bars", "--limit", "0").exit_code == 2


def test_data_list_and_describe_tell_what_there_is(held: Library, moomarkets: Moomarkets) -> None:
    listed = {row["name"]: row for row in json.loads(moomarkets("data", "list", "--json").stdout)}
    described = moomarkets("data", "describe", "daily_bars").stdout

    assert (listed["daily_bars"]["rows"], listed["daily_bars"]["last_on"]) == (3, "2026-11-19")
    assert described.startswith("daily_bars: Raw daily prices as traded")
    assert "turnover" in described


def test_data_history_tells_what_a_correction_changed(held: Library, moomarkets: Moomarkets) -> None:
    held.store(bar("72030", date(2026, 11, 18), close=99.0), at=FIRST_FETCH + timedelta(days=1))

    lines = moomarkets("data", "history", "daily_bars", "--code", "7203").stdout.splitlines()

    assert lines[1].split() == ["72030", "2026-11-18", "2026-11-20", "09:00", "2026-11-21", "09:00", "1"]
    assert "close: 18.0 -> 99.0" in lines[2]
    assert moomarkets("data", "history", "daily_bars", "--on", "2030-01-01").stdout == "no rows\n"
    assert moomarkets("data", "history", "listed_issues").stdout == "nothing was ever corrected\n"
