"""Who hears what is published, and who suffers from whom."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from actors.otp import sys
from actors.otp.errors import Killed, NoProc
from actors.otp.event_bus import EventBus
from actors.otp.ref import Ref
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.domain.errors import InvalidInput
from tests.actors.otp.patience import eventually
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Block, Counter, Crash, Small


def started(runtime: ThreadRuntime, server: type[Counter] = Counter, **fields: Any) -> Ref:
    ref = runtime.start(server, **fields)
    assert ref is not None
    return ref


@pytest.fixture
def bus(runtime: ThreadRuntime) -> EventBus:
    return EventBus(runtime)


def test_servers_and_functions_hear_their_topic_only(bus: EventBus, runtime: ThreadRuntime) -> None:
    ref, heard = started(runtime, name="clerk"), []
    bus.subscribe("jobs", ref)
    bus.subscribe("jobs", heard.append)
    bus.subscribe("tree", heard.append)

    assert [bus.publish("jobs", number) for number in range(3)] == [2, 2, 2]
    assert bus.publish("nobody's", "lost") == 0

    assert runtime.call(ref, "seen") == [0, 1, 2]
    assert heard == [0, 1, 2]


def test_a_server_may_be_named(bus: EventBus, runtime: ThreadRuntime) -> None:
    started(runtime, name="clerk")
    bus.subscribe("jobs", "clerk")
    bus.subscribe("jobs", runtime.named("clerk"))

    bus.publish("jobs", "news")

    assert runtime.call("clerk", "seen") == ["news", "news"]


def test_after_cancel_nothing_more_arrives(bus: EventBus, runtime: ThreadRuntime) -> None:
    ref, heard = started(runtime), []
    subscriptions = [bus.subscribe("jobs", ref), bus.subscribe("jobs", heard.append)]
    bus.publish("jobs", 1)

    for subscription in subscriptions * 2:
        subscription.cancel()
    bus.publish("jobs", 2)

    assert runtime.call(ref, "seen") == [1]
    assert heard == [1]
    assert bus.subscriptions("jobs") == ()


def test_a_cancelled_subscription_leaves_nothing_at_its_server(bus: EventBus, runtime: ThreadRuntime) -> None:
    ref = started(runtime)

    for _ in range(100):
        bus.subscribe("jobs", ref).cancel()

    assert ref.process.exited._hooks == []


@pytest.mark.parametrize("end", ["stop", "crash", "kill"])
def test_a_server_that_ends_is_forgotten(bus: EventBus, runtime: ThreadRuntime, end: str) -> None:
    ref = started(runtime)
    bus.subscribe("jobs", ref)
    bus.subscribe("tree", ref)

    if end == "crash":
        runtime.cast(ref, Crash())
        runtime.wait(ref, 5)
    else:
        getattr(runtime, end)(ref)

    assert (bus.publish("jobs", 1), bus.publish("tree", 1)) == (0, 0)


def test_a_server_that_is_gone_cannot_subscribe(bus: EventBus, runtime: ThreadRuntime) -> None:
    dead = started(runtime)
    runtime.stop(dead)

    for nobody in (dead, "nobody"):
        with pytest.raises(NoProc):
            bus.subscribe("jobs", nobody)


@pytest.mark.parametrize("error", [ValueError("secret text"), SystemExit(), GeneratorExit()])
def test_a_function_that_raises_stops_neither_the_others_nor_the_publisher(
    bus: EventBus, events: Recorder, error: BaseException
) -> None:
    heard: list[object] = []

    def fail(message: object) -> None:
        raise error

    bad = bus.subscribe("jobs", fail)
    bus.subscribe("jobs", heard.append)

    for number in range(3):
        bus.publish("jobs", number)

    assert heard == [0, 1, 2]
    assert bad.failures == 3
    assert events.all("subscriber.failed") == [{"topic": "jobs", "error": type(error).__name__}]


def test_a_full_inbox_drops_the_message_and_counts_it(bus: EventBus, runtime: ThreadRuntime) -> None:
    ref, block, heard = started(runtime, Small), Block(), []
    full = bus.subscribe("jobs", ref)
    bus.subscribe("jobs", heard.append)
    runtime.request(ref, block)
    assert block.entered.wait(5)

    for number in range(5):
        bus.publish("jobs", number)
    block.release.set()

    assert eventually(lambda: sys.get_state(ref)["seen"] == [0, 1])
    assert heard == [0, 1, 2, 3, 4]
    assert full.dropped == 3


def test_a_subscriber_may_subscribe_and_cancel_while_it_is_told(bus: EventBus) -> None:
    heard: list[object] = []

    def once(message: object) -> None:
        heard.append(message)
        subscription.cancel()
        bus.subscribe("jobs", heard.append)

    subscription = bus.subscribe("jobs", once)

    bus.publish("jobs", 1)
    bus.publish("jobs", 2)

    assert heard == [1, 2]


class Yielding(str):
    """A topic that lets other threads run whenever it is looked up."""

    __slots__ = ()

    def __hash__(self) -> int:
        time.sleep(0)
        return super().__hash__()


def test_many_threads_subscribe_publish_and_cancel_at_once(bus: EventBus) -> None:
    heard: list[object] = []
    topic = Yielding("jobs")
    bus.subscribe(topic, heard.append)

    def work() -> None:
        for number in range(100):
            subscription = bus.subscribe(topic, lambda message: None)
            bus.publish(topic, number)
            subscription.cancel()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(heard) == 400
    assert len(bus.subscriptions(topic)) == 1


def test_a_killed_server_cannot_publish(bus: EventBus, runtime: ThreadRuntime) -> None:
    tried: list[object] = []

    class Late(Counter):
        def handle_cast(self, message: Any) -> None:
            message.entered.set()
            message.release.wait(10)
            for attempt in (lambda: bus.publish("jobs", 1), lambda: bus.subscribe("jobs", tried.append)):
                with pytest.raises(Killed):
                    attempt()
                tried.append("fenced")

    ref, block = started(runtime, Late), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)
    runtime.kill(ref)
    block.release.set()
    assert runtime.close(5) == []

    assert tried == ["fenced", "fenced"]


@pytest.mark.parametrize(("topic", "subscriber"), [(7, print), ("jobs", 7), ("jobs", None)])
def test_what_cannot_be_told_is_refused(bus: EventBus, topic: Any, subscriber: Any) -> None:
    with pytest.raises(InvalidInput):
        bus.subscribe(topic, subscriber)
