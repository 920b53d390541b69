"""What a session shows: a line for each change, a live table, a summary; names are shown as they are."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from moomarkets.display import LiveDisplay, PlainDisplay, StandardError, print_summary
from moomarkets.services.progress import Snapshot

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ODD = "odd [/bold] [red]name"


class Terminal(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def group(**changes: Any) -> dict[str, object]:
    """A group that runs and has done 3 of 20 jobs."""
    usual: dict[str, object] = {
        "name": "daily-bars",
        "status": "running",
        "run_id": 1,
        "run_status": "running",
        "blocked_by": None,
        "next_run_at": None,
        "total_jobs": 20,
        "completed_jobs": 3,
        "rows_written": 13200,
    }
    return {**usual, **changes}


def run(**changes: Any) -> dict[str, object]:
    """A run that has ended."""
    usual: dict[str, object] = {
        "id": 1,
        "job_group": "daily-bars",
        "status": "completed",
        "blocked_by": None,
        "total_jobs": 20,
        "completed_jobs": 20,
        "failed_jobs": 0,
        "rows_written": 88000,
        "requests": 24,
        "started_at": NOON,
        "completed_at": NOON.replace(second=12),
        "error_message": None,
    }
    return {**usual, **changes}


def job(**changes: Any) -> dict[str, object]:
    """A job of that run that waits for another try."""
    usual: dict[str, object] = {
        "run_id": 1,
        "job_group": "daily-bars",
        "status": "pending",
        "due_at": NOON,
        "last_error": "jquants: network: no route [/red]",
    }
    return {**usual, **changes}


def snapshot(
    *groups: dict[str, object], runs: list[dict[str, object]] | None = None, is_over: bool = False
) -> Snapshot:
    return Snapshot(list(groups), runs or [], is_idle=is_over, is_all_done=is_over)


def shown(*snapshots: Snapshot) -> list[str]:
    """The lines of a plain display."""
    stream = io.StringIO()
    display = PlainDisplay(stream)
    for one in snapshots:
        display.show(one)
    display.close()
    return stream.getvalue().splitlines()


def summary(of: Snapshot, *troubled: dict[str, object]) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_summary(console, of, {"daily_bars": 88000}, troubled)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO from above
    return text


def test_a_line_says_group_state_jobs_and_rows() -> None:
    assert shown(snapshot(group())) == ["daily-bars: running, 3/20 jobs, 13,200 rows"]


def test_only_a_changed_state_or_another_tenth_gets_a_line() -> None:
    lines = shown(
        snapshot(group()), snapshot(group(rows_written=13300)), snapshot(group(completed_jobs=4)), snapshot(group())
    )

    assert len(lines) == 3


def test_a_group_that_waits_says_for_what() -> None:
    waiting = group(run_status="pending", blocked_by="group reference: its newest run is running")

    assert shown(snapshot(waiting))[0].startswith("daily-bars: waits for group reference")


def test_the_live_table_draws_odd_names_as_they_are() -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, width=200, force_terminal=True))

    display.show(snapshot(group(name=ODD, status="completed")))
    display.close()

    assert ODD in stream.getvalue()


def test_log_lines_on_the_same_terminal_are_printed_above_the_live_table(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, errors = io.StringIO(), Terminal()
    monkeypatch.setattr(sys, "stderr", errors)
    display = LiveDisplay(Console(file=screen, width=200, force_terminal=True))

    print("job.failed while it shows", file=StandardError())
    display.close()
    print("job.failed afterwards", file=StandardError())

    assert "job.failed while it shows" in screen.getvalue()
    assert errors.getvalue() == "job.failed afterwards\n"


def test_log_lines_that_go_elsewhere_stay_there(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, errors = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", errors)
    display = LiveDisplay(Console(file=screen, width=200, force_terminal=True))

    print("job.failed", file=StandardError())
    display.close()

    assert "job.failed" not in screen.getvalue()
    assert errors.getvalue() == "job.failed\n"


def test_the_summary_lists_the_runs_and_what_the_database_holds() -> None:
    text = summary(snapshot(runs=[run()]))

    assert "daily-bars" in text
    assert "20/20" in text
    assert "88,000" in text
    assert "12.0" in text
    assert "in the database: 88,000 daily_bars" in text


def test_the_summary_shows_errors_and_odd_names_as_they_are() -> None:
    text = summary(snapshot(runs=[run(job_group=ODD, status="failed", error_message="[/red] HTTP 500")]))

    assert f"{ODD}: [/red] HTTP 500" in text


def test_the_summary_says_when_nothing_was_due_and_when_all_is_here() -> None:
    assert "nothing was due" in summary(snapshot(is_over=True))
    assert "everything is here already" in summary(snapshot(runs=[run(requests=0)], is_over=True))
    assert "everything is here already" not in summary(snapshot(runs=[run()], is_over=True))
    assert "everything is here already" not in summary(snapshot(is_over=True))


def test_the_summary_says_once_for_each_error_what_becomes_of_its_jobs() -> None:
    text = summary(
        snapshot(runs=[run(status="running")]),
        job(),
        job(due_at=NOON.replace(hour=13)),
        job(status="failed", last_error="jquants: auth"),
        job(run_id=7, last_error="of another session"),
        job(last_error=None),
    )

    assert (
        "daily-bars: 2 jobs to be tried again, not before 2026-11-20 12:00 UTC: jquants: network: no route [/red]"
        in (text)
    )
    assert "daily-bars: 1 job failed: jquants: auth\n" in text
    assert "another session" not in text


def test_the_summary_names_what_runs_wait_for_and_groups_that_failed_before() -> None:
    text = summary(
        snapshot(
            group(name="reference", run_id=3, run_status="failed"),
            runs=[run(status="pending", blocked_by="group reference: its newest run is failed")],
        )
    )

    assert "daily-bars: waits for group reference: its newest run is failed" in text
    assert "reference: its newest run failed earlier; run it again with `moomarkets groups run reference`" in text


def test_many_different_errors_are_counted_and_not_all_told() -> None:
    text = summary(snapshot(runs=[run()]), *[job(last_error=f"error {number}") for number in range(13)])

    assert "error 9" in text
    assert "error 10" not in text
    assert "3 other errors: `moomarkets jobs list`" in text


def test_the_live_table_says_on_one_line_what_a_group_waits_for_or_when_it_is_due() -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, width=100, force_terminal=True))
    waiting = group(name="waiting", run_status="pending", blocked_by="group reference: its newest run is running")
    over = group(name="over", status="completed", run_status="completed", next_run_at=NOON)

    display.show(snapshot(waiting, over))
    display.close()

    lines = stream.getvalue().splitlines()
    assert any("waiting" in line and "for group reference" in line for line in lines)
    assert any("over" in line and "next 2026-11-20 12:00 UTC" in line for line in lines)
    assert not any("is running" in line and "waiting" not in line for line in lines)
