"""What holds in every runtime: on threads in real time, and in a simulated world in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from actors.otp.child import Restart
from actors.otp.errors import CallFailed, CallingSelf, CallTimeout, Deadlock, NoProc, StartError
from actors.otp.gen_server import GenServer
from actors.otp.messages import IGNORE, Down
from actors.otp.process import ProcessState
from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from actors.otp.sim_runtime import SimRuntime
from actors.otp.simulation import Simulation
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import Strategy, SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.patience import eventually
from tests.actors.otp.servers import Add, AnswerIn, CallOn, Counter, Crash, Depart, Get, Later, Watch
from tests.actors.otp.trees import child, refs, subtree


@dataclass
class Place:
    """A runtime, and how to wait there for what nobody signals."""

    runtime: Runtime
    until: Callable[[Callable[[], Any]], Any]


@pytest.fixture(params=["threads", "simulation"])
def place(request: pytest.FixtureRequest, _no_thread_is_left: None) -> Iterator[Place]:
    if request.param == "threads":
        threads = ThreadRuntime()
        yield Place(threads, eventually)
        assert threads.close(5) == []
        return
    world = Simulation(seed=1)
    yield Place(SimRuntime(world, "m"), lambda look: world.run(lambda: bool(look()), 60) and look())
    world.close()
    assert world.tasks() == []


def test_a_start_returns_when_init_has_ended(place: Place) -> None:
    log: list[Any] = []

    ref = place.runtime.start(Counter, log=log, tag="a")

    assert ref is not None
    assert log == [("init", "a")]


def test_a_failed_init_is_the_starters_error(place: Place) -> None:
    with pytest.raises(StartError) as failed:
        place.runtime.start(Counter, outcome=ValueError("no"), name="clerk")

    assert isinstance(failed.value.reason, ValueError)
    assert place.runtime.whereis("clerk") is None


def test_an_init_that_ignores_starts_nothing(place: Place) -> None:
    assert place.runtime.start(Counter, outcome=IGNORE) is None


def test_messages_of_one_sender_arrive_in_their_order(place: Place) -> None:
    place.runtime.start(Counter, name="clerk")

    for number in range(50):
        place.runtime.cast("clerk", number)

    assert place.runtime.call("clerk", "seen") == list(range(50))


def test_a_call_in_vain_ends_with_its_time(place: Place) -> None:
    place.runtime.start(Counter, name="clerk")

    with pytest.raises(CallTimeout, match="clerk"):
        place.runtime.call("clerk", AnswerIn(30), timeout_s=0.05)

    assert place.runtime.call("clerk", Add(1)) == 1


def test_a_deferred_reply_comes_when_its_time_has_come(place: Place) -> None:
    place.runtime.start(Counter, name="clerk")
    begun = place.runtime.clock.monotonic()

    assert place.runtime.call("clerk", AnswerIn(0.05)) == "late"

    assert place.runtime.clock.monotonic() - begun >= 0.05


def test_timers_fire_in_the_order_of_their_times(place: Place) -> None:
    place.runtime.start(Counter, name="clerk")

    for seconds in (0.06, 0.02, 0.04):
        place.runtime.call("clerk", Later(seconds, seconds))

    assert place.until(lambda: len(place.runtime.call("clerk", "seen")) == 3)
    assert place.runtime.call("clerk", "seen") == [0.02, 0.04, 0.06]


def test_a_crash_in_a_call_reaches_the_caller_and_ends_the_server(place: Place) -> None:
    ref = place.runtime.start(Counter, name="clerk")
    assert ref is not None

    with pytest.raises(CallFailed) as failed:
        place.runtime.call("clerk", Crash(KeyError()))

    assert isinstance(failed.value.reason, KeyError)
    assert not ref.is_alive
    with pytest.raises(NoProc):
        place.runtime.call("clerk", Get())


def test_calls_that_could_never_end_are_refused(place: Place) -> None:
    place.runtime.start(Counter, name="a")
    place.runtime.start(Counter, name="b")

    with pytest.raises(CallFailed) as itself:
        place.runtime.call("a", CallOn("a", Get()))
    place.runtime.start(Counter, name="a")
    with pytest.raises(CallFailed) as ring:
        place.runtime.call("a", CallOn("b", CallOn("a", Get())))

    assert isinstance(itself.value.reason, CallingSelf)
    assert isinstance(ring.value.reason, CallFailed)
    assert isinstance(ring.value.reason.reason, Deadlock)


def test_a_watched_end_is_reported_once_behind_what_was_sent_before(place: Place) -> None:
    place.runtime.start(Counter, name="watcher")
    watched = place.runtime.start(Counter, name="watched")
    monitor = place.runtime.call("watcher", Watch("watched"))

    place.runtime.cast("watched", Depart("normal"))
    place.until(lambda: place.runtime.call("watcher", "seen"))

    assert place.runtime.call("watcher", "seen") == [Down(monitor, watched, "normal")]


def test_a_killed_server_is_gone_at_once_and_terminates_nothing(place: Place) -> None:
    log: list[Any] = []
    ref = place.runtime.start(Counter, log=log, name="clerk")
    assert ref is not None

    assert place.runtime.kill("clerk")

    assert ref.exit_reason == "killed"
    assert place.runtime.whereis("clerk") is None
    assert [entry[0] for entry in log] == ["init"]


@pytest.mark.parametrize(
    ("strategy", "kept"), [("one_for_one", ["a", "c"]), ("one_for_all", []), ("rest_for_one", ["a"])]
)
def test_the_strategy_decides_who_is_started_again(place: Place, strategy: str, kept: list[str]) -> None:
    spec = SupervisorSpec(Strategy(strategy), tuple(child(name, name=name) for name in "abc"))
    root = place.runtime.start(Supervisor, spec, name="root")
    assert root is not None
    before = refs(root)

    place.runtime.cast("b", Crash())
    assert place.until(lambda: before["b"] is not None and not before["b"].is_alive)
    after = refs(root)

    assert [name for name in "abc" if after[name] is before[name]] == kept
    assert all(ref is not None and ref.is_alive for ref in after.values())


def test_a_subtree_ends_with_its_supervisor_and_is_started_anew(place: Place) -> None:
    spec = SupervisorSpec(children=(subtree("sub", child("worker", name="worker")),))
    place.runtime.start(Supervisor, spec, name="root")
    worker, sub = place.runtime.whereis("worker"), place.runtime.at("root/sub")
    assert worker is not None
    assert sub is not None

    place.runtime.kill(sub)

    assert worker.exit_reason == "killed"
    assert place.until(lambda: place.runtime.whereis("worker") not in (None, worker))


def test_a_stop_ends_children_right_to_left(place: Place) -> None:
    log: list[Any] = []
    children = tuple(child(name, kwargs={"log": log, "tag": name}, restart=Restart.TRANSIENT) for name in "abc")
    root = place.runtime.start(Supervisor, SupervisorSpec(children=children), name="root")
    assert root is not None

    assert place.runtime.stop(root, "shutdown") == "shutdown"

    assert [entry[1] for entry in log if entry[0] == "terminate"] == ["c", "b", "a"]


def test_spawned_work_tells_how_it_ended(place: Place) -> None:
    good, bad = place.runtime.spawn(lambda: 1, "good"), place.runtime.spawn(lambda: [][0], "bad")

    assert place.runtime.wait_for(good, 5)
    assert place.runtime.wait_for(bad, 5)
    good.result()
    with pytest.raises(IndexError):
        bad.result()


def test_a_wait_for_what_never_comes_ends_with_its_time(place: Place) -> None:
    begun = place.runtime.clock.monotonic()

    assert not place.runtime.wait_for(Promise[None](), 0.05)

    assert place.runtime.clock.monotonic() - begun >= 0.05


def test_the_tree_tells_what_a_server_is_doing(place: Place) -> None:
    place.runtime.start(GenServer, name="clerk")

    (info,) = place.runtime.tree()

    assert (info.path, info.state) == ("clerk", ProcessState.IDLE)
    assert len({place.runtime.new_id() for _ in range(100)}) == 100
