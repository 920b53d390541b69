"""Runs one program as the server's account and ends it when the owner dies; a small process of its own.

It is started as a script (`python -I -S launcher.py`, standard library only), reads one line of JSON from
standard input and keeps that pipe as its life-line: the end of the pipe means that the owner is gone or wants
the program to stop, and a number before it how many seconds an orderly end may take. A parent-death signal is
the second way to notice. To its owner it writes lines of JSON: `{"started": pid}` or
`{"failed": errno, "at": what}`, then `{"ended": code, "tail": […]}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
from collections import deque
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOG_BYTES = 4 * 1024 * 1024
KILL_AFTER_S = 5
# SIGINT disconnects everybody and shuts down cleanly, SIGQUIT leaves the rest to crash recovery.
ESCALATION = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
# The owner decides when the server ends; a signal to everybody at once must not take it away early.
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


class Log:
    """The program's words, in a file that is moved aside when full: two of them bound the space."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._file = self._open() if path else None
        self._partial = b""
        self.tail: deque[str] = deque(maxlen=12)

    def write(self, data: bytes) -> None:
        *lines, self._partial = (self._partial + data).split(b"\n")
        self._partial = self._partial[-4096:]
        self.tail.extend(line.decode(errors="replace")[:300] for line in lines)
        # A full disk must not end the server by way of its log.
        with contextlib.suppress(OSError):
            if self._file is not None:
                os.write(self._file, data)
                self._move_when_full(self._file)

    def _move_when_full(self, file: int) -> None:
        if os.fstat(file).st_size > LOG_BYTES and self._path:
            os.replace(self._path, f"{self._path}.1")
            os.close(file)
            self._file = self._open()

    def _open(self) -> int | None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(str(self._path), flags, 0o600)
        except OSError:
            return None


