"""What engines are given to do in tests; found by its name in a worker process too."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.engines.task import Task

Arguments = Mapping[str, Any]


class Unspeakable(Exception):
    """An error that cannot even say what it is."""

    def __str__(self) -> str:
        raise SystemExit


ERRORS: dict[str, BaseException] = {
    type(error).__name__: error
    for error in (
        ValueError("no"), RuntimeError(), MemoryError(), RecursionError(), StopIteration(), SystemExit(1),
        KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError(), BaseExceptionGroup("many", [SystemExit()]),
        Unspeakable(),
    )
}  # fmt: skip


def task(work: object, **arguments: object) -> Task:
    """The task of one of these functions."""
    return Task(f"{__name__}:{work.__name__}", arguments)  # type: ignore[attr-defined]  # a function


def echo(arguments: Arguments, token: CancelToken) -> object:
    return arguments["value"]


def fail(arguments: Arguments, token: CancelToken) -> object:
    raise ERRORS[arguments["error"]]


def refuse(arguments: Arguments, token: CancelToken) -> object:
    raise SourceError(Reason.UPSTREAM, "503", source="jquants")


def recurse(arguments: Arguments, token: CancelToken) -> object:
    return recurse(arguments, token)


def spoil(arguments: dict[str, Any], token: CancelToken) -> object:
    arguments["value"].append("spoilt")
    return arguments["value"]


def misshapen(arguments: Arguments, token: CancelToken) -> object:
    return {"set": {1}, "nan": float("nan"), "huge": "x" * (64 * 1024 * 1024)}[arguments["kind"]]


def who(arguments: Arguments, token: CancelToken) -> object:
    return f"{os.getpid()}/{threading.get_native_id()}"


def sleep(arguments: Arguments, token: CancelToken) -> object:
    """Says that it has begun, then waits for its cancel."""
    with begin(arguments):
        token.sleep(60)
    return "slept"


def wake(arguments: Arguments, token: CancelToken) -> object:
    """Waits in a system call for a cancel that wakes it."""
    with begin(arguments) as held:
        token.on_cancel(lambda: held.shutdown(socket.SHUT_RDWR))
        held.recv(1)
    token.check()
    return "not woken"


def deaf(arguments: Arguments, token: CancelToken) -> object:
    """Goes on until it is let go, whatever its token says."""
    with begin(arguments) as held:
        held.recv(1)
    return "late"


def stuck(arguments: Arguments, token: CancelToken) -> object:
    """Sits in C code for ever and lets no other thread of its process run."""
    begin(arguments)
    return ctypes.PyDLL(None).pause()


def parent(arguments: Arguments, token: CancelToken) -> object:
    """Starts a process of its own that holds its connection, and is stuck."""
    with begin(arguments) as held:
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[held.fileno()])
    return stuck(arguments, token)


def leave(arguments: Arguments, token: CancelToken) -> object:
    print(arguments.get("words", ""), file=sys.stderr, flush=True)
    os._exit(arguments["code"])


def be_killed(arguments: Arguments, token: CancelToken) -> object:
    return os.kill(os.getpid(), getattr(signal, arguments["signal"]))


def crash(arguments: Arguments, token: CancelToken) -> object:
    """Reads where there is nothing."""
    return ctypes.string_at(0)


def hang_up(arguments: Arguments, token: CancelToken) -> object:
    """Closes what it has no business with."""
    os.closerange(3, 64)
    return "done"


def split(arguments: Arguments, token: CancelToken) -> object:
    """Forks, and lets both of them return."""
    return "child" if os.fork() == 0 else "parent"


def print_much(arguments: Arguments, token: CancelToken) -> object:
    for stream in (sys.stdout, sys.stderr):
        print("x" * 1_000_000, file=stream, flush=True)
    os.write(1, b"\x00\x00\x00\x02R{}")
    return "said"


def descriptors(arguments: Arguments, token: CancelToken) -> object:
    """Where each open descriptor leads."""
    found = {}
    for number in os.listdir("/proc/self/fd"):
        try:
            found[number] = os.readlink(f"/proc/self/fd/{number}")
        except FileNotFoundError:
            continue  # that of the listing itself
    return found


def environment(arguments: Arguments, token: CancelToken) -> object:
    return dict(os.environ)


def begin(arguments: Arguments) -> socket.socket:
    """Connect to the test's port and say which process this is."""
    held = socket.create_connection(("127.0.0.1", arguments["port"]))
    held.sendall(f"{os.getpid()}\n".encode())
    return held


def nested(arguments: Arguments, token: CancelToken) -> object:
    """A value deeper than a reader with the usual limit can read."""
    sys.setrecursionlimit(100_000)
    value: object = 1
    for _ in range(5_000):
        value = [value]
    return value
