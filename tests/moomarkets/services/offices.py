"""A small tree of servers for tests of the console, shaped like the real one, and a way to have servers stuck."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from actors.otp.administration import start_child
from actors.otp.child import ChildSpec, ChildType, Restart
from actors.otp.dynamic_supervisor import DynamicSupervisor
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.services.console import Console
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.otp.servers import Block, Counter
from tests.actors.otp.trees import child, subtree

SERVERS = (
    "root",
    "root/core",
    "root/core/writers",
    "root/core/writers/writer",
    "root/core/limiters",
    "root/core/limiters/jquants-1",
    "root/core/manager",
    "root/core/executors",
    "root/core/executors/x0",
    "root/core/executors/x1",
    "root/core/executors/x-2",
    "root/clerk",
)


class Office(Console):
    """The console of that tree, on a clock that only the test moves."""

    def __init__(self, clock: ManualClock, events: RecordedEvents) -> None:
        super().__init__(ThreadRuntime(clock, events))
        self.clock, self.events = clock, events
        self._blocks: list[Block] = []

    def open(self) -> None:
        """Start the tree."""
        core = subtree(
            "core",
            subtree("writers", child("writer", name="writer"), max_restarts=0),
            ChildSpec("limiters", DynamicSupervisor, type=ChildType.SUPERVISOR, name="limiters"),
            child("manager", name="manager"),
            subtree("executors", child("x0"), child("x1"), child("x-2"), max_restarts=20),
            strategy="rest_for_one",
        )
        spec = SupervisorSpec(children=(core, child("clerk", restart=Restart.TEMPORARY)))
        self.runtime.start(Supervisor, spec, name="root")
        start_child(self.ref("core/limiters"), child("jquants-1", restart=Restart.TEMPORARY))

    def ref(self, path: str) -> Ref:
        """Who is there now."""
        found = self.runtime.at(self.info(path).path)
        assert found is not None
        return found

    def living(self) -> dict[str, Ref]:
        """Everybody, by path."""
        return {info.path: self.ref(info.path) for info in self.tree()}

    def block(self, path: str) -> Block:
        """Have that server stuck in a handler until the office closes."""
        block = Block()
        self._blocks.append(block)
        ref = self.ref(path)
        if issubclass(ref.process.server, Counter):
            self.runtime.cast(ref, block)
        else:
            self.runtime.spawn(lambda: self.replace_state(path, lambda state: _hold(block, state)), "blocker")
        assert block.entered.wait(5)
        return block

    def close(self) -> None:
        """Let all go on, and end."""
        for block in self._blocks:
            block.release.set()
        assert self.runtime.close(5) == []


def _hold(block: Block, state: dict[str, object]) -> dict[str, object]:
    block.entered.set()
    block.release.wait(10)
    return state


@contextmanager
def office() -> Iterator[Office]:
    """An open one."""
    opened = Office(ManualClock(), RecordedEvents())
    opened.open()
    try:
        yield opened
    finally:
        opened.close()
