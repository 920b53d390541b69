"""The engine's side of one worker process: started, given tasks, told of cancels, killed, and always collected."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.frames import CANCEL, Frame, Frames, outcome_in, task_frame
from moomarkets.engines.task import Task

WORKER = "moomarkets.engines.worker"
KEPT = {"PATH", "HOME", "LANG", "TZ", "TMPDIR", "LD_LIBRARY_PATH"}
KEPT_LIKE = (("LC_", ""), ("", "_NUM_THREADS"))
PIECE = 1024 * 1024
LAST_WORDS = 4096
LONGEST_LINE = 200


class WorkerProcess:
    """One process, in a session of its own; used by the one thread that made it, which has to outlive it.

    That thread's end would be the process's too: the kernel is told to end it with its starter. Only `kill` and
    `wake` are for other threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._frames = Frames()
        self._last_words = b""
        self._code: int | None = None
        self.is_dead = False
        """Whether it has ended, or talks nonsense: good for nothing but `end`."""
        with ExitStack() as undo:
            self._channel, theirs, self._woken, self._waker = (
                undo.enter_context(end) for pair in (socket.socketpair(), socket.socketpair()) for end in pair
            )
            self._process = _start(theirs)
            undo.pop_all()
        theirs.close()
        self._waker.setblocking(False)
        assert self._process.stdout is not None
        self.pid, self._output = self._process.pid, self._process.stdout.fileno()
        self._death = _death_of(self.pid)
        self._poll = select.poll()
        for end in (self._channel.fileno(), self._woken.fileno(), self._output, self._death):
            if end is not None:
                self._poll.register(end, select.POLLIN)

    def run(self, task: Task, token: CancelToken) -> object:
        """What the task returned, or a `Failed`: also where the process ends before it has answered."""
        self._last_words = b""
        self._send(task_frame(task.function, task.body))
        is_told = False
        while not self.is_dead:
            if token.is_cancelled and not is_told:
                self._send(Frame(CANCEL, (token.reason or Reason.CANCELLED).encode()))
                is_told = True
            for frame in self._hear():
                try:
                    return outcome_in(frame)
                except (ValueError, RecursionError) as error:
                    self.is_dead = True
                    self._last_words = str(error).encode()
        return Failed(Reason.CRASHED, f"the worker process {self.end()}")

    def idle(self) -> None:
        """Wait until somebody calls `wake`, or the process has ended."""
        if self._hear():
            self.is_dead = True  # nobody has asked it anything

    def wake(self) -> None:
        """Have the owner's thread look at the token, or for more work. From any thread; never blocks."""
        with self._lock:
            if self._code is None:
                with suppress(BlockingIOError):
                    self._waker.send(b"w")

    def kill(self) -> None:
        """End it and whatever it has started, at once and in the middle of anything. From any thread."""
        with self._lock:
            # Not collected yet, so the number still is its own.
            if self._code is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self.pid, signal.SIGKILL)

    def end(self) -> str:
        """Kill it if it lives, collect it and close what led to it; says how it ended."""
        if self._code is None:
            self.is_dead = True
            # One that has ended by itself keeps its own exit code; what it has started ends here too.
            self.kill()
            with suppress(ChildProcessError):
                os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
            with self._lock:
                self._code = self._process.wait()
            self._read_words()
            self._close()
        return _how(self._code, self._last_words)

    def _hear(self) -> list[Frame]:
        """Wait until something happens; what the process has said by then, if it was that."""
        ready = {end for end, _ in self._poll.poll()}
        if self._output in ready:
            self._read_words()
        if self._woken.fileno() in ready:
            self._woken.recv(4096)
        if self._channel.fileno() in ready:
            return self._receive()
        self.is_dead = self.is_dead or self._death in ready
        return []

    def _receive(self) -> list[Frame]:
        try:
            data = self._channel.recv(PIECE)
            self.is_dead = not data
            return self._frames.feed(data)
        except (OSError, ValueError):
            self.is_dead = True
            return []

    def _send(self, frame: Frame) -> None:
        # Where it has ended meanwhile, the look at what it says finds that out.
        with suppress(OSError):
            self._channel.sendall(frame.encode())

    def _read_words(self) -> None:
        """Note what is there of what it prints; only the last line matters, should it be its last."""
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while poll.poll(0):
            data = os.read(self._output, PIECE)
            if not data:
                with suppress(KeyError):
                    self._poll.unregister(self._output)
                return
            self._last_words = (self._last_words + data)[-LAST_WORDS:]

    def _close(self) -> None:
        assert self._process.stdout is not None
        for end in (self._channel, self._woken, self._waker, self._process.stdout):
            end.close()
        if self._death is not None:
            os.close(self._death)


def _start(channel: socket.socket) -> subprocess.Popen[bytes]:
    """Start a worker that talks through `channel`; what it prints comes through its one pipe."""
    return subprocess.Popen(  # noqa: S603 - our own module, no shell
        [sys.executable, "-P", "-m", WORKER, str(channel.fileno()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        pass_fds=[channel.fileno()],
        cwd="/",
        env=environment(os.environ, sys.path),
        start_new_session=True,
    )


def environment(ours: Mapping[str, str], path: list[str]) -> dict[str, str]:
    """What a worker may know of our environment: nothing secret, and where to find the modules that we find."""
    kept = {
        name: value
        for name, value in ours.items()
        if name in KEPT or any(name.startswith(first) and name.endswith(last) for first, last in KEPT_LIKE)
    }
    return {**kept, "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in path)}


def _death_of(pid: int) -> int | None:
    """A descriptor that tells of the end of the process, also while others keep its channel; None on old kernels."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def _how(code: int, words: bytes) -> str:
    """How a process ended, with the last line that it has printed."""
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else ""
        how = f"ended with signal {-code}" + (f" ({name})" if name else "")
    else:
        how = f"ended with exit code {code}"
    lines = words.decode(errors="replace").strip().splitlines()
    return f"{how}: {lines[-1].strip()[:LONGEST_LINE]}" if lines else how
