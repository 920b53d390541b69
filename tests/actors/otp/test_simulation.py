"""The simulated world: whose turn it is, how time passes, and what can be made to go wrong in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from actors.otp.errors import CallTimeout, InboxFull
from actors.otp.ref import Ref
from actors.otp.sim_runtime import SimRuntime
from actors.otp.simulation import InjectedCrash, Machine, Simulation
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import SupervisorSpec
from tests.actors.otp.servers import Add, Counter, Get
from tests.actors.otp.trees import child


@pytest.fixture
def world() -> Iterator[Simulation]:
    world = Simulation(seed=1)
    yield world
    world.close()


@pytest.fixture
def runtime(world: Simulation) -> SimRuntime:
    return SimRuntime(world, "m")


def supervised(runtime: SimRuntime, *names: str) -> Ref:
    """A root with counters below it."""
    spec = SupervisorSpec(children=tuple(child(name, name=name) for name in names))
    root = runtime.start(Supervisor, spec, name="root")
    assert root is not None
    return root


def order(seed: int) -> tuple[list[str], int]:
    """In which order ten tasks of a new world have their turns, and the world's digest."""
    world, turns = Simulation(seed), list[str]()
    for number in range(10):
        world.spawn(lambda name=f"task {number}": turns.append(name), "task", Machine("m"))  # type: ignore[misc]
    world.run_for(1)
    world.close()
    return turns, world.digest


def test_the_seed_alone_decides_whose_turn_it_is() -> None:
    first, again, other = order(7), order(7), order(8)

    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]
    assert sorted(first[0]) == sorted(other[0])


def test_time_jumps_to_whoever_waits_next_and_not_beyond_the_end(world: Simulation) -> None:
    woken = []
    for hours in (3, 1, 2, 9):
        world.spawn(lambda h=hours: (world.sleep(h * 3600), woken.append(h)), "sleeper", Machine("m"))  # type: ignore[misc]

    world.run_for(4 * 3600)

    assert woken == [1, 2, 3]
    assert world.now_s == 4 * 3600
    assert world.steps < 20


def test_only_tasks_may_wait(world: Simulation) -> None:
    with pytest.raises(RuntimeError, match="outside"):
        world.sleep(1)


def test_a_doomed_server_crashes_at_its_next_message_and_is_started_again(runtime: SimRuntime) -> None:
    supervised(runtime, "a")
    before = runtime.whereis("a")
    assert before is not None

    runtime.crash(before)
    runtime.cast("a", "anything")
    runtime.simulation.run_for(1)

    assert isinstance(before.exit_reason, InjectedCrash)
    assert runtime.call("a", Get()) == 0


def test_a_slow_server_answers_late(runtime: SimRuntime) -> None:
    supervised(runtime, "a")
    ref = runtime.whereis("a")
    assert ref is not None

    runtime.slow_down(ref, 30)

    with pytest.raises(CallTimeout):
        runtime.call("a", Get(), timeout_s=5)
    runtime.simulation.run_for(30)
    assert runtime.call("a", Get()) == 0


def test_a_full_inbox_refuses_until_it_has_room_again(runtime: SimRuntime) -> None:
    supervised(runtime, "a")
    ref = runtime.whereis("a")
    assert ref is not None

    runtime.fill(ref, 5)

    with pytest.raises(InboxFull):
        runtime.cast("a", "anything")
    runtime.simulation.run_for(5)
    assert runtime.call("a", Add(1)) == 1


def test_a_frozen_process_goes_on_where_it_was(runtime: SimRuntime) -> None:
    supervised(runtime, "a")

    runtime.freeze(60)
    asked = runtime.request("a", Add(1))
    runtime.simulation.run_for(59)
    was_done = asked.is_done
    runtime.simulation.run_for(2)

    assert not was_done
    assert asked.result() == 1


def test_a_dead_process_does_nothing_more_and_its_neighbour_goes_on(world: Simulation, runtime: SimRuntime) -> None:
    neighbour = SimRuntime(world, "n")
    supervised(runtime, "a")
    supervised(neighbour, "a")

    runtime.die()
    asked = runtime.request("a", Add(1))
    world.run_for(60)

    assert not asked.is_done
    assert neighbour.call("a", Add(1)) == 1
    assert {task.machine.name for task in world.tasks()} == {"n"}


def test_the_end_of_a_world_runs_nothing_of_what_was_under_way() -> None:
    world, done = Simulation(1), list[str]()
    runtime = SimRuntime(world, "m")

    def work() -> None:
        try:
            world.sleep(10)
            done.append("slept")
        finally:
            done.append("unwound")

    runtime.spawn(work, "work")
    log: list[object] = []
    runtime.start(Counter, log=log)
    world.run_for(1)

    world.close()

    assert done == ["unwound"]
    assert log == [("init", "")]
