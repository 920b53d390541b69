"""What befell the servers of a runtime can be read without asking anybody."""

from __future__ import annotations

import pytest

from actors.otp.administration import start_child
from actors.otp.child import Restart
from actors.otp.errors import StartError
from actors.otp.reports import KEPT, FailureCounts, Reports
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Crash
from tests.actors.otp.trees import child, crash, refs, restarted, start, subtree


def test_every_turn_of_a_childs_life_is_reported_as_it_is_told(runtime: ThreadRuntime, events: Recorder) -> None:
    root = start(runtime, child("a"), max_restarts=1)
    crash(runtime, refs(root)["a"])
    restarted(events, "root/a")
    crash(runtime, refs(root)["a"])
    runtime.wait(root, 5)

    told = [(report.name, report.path, report.reason, report.restarts) for report in runtime.reports()]
    assert told == [
        ("child.started", "root/a", "", 0),
        ("server.crashed", "root/a", "ValueError", 0),
        ("child.terminated", "root/a", "ValueError", 0),
        ("child.started", "root/a", "", 1),
        ("server.crashed", "root/a", "ValueError", 1),
        ("child.terminated", "root/a", "ValueError", 1),
        ("supervisor.gave_up", "root", "more than 1 restarts in 5 s, the last one of root/a", 0),
    ]
    assert [name for name, *_ in told] == [name for name, _ in events._seen]


def test_failed_starts_bad_ends_and_kills_are_reported(runtime: ThreadRuntime) -> None:
    root = start(runtime, child("bad", kwargs={"terminate_with": KeyError()}))
    with pytest.raises(StartError):
        start_child(root, child("never", kwargs={"outcome": ValueError("secret text")}))
    runtime.stop(root, "shutdown")
    runtime.kill(start(runtime))

    told = [(report.name, report.path, report.reason) for report in runtime.reports()]
    assert told[1:] == [
        ("child.start_failed", "root/never", "ValueError"),
        ("server.crashed", "root/bad", "KeyError"),
        ("child.shutdown_failed", "root/bad", "KeyError"),
        ("server.killed", "root", "killed"),
    ]


def test_a_report_tells_when(still: ThreadRuntime, clock: ManualClock) -> None:
    begun = clock.now()
    root = start(still, child("a"))
    clock.advance(60)
    start_child(root, child("b"))

    assert [(report.at - begun).total_seconds() for report in still.reports()] == [0, 60]


def test_only_the_latest_reports_are_kept(runtime: ThreadRuntime) -> None:
    reports = Reports(runtime.clock, runtime.events)

    for number in range(KEPT + 50):
        reports.add("child.started", f"root/{number}", 0, "")

    assert [report.path for report in reports.latest()] == [f"root/{number}" for number in range(50, KEPT + 50)]


def test_failures_are_counted_over_all_incarnations(runtime: ThreadRuntime, events: Recorder) -> None:
    inner = subtree("sub", child("w", name="w"), max_restarts=1, max_seconds=3600)
    root = start(runtime, inner, max_restarts=5)
    for turn in (1, 2):
        crash(runtime, runtime.whereis("w"))
        events.wait_for("child.started", turn, path="root/sub/w", restarts=1)
        crash(runtime, runtime.whereis("w"))
        restarted(events, "root/sub", turn)

    runtime.kill(refs(root)["sub"])  # type: ignore[arg-type]
    restarted(events, "root/sub", 3)

    assert runtime.failure_counts() == {
        "root/sub/w": FailureCounts(restarts=2, crashes=4, kills=1),
        "root/sub": FailureCounts(restarts=3, crashes=0, kills=1),
    }


def test_children_that_come_and_go_leave_no_counts(runtime: ThreadRuntime) -> None:
    root = start(runtime)
    for number in range(3):
        ref = start_child(root, child(f"job-{number}", restart=Restart.TEMPORARY))
        runtime.stop(ref)  # type: ignore[arg-type]

    assert runtime.failure_counts() == {}


def test_the_counts_of_a_thousand_paths_are_kept_at_most(runtime: ThreadRuntime) -> None:
    reports = Reports(runtime.clock, runtime.events)
    reports.add("server.crashed", "root/old", 0, "ValueError")
    for number in range(999):
        reports.add("server.crashed", f"root/{number}", 0, "ValueError")
    reports.add("server.crashed", "root/old", 1, "ValueError")

    reports.add("server.killed", "root/new", 0, "killed")

    counts = reports.counts()
    assert len(counts) == 1000
    assert "root/0" not in counts
    assert counts["root/old"].crashes == 2


def test_two_runtimes_do_not_share_reports(runtime: ThreadRuntime, still: ThreadRuntime) -> None:
    crash(runtime, start(runtime), Crash())

    assert still.reports() == []
    assert still.failure_counts() == {}
