"""A result that comes later, for threads and for a host's asyncio loop."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest

from actors.otp.errors import CallFailed
from actors.otp.promise import Promise
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.patience import eventually
from tests.actors.otp.servers import Add, Block, Counter, Crash, Get


async def tick(ticks: list[int], until: int, reached: threading.Event) -> None:
    """Count the turns of the loop; tell when there were enough."""
    while True:
        ticks.append(1)
        if len(ticks) == until:
            reached.set()
        await asyncio.sleep(0)


def test_the_first_to_settle_decides_and_hooks_run_once() -> None:
    promise, seen = Promise[int](), []
    promise.subscribe(lambda: seen.append("before"))

    assert promise.resolve(1)
    assert not promise.fail(ValueError())
    assert not promise.resolve(2)
    promise.subscribe(lambda: seen.append("after"))

    assert promise.result() == 1
    assert seen == ["before", "after"]


def test_a_settled_promise_is_awaited_at_once_with_its_value_or_error() -> None:
    good, bad = Promise[int](), Promise[int]()
    good.resolve(7)
    bad.fail(ValueError("no"))

    async def look() -> int:
        with pytest.raises(ValueError, match="no"):
            await bad
        return await good

    assert asyncio.run(look()) == 7


def test_the_loop_goes_on_while_a_reply_is_awaited(runtime: ThreadRuntime) -> None:
    """The server is released only after the loop has had 1,000 turns."""
    ref, block = runtime.start(Counter, 7), Block()
    ticks: list[int] = []

    async def main() -> Any:
        ticking = asyncio.ensure_future(tick(ticks, 1000, block.release))
        try:
            return await runtime.request(ref, block)
        finally:
            ticking.cancel()

    assert asyncio.run(main()) == 7
    assert len(ticks) >= 1000


def test_many_replies_can_be_awaited_together(runtime: ThreadRuntime) -> None:
    refs = [runtime.start(Counter, number) for number in range(20)]

    async def main() -> list[Any]:
        return await asyncio.gather(*(runtime.request(ref, Add(1)) for ref in refs))

    assert asyncio.run(main()) == list(range(1, 21))


def test_an_awaited_call_hears_of_the_servers_crash(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter)

    async def main() -> None:
        await runtime.request(ref, Crash())

    with pytest.raises(CallFailed):
        asyncio.run(main())


def test_a_cancelled_task_abandons_its_call_and_the_late_reply_harms_nobody(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter, 7), Block()
    promise = runtime.request(ref, block)

    async def main() -> None:
        task = asyncio.ensure_future(asyncio.wait_for(promise, timeout=60))
        while not promise._hooks:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())

    assert promise.is_abandoned
    assert promise._hooks == []
    block.release.set()
    assert runtime.call(ref, Get()) == 7
    assert promise.result() == 7


def test_a_time_limit_abandons_and_a_new_wait_takes_up_again(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter, 7), Block()
    promise = runtime.request(ref, block)

    async def main() -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(promise, timeout=0.01)
        assert promise.is_abandoned
        again = asyncio.ensure_future(asyncio.wait_for(promise, timeout=60))
        while promise.is_abandoned:
            await asyncio.sleep(0)
        block.release.set()
        return await again

    assert asyncio.run(main()) == 7


def test_one_of_two_that_wait_may_leave_without_abandoning(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter, 7), Block()
    promise = runtime.request(ref, block)

    async def main() -> Any:
        stays = asyncio.ensure_future(asyncio.wait_for(promise, timeout=60))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(promise, timeout=0.01)
        assert not promise.is_abandoned
        block.release.set()
        return await stays

    assert asyncio.run(main()) == 7


def test_a_closed_loop_does_not_hurt_the_server_that_answers(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Counter, 7), Block()
    promise = runtime.request(ref, block)
    waiting = promise.__await__()
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        waiting.send(None)

    loop.run_until_complete(begin())
    loop.close()
    block.release.set()

    assert runtime.call(ref, Get()) == 7
    assert eventually(lambda: promise.is_done)
    waiting.close()


def test_servers_do_without_asyncio() -> None:
    code = "import sys; import actors.otp.thread_runtime, actors.otp.sys; assert 'asyncio' not in sys.modules"

    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_hook_runs_though_one_before_it_raises() -> None:
    promise, seen = Promise[int](), []
    promise.subscribe(lambda: [][0])
    promise.subscribe(lambda: seen.append("ran"))

    with pytest.raises(IndexError):
        promise.resolve(1)

    assert seen == ["ran"]
    assert promise.result() == 1
