"""A monitor reports an end, once."""

from __future__ import annotations

from actors.otp.messages import Down
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.patience import eventually
from tests.actors.otp.servers import (
    Block,
    Counter,
    Heir,
    Unwatch,
    Watch,
)


def test_a_monitor_reports_an_end_exactly_once(runtime: ThreadRuntime) -> None:
    """G13."""
    watcher, target = runtime.start(Counter), runtime.start(Counter)
    monitor = runtime.call(watcher, Watch(target))

    runtime.stop(target, "shutdown")
    runtime.kill(target)

    assert eventually(lambda: runtime.call(watcher, "seen")) == [Down(monitor, target, "shutdown")]


def test_a_monitor_of_nobody_reports_at_once(runtime: ThreadRuntime) -> None:
    watcher, dead = runtime.start(Counter), runtime.start(Counter)
    runtime.stop(dead)

    for dest in (dead, "nobody"):
        runtime.call(watcher, Watch(dest))

    downs = runtime.call(watcher, "seen")
    assert [down.reason for down in downs] == ["noproc", "noproc"]


def test_a_removed_monitor_reports_nothing_not_even_what_waited(runtime: ThreadRuntime) -> None:
    """G14."""
    watcher, target, block = runtime.start(Counter), runtime.start(Counter), Block()
    monitor = runtime.call(watcher, Watch(target))
    runtime.cast(watcher, block)
    assert block.entered.wait(5)
    runtime.request(watcher, Unwatch(monitor))
    runtime.stop(target)
    assert eventually(lambda: len(watcher.process.mailbox) == 2)

    block.release.set()

    assert runtime.call(watcher, "seen") == []


def test_what_a_server_sent_arrives_before_its_down(runtime: ThreadRuntime) -> None:
    watcher, target = runtime.start(Counter, name="watcher"), runtime.start(Counter)
    runtime.call(watcher, Watch(target))

    for number in range(100):
        runtime.send(watcher, number)
    runtime.stop(target)

    seen = eventually(lambda: [item for item in runtime.call(watcher, "seen") if isinstance(item, Down)])
    assert len(seen) == 1
    assert runtime.call(watcher, "seen")[:100] == list(range(100))


def test_a_name_is_free_when_its_down_arrives(runtime: ThreadRuntime) -> None:
    """G15."""
    watcher = runtime.start(Heir)
    for _ in range(20):
        target = runtime.start(Counter, name="clerk")
        runtime.call(watcher, Watch(target))

        runtime.stop(target)

        assert eventually(lambda: runtime.whereis("clerk"))
        runtime.stop("clerk")
    assert watcher.is_alive


def test_a_dead_watcher_is_forgotten_by_its_target(runtime: ThreadRuntime) -> None:
    watcher, target = runtime.start(Counter), runtime.start(Counter)
    runtime.call(watcher, Watch(target))

    runtime.stop(watcher)

    assert target.process._monitors == {}
