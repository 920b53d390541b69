"""The lock by which one living process owns a data directory."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError

OWNED_ELSEWHERE = 4
# Between fork and exec the children of a dead owner hold its lock for a moment.
TRIES = 100
PAUSE_S = 0.01


@dataclass(frozen=True, slots=True)
class Process:
    """A process, by pid and start, so that a later one with the same pid is another."""

    pid: int
    started: int

    @classmethod
    def current(cls) -> Process:
        """This process."""
        return cls(os.getpid(), _started(os.getpid()))

    @property
    def is_alive(self) -> bool:
        """Whether it still runs; where the system does not tell starts, whether the pid does."""
        return _started(self.pid) == self.started


class Ownership:
    """Holds the lock file of a data directory until `release`, or until this process ends in any way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this process owns the directory by this object."""
        return self._file is not None

    def take(self) -> None:
        """Become the owner; EmbeddedServerError with exit code 4 when another living process is."""
        if self._file is not None:
            return
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            self._lock(file)
            os.ftruncate(file, 0)
            me = Process.current()
            os.pwrite(file, json.dumps({"pid": me.pid, "started": me.started}).encode(), 0)
        except BaseException:
            os.close(file)
            raise
        self._file = file

    def release(self) -> None:
        """Let others own the directory; the file stays, since removing it would race with them."""
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = None

    def forget(self) -> None:
        """In a forked child: the lock is the parent's alone and must end with it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _lock(self, file: int) -> None:
        pause = threading.Event()
        for _ in range(TRIES):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                owner = owner_of(self._path)
                if owner is not None:
                    break
                pause.wait(PAUSE_S)
            else:
                return
        owner = owner_of(self._path)
        raise EmbeddedServerError(
            f"data directory {self._path.parent}: expected it to be free, got one that is owned by "
            f"the running process {owner.pid if owner else '(pid unknown)'}",
            exit_code=OWNED_ELSEWHERE,
        )


def owner_of(lock: Path) -> Process | None:
    """The living process that says it owns the directory of `lock`; None when there is none."""
    try:
        found = json.loads(lock.read_text())
        owner = Process(int(found["pid"]), int(found["started"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None
    return owner if owner.is_alive else None


def _started(pid: int) -> int:
    """When `pid` was started, in ticks since boot; -1 when it does not run."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except FileNotFoundError:
        return -1 if os.path.exists("/proc/self") else _exists(pid)
    except ProcessLookupError:
        return -1
    # A zombie has ended; only its parent has not noticed yet.
    return -1 if fields[0] in "ZX" else int(fields[19])


def _exists(pid: int) -> int:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return -1
    except PermissionError:
        return 0
    return 0
