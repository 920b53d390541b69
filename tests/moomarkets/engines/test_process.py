"""What only processes have: they are really ended, they share nothing with us, and none is ever left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import InvalidInput, Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.process import ProcessEngine
from tests.actors.otp.patience import eventually
from tests.moomarkets.engines import works
from tests.moomarkets.engines.bench import Port, children, is_gone
from tests.moomarkets.engines.conftest import Make
from tests.moomarkets.engines.works import task

ROOT = Path(__file__).parents[3]


def test_work_that_cannot_be_told_to_a_process_is_refused(processes: Make) -> None:
    bench = processes()

    with pytest.raises(InvalidInput, match="work job: expected a Task, which another process can be told, got 'func"):
        bench.engine.start(lambda token: 1, CancelToken(), bench.outcomes.put, "job")


@pytest.mark.parametrize("work", [works.stuck, works.parent, works.deaf])
def test_an_abandoned_process_is_dead_and_collected_whatever_it_is_at(processes: Make, work: object) -> None:
    bench = processes(workers=1)
    started = bench.start(task(work, port=bench.port.number))
    held = bench.port.next()

    started.abandon()

    assert bench.run(task(works.echo, value=1)) == 1
    assert str(held.pid) not in children()
    assert held.wait_dead()
    assert bench.engine.abandoned == 0


@pytest.mark.parametrize(
    ("work", "how"),
    [
        (task(works.leave, code=3), "exit code 3"),
        (task(works.leave, code=0, words="the last\nwords "), "exit code 0: words"),
        (task(works.be_killed, signal="SIGKILL"), "signal 9 (SIGKILL)"),
        (task(works.be_killed, signal="SIGTERM"), "signal 15 (SIGTERM)"),
        (task(works.be_killed, signal="SIGRTMIN"), "signal 34 (SIGRTMIN)"),
        (task(works.crash), "signal 11 (SIGSEGV)"),
        (task(works.hang_up), "exit code 1: OSError: [Errno 9] Bad file descriptor"),
    ],
    ids=["exit", "last words", "killed", "terminated", "real time", "segfault", "channel"],
)
def test_a_process_that_ends_by_itself_has_crashed_and_the_next_task_finds_another(
    processes: Make, work: Callable[[CancelToken], object], how: str
) -> None:
    bench = processes(workers=1)

    failure = bench.run(work)

    assert failure == Failed(Reason.CRASHED, f"the worker process ended with {how}")
    assert bench.run(task(works.echo, value=1)) == 1


def test_an_idle_process_that_dies_is_collected_at_once_and_missed_by_nobody(processes: Make) -> None:
    bench = processes(workers=1)
    pid = bench.run(task(works.who)).partition("/")[0]

    os.kill(int(pid), signal.SIGKILL)

    assert eventually(lambda: pid not in children())
    assert bench.run(task(works.echo, value=1)) == 1


def test_what_a_task_prints_harms_nobody(processes: Make) -> None:
    assert processes().run(task(works.print_much)) == "said"


def test_a_task_that_forks_and_lets_both_return_answers_once(processes: Make) -> None:
    bench = processes(workers=1)

    assert bench.run(task(works.split)) == "parent"
    assert bench.run(task(works.echo, value=1)) == 1


def test_much_is_passed_in_both_directions(processes: Make) -> None:
    much = "x" * 20_000_000

    assert processes().run(task(works.echo, value=much)) == much


def test_a_process_inherits_its_channel_and_no_other_descriptor(processes: Make) -> None:
    bench = processes()
    read, write = os.pipe()
    os.set_inheritable(write, True)

    found = bench.run(task(works.descriptors))
    os.close(read)
    os.close(write)

    assert found.pop("0") == "/dev/null"
    assert found.pop("1") == found.pop("2")
    assert [target.partition(":")[0] for target in found.values()] == ["socket"]


def test_a_process_gets_nothing_of_the_environment_that_could_be_secret(
    processes: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MOOMARKETS_KEYS", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD"):
        monkeypatch.setenv(name, "geheim")
    monkeypatch.setenv("OMP_NUM_THREADS", "2")

    found = processes().run(task(works.environment))

    assert "geheim" not in repr(found)
    assert found["OMP_NUM_THREADS"] == "2"
    assert set(found) <= {"PATH", "HOME", "LANG", "LC_CTYPE", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
                          "PYTHONPATH", "OMP_NUM_THREADS"}  # fmt: skip


def test_no_more_processes_run_than_there_are_places(processes: Make) -> None:
    bench = processes(workers=2)
    for _ in range(3):
        bench.start(task(works.deaf, port=bench.port.number))
    first, second = bench.port.next(), bench.port.next()
    at_once = len(bench.threads.all)

    first.let_go()
    third = bench.port.next()
    second.let_go()
    third.let_go()

    assert at_once == 2
    assert third.pid == first.pid
    assert [bench.next() for _ in range(3)] == ["late"] * 3


def test_what_waits_for_a_place_is_cancelled_or_abandoned_at_once(processes: Make) -> None:
    bench, token = processes(workers=1), CancelToken()
    bench.start(task(works.deaf, port=bench.port.number))
    busy = bench.port.next()
    bench.start(task(works.echo, value=1), token)
    bench.start(task(works.echo, value=2)).abandon()

    token.cancel(Reason.TIMED_OUT)
    cancelled = bench.next()
    busy.let_go()

    assert cancelled == Failed(Reason.TIMED_OUT, "cancelled before it started")
    assert bench.next() == "late"
    assert bench.run(task(works.echo, value=3)) == 3


def test_a_process_is_replaced_after_so_many_tasks(processes: Make) -> None:
    bench = processes(workers=1, tasks_each=2)

    seen = [bench.run(task(works.who)) for _ in range(4)]

    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_closing_kills_what_is_under_way_and_interrupts_what_waits(processes: Make) -> None:
    bench = processes(workers=1)
    bench.start(task(works.stuck, port=bench.port.number))
    stuck = bench.port.next()
    bench.start(task(works.echo, value=1))

    bench.engine.close()

    assert [bench.next() for _ in range(2)] == [Failed(Reason.INTERRUPTED, "the engine is closed")] * 2
    assert bench.threads.join()
    assert stuck.wait_dead()


def test_without_a_thread_for_it_a_task_fails_and_says_so() -> None:
    def spawn(target: Callable[[], None], name: str) -> None:
        raise RuntimeError("can't start new thread")

    outcomes: list[object] = []

    ProcessEngine(spawn).start(task(works.who), CancelToken(), outcomes.append, "job")

    assert outcomes == [Failed(Reason.CRASHED, "no worker process can be started: can't start new thread")]


def test_without_a_process_for_it_a_task_fails_and_says_so(processes: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    failure = processes().fails(task(works.who))

    assert failure.reason is Reason.CRASHED
    assert failure.detail.startswith("no worker process can be started: [Errno 2]")


OWNER = """
import threading
from moomarkets.domain.cancel import CancelToken
from moomarkets.engines.process import ProcessEngine
from tests.moomarkets.engines import works
spawn = lambda target, name: threading.Thread(target=target, name=name, daemon=True).start()
engine = ProcessEngine(spawn, workers=2)
for work in (works.stuck, works.deaf):
    engine.start(works.task(work, port={port}), CancelToken(), print, "job")
threading.Event().wait()
"""


def test_processes_die_with_their_owner_however_it_ends_and_whatever_they_are_at() -> None:
    port = Port()
    owner = subprocess.Popen([sys.executable, "-c", OWNER.format(port=port.number)], cwd=ROOT)
    held = [port.next(), port.next()]

    owner.kill()
    owner.wait()

    assert all(is_gone(one.pid) and one.wait_dead() for one in held)
    port.close()


def test_an_answer_that_cannot_be_read_is_a_failed_task_and_the_next_one_is_done(processes: Make) -> None:
    bench = processes(workers=1)

    bench.start(task(works.nested))
    unread = bench.outcomes.get(timeout=20)
    bench.start(task(works.environment))

    assert isinstance(unread, Failed)
    assert unread.reason is Reason.CRASHED
    assert isinstance(bench.outcomes.get(timeout=20), dict)
