"""One child at a time: starting it, ending it by its own rule, and how long it stays down after a crash."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from actors.otp.calls import waiting
from actors.otp.child import Backoff, ChildSpec, ChildType, Restart, Shutdown
from actors.otp.errors import StartError
from actors.otp.messages import Sys, SysOp
from actors.otp.process import Process
from actors.otp.reasons import KILLED, SHUTDOWN, ExitReason, describe, is_clean
from actors.otp.ref import Ref
from actors.otp.runtime import Start

TOLD_AT_ONCE: Final = 50
BREATH_S: Final = 0.02


@dataclass(slots=True, eq=False)
class Child:
    """What a supervisor keeps of one child. `ref` is None while it does not run."""

    spec: ChildSpec
    path: str
    ref: Ref | None = None
    is_restarting: bool = False
    restarts: int = 0
    failures: int = 0
    started: float = 0.0
    last: Ref | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the child may be started again; a temporary one is forgotten when it ends."""
        return self.spec.restart is not Restart.TEMPORARY


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One child as `which_children` tells it; `ref` is None while it does not run."""

    id: str
    ref: Ref | None
    is_restarting: bool
    type: ChildType


@dataclass(frozen=True, slots=True)
class ChildCounts:
    """How many children: specs kept, running ones, and of which type the specs are."""

    specs: int
    active: int
    supervisors: int
    workers: int


@dataclass(frozen=True, slots=True)
class TryAgain:
    """To the supervisor itself: start `child`, whose last start failed or which was to stay down a while.

    `restarts` tells a stale one: the child's count has moved on.
    """

    child: Child
    restarts: int


def should_restart(restart: Restart, reason: ExitReason) -> bool:
    """OTP's table of restart types and exit reasons.

    Example:
        >>> should_restart(Restart.TRANSIENT, "normal"), should_restart(Restart.TRANSIENT, "killed")
        (False, True)
    """
    if restart is Restart.TRANSIENT:
        return not is_clean(reason)
    return restart is Restart.PERMANENT


class Nursery:
    """Starts and ends the children of one supervisor, in the supervisor's thread."""

    def __init__(self, parent: Process) -> None:
        self._parent = parent
        self._runtime = parent.runtime

    def start(self, child: Child) -> None:
        """Start it and wait for its `init`; `ref` stays None if that ignored. Raises `StartError`."""
        spec = child.spec
        last_exit = None if child.last is None else child.last.exit_reason
        child.is_restarting = False
        child.started = self._runtime.clock.monotonic()
        start = Start(
            server=spec.start,
            args=spec.args,
            kwargs=spec.kwargs,
            path=child.path,
            name=spec.name,
            parent=self._parent,
            timeout_s=spec.start_timeout_s,
            restarts=child.restarts,
            last_exit=last_exit,
        )
        if not child.is_kept:
            # It will not be started again: its arguments, perhaps large, belong to it alone from here on.
            child.spec = replace(spec, args=(), kwargs={})
        try:
            child.ref = self._runtime.begin(start)
        except StartError as error:
            child.last = self._runtime.at(child.path)
            self._report_reason("child.start_failed", child, error.reason)
            raise
        child.last = self._runtime.at(child.path)
        if child.ref is not None:
            self._runtime.supervision.add("child.started", child.path, child.restarts, "", restarts=child.restarts)

    def note_exit(self, child: Child, reason: ExitReason) -> None:
        """The child ended by itself."""
        child.ref = None
        self._report_reason("child.terminated", child, reason)

    def note_restart(self, child: Child) -> None:
        """The child is about to be started again."""
        child.is_restarting = True
        child.restarts += 1
        if child.last is not None:
            child.last.process.is_restarting = True

    def forget(self, child: Child) -> None:
        """The child will not be started again: it leaves the tree."""
        child.is_restarting = False
        if child.last is not None:
            child.last.process.is_restarting = False
            self._runtime.forget(child.path, child.last.process)

    def stop(self, child: Child) -> None:
        """End it by its own rule and wait; does nothing if it does not run."""
        self.stop_all([child])

    def stop_all(self, children: Sequence[Child]) -> None:
        """End all at the same time, each by its own rule and against its own deadline."""
        running = [(child, child.ref.process) for child in children if child.ref is not None]
        begun = self._runtime.clock.monotonic()
        for first in range(0, len(running), TOLD_AT_ONCE):
            told = running[first : first + TOLD_AT_ONCE]
            for child, process in told:
                if child.spec.shutdown is Shutdown.BRUTAL_KILL:
                    process.kill()
                else:
                    process.mailbox.push_system(Sys(SysOp.STOP, SHUTDOWN))
            if first + TOLD_AT_ONCE < len(running):
                # Hundreds of threads that wake at once wait for each other more than they work.
                self._runtime.wait_for(told[-1][1].exited, BREATH_S)
        for child, process in running:
            self._finish(child, process, begun)
        for child in children:
            child.is_restarting = False
            if child.last is not None:
                child.last.process.is_restarting = False

    def backoff_s(self, child: Child) -> float | None:
        """How long the child, which has just failed, stays down; None if it has no backoff.

        A child that lived longer than its longest delay counts as recovered.
        """
        backoff = child.spec.backoff
        if not isinstance(backoff, Backoff):
            return None
        lived_s = self._runtime.clock.monotonic() - child.started
        child.failures = 1 if lived_s > backoff.most_s else child.failures + 1
        return backoff.delay_s(child.failures)

    def _finish(self, child: Child, process: Process, begun: float) -> None:
        shutdown = child.spec.shutdown
        limit_s = shutdown if isinstance(shutdown, float) else math.inf
        left_s = max(0.0, limit_s - (self._runtime.clock.monotonic() - begun))
        with waiting(self._parent, process):
            self._runtime.wait_for(process.exited, None if math.isinf(left_s) else left_s)
        if not process.kill():
            # It ended by itself, perhaps this very moment.
            self._runtime.wait_for(process.exited, None)
        reason = process.exited.result()
        child.ref = None
        expected = reason == KILLED if shutdown is Shutdown.BRUTAL_KILL else is_clean(reason)
        self._report_reason("child.terminated" if expected else "child.shutdown_failed", child, reason)

    def _report_reason(self, event: str, child: Child, reason: ExitReason) -> None:
        shown = describe(reason)
        self._runtime.supervision.add(event, child.path, child.restarts, shown, reason=shown)


def counts(children: Sequence[Child]) -> ChildCounts:
    """How many children there are of each kind."""
    supervisors = sum(child.spec.is_supervisor for child in children)
    return ChildCounts(
        specs=len(children),
        active=sum(child.ref is not None for child in children),
        supervisors=supervisors,
        workers=len(children) - supervisors,
    )


def listing(children: Sequence[Child]) -> list[ChildInfo]:
    """The children as `which_children` tells them."""
    return [ChildInfo(child.spec.id, child.ref, child.is_restarting, child.spec.type) for child in children]
