"""Tables fit the terminal and say everything where they are piped."""

from __future__ import annotations

import io
import json
import re

import pytest
from rich.cells import cell_len

from moomarkets.cli import output

RUNS = [
    {"id": 7, "job_group": "daily-bars-of-tokyo", "status": "completed", "blocked_by": None, "n": 1},
    {"id": 12, "job_group": "reference", "status": "pending", "blocked_by": None, "n": 20},
]
COLUMNS = ("id", "job_group", "status", "blocked_by", "n")
HEADING = ["id", "job", "group", "status", "blocked", "by", "n"]


class Terminal(io.StringIO):
    """A standard output that says it is one."""

    def isatty(self) -> bool:
        """It is."""
        return True


def printed(
    monkeypatch: pytest.MonkeyPatch, width: int, records: output.Records = RUNS, columns: tuple[str, ...] = COLUMNS
) -> list[str]:
    """The lines of the table in a terminal of that width."""
    with monkeypatch.context() as patch:
        terminal = Terminal()
        patch.setattr("sys.stdout", terminal)
        patch.setenv("COLUMNS", str(width))
        patch.setenv("TERM", "xterm")
        patch.setenv("NO_COLOR", "1")
        output.print_table(records, columns)
    return re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue()).splitlines()


@pytest.mark.parametrize("width", [80, 40, 33])
def test_words_and_numbers_stay_whole_in_a_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = printed(monkeypatch, width)

    words = " ".join(lines).split()
    assert all(len(line) <= width for line in lines)
    assert [word for word in ("12", "completed", "pending", "20") if word not in words] == []


def test_a_terminal_that_is_too_narrow_loses_the_last_columns_first(monkeypatch: pytest.MonkeyPatch) -> None:
    words = " ".join(printed(monkeypatch, 22)).split()

    assert [word for word in ("12", "completed", "pending") if word not in words] == []
    assert [word for word in ("n", "20") if word in words] == []


def test_columns_that_are_empty_are_left_out_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "blocked" not in " ".join(printed(monkeypatch, 80))


def test_a_pipe_gets_all_columns(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(RUNS, COLUMNS)

    assert capsys.readouterr().out.splitlines()[0].split() == HEADING


def test_a_pipe_gets_long_texts_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table([{**RUNS[0], "blocked_by": "x" * 5000}], COLUMNS)

    assert "x" * 5000 in capsys.readouterr().out


def test_letters_that_are_two_cells_wide_fit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = printed(monkeypatch, 40, [{**RUNS[0], "job_group": "日足" * 20, "status": "完了しました"}])

    assert "完了しました" in " ".join(lines).split()
    assert all(cell_len(line) <= 40 for line in lines)


def test_a_table_without_rows_keeps_its_headings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert " ".join(printed(monkeypatch, 80, [])).split() == HEADING


def test_values_are_told_for_people_and_maps_as_they_are_typed() -> None:
    scope = {"newest": 5, "symbols": ["日経"]}

    assert [output.cell(value) for value in (True, False, None, {}, ())] == ["yes", "no", "", "", ""]
    assert json.loads(output.cell(scope)) == scope


@pytest.mark.parametrize("column", ["why", "detail", "note"])
def test_a_reason_is_folded_and_not_left_out(monkeypatch: pytest.MonkeyPatch, column: str) -> None:
    gap = {"from_on": "2016-12-01", column: "out of reach: the subscription has 2016-12-01 to 2026-11-30", "days": 468}

    heading, *lines = printed(monkeypatch, 40, [gap], ("from_on", column, "days"))

    assert column in heading
    assert len(lines) > 1
