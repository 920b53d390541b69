"""What the runtime of threads knows of where its servers are."""

from __future__ import annotations

import re

from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.patience import eventually
from tests.actors.otp.servers import Block, Counter


class Digger(Counter):
    """Goes deep before it waits."""

    def handle_cast(self, message: object) -> None:
        self.dig(message, 10)

    def dig(self, message: object, depth: int) -> None:
        if depth:
            self.dig(message, depth - 1)
        else:
            super().handle_cast(message)


def test_a_stuck_server_is_found_by_the_innermost_places_of_its_handler(runtime: ThreadRuntime) -> None:
    ref, block = runtime.start(Digger), Block()
    runtime.cast(ref, block)
    assert block.entered.wait(5)

    places = runtime.whereabouts(ref).split(" < ")

    block.release.set()
    assert len(places) == 5
    assert all(re.fullmatch(r"threading\.py:\d+ wait", place) for place in places[:2])
    assert re.fullmatch(r"servers\.py:\d+ handle_cast", places[2])
    assert places[3] == "..."
    assert re.fullmatch(r"test_thread_runtime\.py:\d+ handle_cast", places[4])


def test_an_idle_server_waits_in_its_mailbox_and_a_dead_one_is_nowhere(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter)
    # Its thread may be on its way there still.
    assert eventually(lambda: "mailbox.py" in runtime.whereabouts(ref))

    runtime.stop(ref)

    assert eventually(lambda: runtime.whereabouts(ref) == "")


def test_each_of_two_incarnations_is_told_from_the_other(runtime: ThreadRuntime) -> None:
    first, block = runtime.start(Counter, name="clerk"), Block()
    runtime.cast(first, block)
    assert block.entered.wait(5)
    runtime.kill(first)

    second = runtime.start(Counter, name="clerk")

    assert eventually(lambda: "mailbox.py" in runtime.whereabouts(second))
    assert "handle_cast" in runtime.whereabouts(first)
    block.release.set()


def test_a_runtime_can_be_closed_from_a_thread_of_its_own(runtime: ThreadRuntime) -> None:
    runtime.start(Counter, name="clerk")

    closing = runtime.spawn(lambda: runtime.close(5), "closing")

    assert runtime.wait_for(closing, 10)
    closing.result()
    assert runtime.tree() == []
