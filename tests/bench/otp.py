"""What servers cost: messages, restarts, idle ones, many children, a long queue; beside raw Pykka in the same run."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import pykka

from actors.otp import sys as operator
from actors.otp.administration import start_child
from actors.otp.child import ChildSpec, Restart
from actors.otp.dynamic_supervisor import DynamicSpec, DynamicSupervisor
from actors.otp.gen_server import GenServer
from actors.otp.supervisor import Supervisor, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from tests.bench.measure import Figure, timed_ms

BLOCKS, BLOCK = 100, 200
CRASHES, QUEUED, ROUNDS = 200, 50_000, 5
FEW, MANY, IDLE = 300, 1200, 1000


@dataclass(frozen=True, slots=True)
class Wait:
    """Hold the server until `release`."""

    release: threading.Event


@dataclass(frozen=True, slots=True)
class Crash:
    """Raise."""


class Echo(GenServer):
    """Answers what it was asked, and forgets what it was told."""

    def handle_call(self, message: object) -> object:
        return message

    def handle_cast(self, message: object) -> None:
        match message:
            case Wait(release):
                release.wait()
            case Crash():
                raise ValueError


class Phoenix(Echo):
    """Notes when it begins."""

    def init(self, begun: list[float], risen: threading.Semaphore) -> None:
        begun.append(time.perf_counter())
        risen.release()


class Raw(pykka.ThreadingActor):
    """The same in raw Pykka."""

    use_daemon_thread = True

    def on_receive(self, message: object) -> object:
        if isinstance(message, Wait):
            message.release.wait()
        return message


def run() -> list[str]:
    """All of it."""
    return [*_messages(), _restart(), *_idle(), *_children(), *_long_queue()]


def _messages() -> list[str]:
    """Blocks of ours and of Pykka's by turns, so that both see the same machine."""
    runtime, raw = ThreadRuntime(), Raw.start()
    ref = runtime.start(Echo)
    assert ref is not None
    figures = _by_turns(
        {
            "raw pykka ask": lambda: raw.ask("x"),
            "call": lambda: runtime.call(ref, "x"),
            "raw pykka tell, at the sender": lambda: raw.tell("x"),
            "cast, at the sender": lambda: runtime.cast(ref, "x"),
        },
        after=lambda: (raw.ask("x"), runtime.call(ref, "x")),
    )
    raw.stop()
    runtime.close()
    ask, call, tell, cast = (
        Figure(name, "us", values, goal)
        for (name, values), goal in zip(figures.items(), (None, 40, None, 3), strict=True)
    )
    return [ask.line(), call.line(ask), tell.line(), cast.line(tell)]


def _by_turns(works: dict[str, Callable[[], object]], after: Callable[[], object]) -> dict[str, list[float]]:
    """The mean time of one call in each block, in microseconds; `after` empties the inboxes behind it."""
    values: dict[str, list[float]] = {name: [] for name in works}
    for number in range(BLOCKS + 2):
        for name, work in works.items():
            started = time.perf_counter()
            for _ in range(BLOCK):
                work()
            took_us = (time.perf_counter() - started) * 1e6 / BLOCK
            after()
            if number >= 2:
                values[name].append(took_us)
    return values


def _restart() -> str:
    """From the message that crashes a server to the `init` of the next one, which holds its name by then."""
    runtime, begun, risen = ThreadRuntime(), list[float](), threading.Semaphore(0)
    child = ChildSpec("phoenix", Phoenix, (begun, risen), name="phoenix")
    runtime.start(Supervisor, SupervisorSpec(children=(child,), max_restarts=10 * CRASHES), name="root")
    risen.acquire()
    values = []
    for _ in range(CRASHES):
        ref = runtime.whereis("phoenix")
        assert ref is not None
        started = time.perf_counter()
        runtime.cast(ref, Crash())
        risen.acquire()
        values.append((begun[-1] - started) * 1000)
        runtime.call("phoenix", "x")
    runtime.close()
    return Figure("crash to registered successor", "ms", values, goal=2).line()


def _idle() -> list[str]:
    """Resident memory of one idle server, from a fresh process each time."""
    raw = Figure(f"raw pykka, each of {IDLE:,} idle", "KiB", [_resident("raw") for _ in range(ROUNDS)])
    ours = Figure(f"server, each of {IDLE:,} idle", "KiB", [_resident("ours") for _ in range(ROUNDS)], goal=40)
    return [raw.line(), ours.line(raw)]


def _resident(kind: str) -> float:
    command = [sys.executable, "-c", f"from tests.bench import otp; print(otp.resident_kib({kind!r}))"]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def resident_kib(kind: str) -> float:
    """Start that many in this process and say what each has added to it."""
    import psutil

    runtime, process = ThreadRuntime(), psutil.Process()
    start: Callable[[], object] = Raw.start if kind == "raw" else lambda: runtime.start(Echo)
    start()
    before = process.memory_info().rss
    kept = [start() for _ in range(IDLE)]
    return (process.memory_info().rss - before) / 1024 / len(kept)


def _children() -> list[str]:
    """Temporary children of a dynamic supervisor, few and many by turns: a child should cost the same."""
    took: dict[int, list[tuple[float, float]]] = {FEW: [], MANY: []}
    for _ in range(ROUNDS):
        for count, pairs in took.items():
            pairs.append(_start_and_stop(count))
    lines = []
    for step, name in enumerate(("start", "stop")):
        few, many = (
            Figure(f"{name} {count:,} children, each", "ms", [pair[step] / count for pair in pairs])
            for count, pairs in took.items()
        )
        ratio = Figure(f"{name} a child, {MANY:,} over {FEW}", "", [many.median / few.median], goal=1.5)
        lines += [few.line(), many.line(), ratio.line()]
    return lines


def _start_and_stop(count: int) -> tuple[float, float]:
    runtime = ThreadRuntime()
    slots = runtime.start(DynamicSupervisor, DynamicSpec(), name="slots")
    assert slots is not None
    started = time.perf_counter()
    for number in range(count):
        start_child(slots, ChildSpec(f"x{number}", Echo, restart=Restart.TEMPORARY))
    begun = time.perf_counter()
    runtime.stop(slots, "shutdown")
    ended = time.perf_counter()
    runtime.close()
    return (begun - started) * 1000, (ended - begun) * 1000


def _long_queue() -> list[str]:
    """What an operator waits for behind a queue; in Pykka everybody waits for all of it."""
    runtime, raw = ThreadRuntime(), Raw.start()
    ref = runtime.start(Echo)
    assert ref is not None
    theirs = [_behind(raw.tell, lambda: raw.ask("x")) for _ in range(ROUNDS)]
    ours = [_behind(lambda message: runtime.cast(ref, message), lambda: operator.get_state(ref)) for _ in range(ROUNDS)]
    runtime.kill(ref)
    raw.stop()
    runtime.close()
    behind = Figure(f"raw pykka ask behind {QUEUED:,} messages", "ms", theirs)
    return [behind.line(), Figure(f"get_state ahead of {QUEUED:,} messages", "ms", ours, goal=200).line(behind)]


def _behind(tell: Callable[[object], object], ask: Callable[[], object]) -> float:
    release = threading.Event()
    tell(Wait(release))
    for number in range(QUEUED):
        tell(number)

    def let_go_and_ask() -> None:
        release.set()
        ask()

    (took_ms,) = timed_ms(let_go_and_ask, 1, warm_up=0)
    return took_ms
