"""Watching another server: exactly one `Down` when it ends."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from actors.otp.messages import Down
from actors.otp.reasons import NOPROC, ExitReason

if TYPE_CHECKING:
    from actors.otp.process import Process


class Monitor:
    """One server watching another one; the value that `Down` carries. Compared by identity."""

    __slots__ = ("target", "watcher")

    def __init__(self, watcher: Process, target: Process | None) -> None:
        self.watcher, self.target = watcher, target

    def report(self, reason: ExitReason) -> None:
        """Tell the watcher, in its ordinary lane: behind everything that the target sent before."""
        ref = None if self.target is None else self.target.ref
        self.watcher.mailbox.push(Down(self, ref, reason))

    def __repr__(self) -> str:
        return f"<Monitor of {'nobody' if self.target is None else self.target.path}>"

    def __deepcopy__(self, memo: dict[Hashable, object]) -> Monitor:
        return self


def watch(watcher: Process, target: Process | None) -> Monitor:
    """Start watching; a target that is dead or unknown reports `noproc` at once."""
    monitor = Monitor(watcher, target)
    if target is None or not target.add_monitor(monitor):
        monitor.report(NOPROC)
    else:
        watcher.watching[monitor] = None
    return monitor


def unwatch(monitor: Monitor, *, flush: bool) -> None:
    """Stop watching; with `flush`, also drop a `Down` that waits already."""
    monitor.watcher.watching.pop(monitor, None)
    if monitor.target is not None:
        monitor.target.remove_monitor(monitor)
    if flush:
        monitor.watcher.mailbox.discard(lambda item: isinstance(item, Down) and item.monitor is monitor)
