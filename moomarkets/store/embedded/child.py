"""The owner's side of the launcher: starts a program as an account, and tells when and how it ended."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.store.embedded import launcher
from moomarkets.store.embedded.account import Account

# What the launcher needs at most to end a program by force, and some more.
FORCE_S = 15.0
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended: its exit code (negative for a signal, None when nobody saw it) and last words."""

    code: int | None
    tail: tuple[str, ...] = ()


class Child:
    """A program that ends when we do, in whatever way we end."""

    def __init__(self, process: subprocess.Popen[bytes], pid: int) -> None:
        self._process = process
        self._ended: Ended | None = None
        self.pid = pid

    @classmethod
    def start(
        cls,
        argv: Sequence[str],
        account: Account,
        *,
        text: str = "",
        log: Path | None = None,
        stop_s: float = 30.0,
        remove: Sequence[Path] = (),
    ) -> Child:
        """Start `argv` as `account`, `text` its input; PermissionError when the account may not execute it.

        `stop_s` is the time for an orderly end before a harder one, `remove` are empty directories to
        remove afterwards.
        """
        process = _launch()
        request: dict[str, object] = {
            "argv": [str(word) for word in argv],
            "env": ENVIRONMENT,
            "uid": None if account.is_ours else account.uid,
            "gid": None if account.is_ours else account.gid,
            "owner": os.getpid(),
            "input": text,
            "log": str(log) if log else None,
            "stop_s": stop_s,
            "remove": [str(path) for path in remove],
        }
        answer = _exchange(process, request)
        if "started" in answer:
            return cls(process, int(answer["started"]))
        _close(process)
        raise _failure(answer, argv[0], account)

    @property
    def is_running(self) -> bool:
        """Whether the launcher, and so the program, still runs."""
        return self._process.poll() is None

    def wait(self, timeout_s: float | None = None) -> Ended | None:
        """How it ended, with everything it started; None when it still runs after `timeout_s`."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        if self._ended is None:
            assert self._process.stdout is not None
            found = _parse(self._process.stdout.readline())
            self._ended = Ended(found.get("ended"), tuple(found.get("tail", ())))
            _close(self._process)
        return self._ended

    def stop(self, timeout_s: float) -> Ended | None:
        """End it: orderly, after `timeout_s` by force; how it ended, None when it had to be cut off."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(str(timeout_s).encode())
            self._process.stdin.close()
        ended = self.wait(timeout_s + FORCE_S)
        if ended is None:
            # A launcher that is frozen does not collect its child either, so this pid is nobody else's.
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self._process.kill()
            _close(self._process)
        return ended

    def forget(self) -> None:
        """In a forked child: the life-line is the parent's alone and must end with it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.returncode = 0


def _launch() -> subprocess.Popen[bytes]:
    """Start the launcher in a session of its own, so that keys typed at the owner's terminal do not reach it."""
    try:
        return subprocess.Popen(  # noqa: S603 - our own script, no shell
            [sys.executable, "-I", "-S", launcher.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
            start_new_session=True,
        )
    except OSError as error:
        raise EmbeddedServerError(
            f"{sys.executable or 'python'}: expected a Python that can be executed, got: {error.strerror}",
            exit_code=78,
        ) from error


def _failure(answer: dict[str, Any], program: str, account: Account) -> Exception:
    """What to raise for the launcher's refusal."""
    code = answer.get("failed")
    if answer.get("at") == "drop privileges":
        return EmbeddedServerError(
            f"account {account.name}: expected the right to become it, because Postgres refuses root, "
            f"got: {os.strerror(code or 0)}; run as an ordinary user, or allow CAP_SETUID and CAP_SETGID",
            exit_code=78,
        )
    if code in (errno.EPERM, errno.EACCES):
        return PermissionError(code, f"{account.name} may not execute it", program)
    return EmbeddedServerError(f"{program}: expected it to start, got: {os.strerror(code) if code else 'no launcher'}")


def _exchange(process: subprocess.Popen[bytes], request: dict[str, object]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(request).encode() + b"\n")
        process.stdin.flush()
    except BrokenPipeError:
        return {}
    return _parse(process.stdout.readline())


def _close(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    process.wait()


def _parse(line: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(line) if line else {}
    return answer
