"""Asks every server through its mailbox whether it still answers, and remembers when each last did."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from actors.otp.errors import NoProc
from actors.otp.messages import ReplyTo, Sys, SysOp
from actors.otp.process import ProcessState
from actors.otp.promise import Promise
from actors.otp.ref import Ref
from actors.otp.runtime import Runtime

OVERDUE_AFTER_S = 10.0
"""Who has not answered for longer is dead or deaf."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One server: where it is, what it does, and for how many seconds nothing has been heard of it."""

    path: str
    server: str
    state: ProcessState
    message: str
    silent_s: float
    restarts: int

    @property
    def is_overdue(self) -> bool:
        """Whether it counts as dead or deaf."""
        return self.silent_s > OVERDUE_AFTER_S


class Pulse:
    """What is known of the life of all servers of a runtime. `ask` and `look` may run in different threads.

    Neither of them waits for anybody: a question is put into the mailbox, ahead of what is queued, and the answer
    is noted when it comes. A server that is being restarted keeps the silence of the one before it.

    Example:
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> runtime = ThreadRuntime()
        >>> Pulse(runtime).look(), runtime.close()
        ([], [])
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._heard_at: dict[str, float] = {}
        self._asked: dict[str, Promise[Any]] = {}

    def ask(self) -> None:
        """Put the question to everybody who has answered the last one."""
        paths = [info.path for info in self._runtime.tree()]
        for gone in self._heard_at.keys() - set(paths):
            self._heard_at.pop(gone, None)
            self._asked.pop(gone, None)
        for path in paths:
            self._heard_at.setdefault(path, self._runtime.clock.monotonic())
            ref = self._runtime.at(path)
            if ref is not None and ref.is_alive and not self._is_waiting_for(path):
                self._ask(path, ref)

    def look(self) -> list[Beat]:
        """Every server of the tree, in order of start."""
        now = self._runtime.clock.monotonic()
        return [
            Beat(
                path=info.path,
                server=info.server,
                state=info.state,
                message=info.message,
                silent_s=max(0.0, now - self._heard_at.setdefault(info.path, now)),
                restarts=info.restarts,
            )
            for info in self._runtime.tree()
        ]

    def _is_waiting_for(self, path: str) -> bool:
        answer = self._asked.get(path)
        return answer is not None and not answer.is_done

    def _ask(self, path: str, ref: Ref) -> None:
        reply_to = ReplyTo(None, ref.process.unanswered)
        self._asked[path] = reply_to.promise
        reply_to.promise.subscribe(partial(self._note, path, reply_to.promise))
        if not ref.process.mailbox.push_system(Sys(SysOp.STATUS, None, reply_to)):
            reply_to.fail(NoProc(path))

    def _note(self, path: str, answer: Promise[Any]) -> None:
        """Runs in the thread of the server that answered, or of whoever ended it."""
        try:
            answer.result()
        except Exception:  # noqa: BLE001 - it ended before it could answer, for whatever reason
            return
        if path in self._heard_at:
            self._heard_at[path] = self._runtime.clock.monotonic()
