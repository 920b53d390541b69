"""Names belong to one live server of one runtime."""

from __future__ import annotations

import pytest

from actors.otp.errors import AlreadyStarted, StartError
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.servers import Add, Counter, Crash, Depart, Get


def test_a_name_finds_its_server(runtime: ThreadRuntime) -> None:
    ref = runtime.start(Counter, 3, name="clerk")

    assert runtime.whereis("clerk") is ref
    assert runtime.call("clerk", Get()) == 3


def test_a_name_is_refused_while_a_live_server_holds_it(runtime: ThreadRuntime) -> None:
    """S13."""
    first = runtime.start(Counter, name="clerk")

    with pytest.raises(AlreadyStarted) as refused:
        runtime.start(Counter, name="clerk")

    assert refused.value.ref is first
    assert refused.value.reason == ("already_started", first)
    assert runtime.call("clerk", Add(1)) == 1


@pytest.mark.parametrize("end", [Crash(), Depart("normal"), Depart("shutdown")])
def test_a_name_is_free_after_the_end(runtime: ThreadRuntime, end: object) -> None:
    ref = runtime.start(Counter, name="clerk")
    runtime.cast(ref, end)
    runtime.wait(ref, 5)

    assert runtime.whereis("clerk") is None
    assert runtime.start(Counter, name="clerk") is not ref


def test_a_name_is_free_after_a_failed_start(runtime: ThreadRuntime) -> None:
    """S04, GS otp_7669."""
    with pytest.raises(StartError):
        runtime.start(Counter, outcome=ValueError(), name="clerk")

    assert runtime.whereis("clerk") is None
    assert runtime.tree() == []


def test_the_end_of_a_refused_server_does_not_free_the_name(runtime: ThreadRuntime) -> None:
    holder = runtime.start(Counter, name="clerk")
    with pytest.raises(AlreadyStarted):
        runtime.start(Counter, name="clerk")

    assert runtime.whereis("clerk") is holder


def test_two_runtimes_do_not_see_each_others_names(runtime: ThreadRuntime, still: ThreadRuntime) -> None:
    runtime.start(Counter, 1, name="clerk")
    still.start(Counter, 2, name="clerk")

    assert (runtime.call("clerk", Get()), still.call("clerk", Get())) == (1, 2)


def test_an_address_by_name_finds_the_next_incarnation(runtime: ThreadRuntime) -> None:
    address = runtime.named("clerk")
    first = runtime.start(Counter, 1, name="clerk")
    runtime.stop(first)
    runtime.start(Counter, 2, name="clerk")

    assert runtime.call(address, Get()) == 2