class Launcher:
    """Starts the program, passes on its words and sees to its end. One thread, no locks."""

    def __init__(self, request: dict[str, Any], lifeline: int) -> None:
        self._request = request
        self._lifeline: int | None = lifeline
        self._stop_s = float(request["stop_s"])
        self._log = Log(request["log"])
        self._steps = 0
        self._code: int | None = None
        self._wake, wake_write = os.pipe()
        for end in (self._wake, wake_write):
            os.set_blocking(end, False)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGALRM, signal.SIGUSR1):
            signal.signal(number, lambda *_: None)

    def run(self) -> None:
        """Start the program and return when it and all that it started has ended."""
        words, words_write = os.pipe()
        self._words: int | None = words
        try:
            self._child = start(self._request, words_write)
        except OSError as error:
            report(failed=error.errno, at="execute")
            return
        os.close(words_write)
        report(started=self._child)
        if not owner_lives(self._request):
            self._stop()
        while self._reap():
            self._wait()
        self._drain()
        report(ended=self._code, tail=list(self._log.tail))

    def _wait(self) -> None:
        watched = (self._wake, self._lifeline, self._words)
        ready, _, _ = select.select([end for end in watched if end is not None], [], [])
        if self._words in ready:
            self._read_words()
        if self._wake in ready:
            self._signals(os.read(self._wake, 512))
        if self._lifeline in ready:
            self._read_lifeline()

    def _read_words(self) -> bool:
        """Read some of what the program says; False at the end of it."""
        assert self._words is not None
        data = os.read(self._words, 65536)
        self._log.write(data)
        if not data:
            self._words = None
        return bool(data)

    def _read_lifeline(self) -> None:
        assert self._lifeline is not None
        if data := os.read(self._lifeline, 512):
            self._stop_s = float(data)
        else:
            self._lifeline = None
            self._stop()

    def _drain(self) -> None:
        """Read what is left to read, without waiting for somebody who might keep the pipe open."""
        if self._words is not None:
            os.set_blocking(self._words, False)
            with contextlib.suppress(BlockingIOError):
                while self._read_words():
                    pass

    def _signals(self, numbers: bytes) -> None:
        if signal.SIGALRM in numbers:
            self._stop()
        # The signal also comes when only the thread ended that started us; the owner's pid tells.
        if signal.SIGUSR1 in numbers and not owner_lives(self._request) and not self._steps:
            self._stop()

    def _stop(self) -> None:
        """Take the next, harder step towards the program's end and set the alarm for the one after it."""
        step = ESCALATION[min(self._steps, len(ESCALATION) - 1)]
        self._steps += 1
        for pid in children() if self._code is not None else [self._child]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, step)
        self._set_alarm(self._stop_s if self._steps == 1 else min(self._stop_s, KILL_AFTER_S))

    def _set_alarm(self, seconds: float) -> None:
        # Zero would mean no alarm at all.
        signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))

    def _reap(self) -> bool:
        """Collect the dead; False when none is left. What the program leaves behind becomes our child too."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._child:
                    self._code = os.waitstatus_to_exitcode(status)
                    self._steps = len(ESCALATION) - 1
                    self._set_alarm(min(self._stop_s, KILL_AFTER_S))
        return False


def start(request: dict[str, Any], words: int) -> int:
    """Start the program with `words` as its standard error; the pid. OSError when it cannot be executed."""
    status_read, status_write = os.pipe()
    input_read, input_write = os.pipe()
    os.write(input_write, request["input"].encode())
    os.close(input_write)
    launcher = os.getpid()
    pid = os.fork()
    if pid == 0:
        become(request, launcher, input_read, words, status_write)
    os.close(status_write)
    os.close(input_read)
    failure = os.read(status_read, 16)
    os.close(status_read)
    if failure:
        os.waitpid(pid, 0)
        raise OSError(int(failure), "cannot be executed")
    return pid


def become(request: dict[str, Any], launcher: int, stdin: int, words: int, status: int) -> None:
    """Turn this fresh child into the program; never returns."""
    try:
        for number in IGNORED:
            signal.signal(number, signal.SIG_DFL)
        prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != launcher:
            os._exit(0)
        os.dup2(stdin, 0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(words, 2)
        os.execve(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - that is its purpose
    except OSError as error:
        os.write(status, str(error.errno).encode())
    finally:
        os._exit(127)


def drop_privileges(request: dict[str, Any]) -> None:
    """Become the server's account for good, with its own group and no other."""
    if request["uid"] is not None:
        os.setgroups([])
        os.setresgid(request["gid"], request["gid"], request["gid"])
        os.setresuid(request["uid"], request["uid"], request["uid"])
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def owner_lives(request: dict[str, Any]) -> bool:
    """Whether the process that started us still is our parent."""
    return os.getppid() == int(request["owner"])


def children() -> list[int]:
    """The pids of our children, those included that were left to us."""
    pid = os.getpid()
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as listing:
            return [int(word) for word in listing.read().split()]
    except OSError:
        return []


def prctl(option: int, value: int) -> None:
    """Set a property of this process; on systems without prctl the life-line alone has to do."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def report(**message: object) -> None:
    """Tell the owner, if it is still there."""
    with contextlib.suppress(OSError):
        os.write(1, json.dumps(message).encode() + b"\n")


def read_line(descriptor: int) -> bytes:
    """One line, byte by byte: what follows it belongs to the life-line."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(descriptor, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line


def main() -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    request = json.loads(read_line(0))
    try:
        drop_privileges(request)
    except OSError as error:
        report(failed=error.errno, at="drop privileges")
        return
    launcher = Launcher(request, lifeline=0)
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    # After the change of uid, which clears it; the check for the owner follows in run().
    prctl(PR_SET_PDEATHSIG, signal.SIGUSR1)
    launcher.run()
    for directory in request["remove"]:
        with contextlib.suppress(OSError):
            os.rmdir(directory)


if __name__ == "__main__":
    main()
