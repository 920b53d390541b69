"""A person at the console of a whole system: kills, restarts and stuck servers leave it at work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from actors.otp.process import ProcessState
from moomarkets.domain.group import RunStatus
from moomarkets.services.console import ActorBusy
from moomarkets.system import System
from moomarkets.testing.manual_clock import ManualClock
from tests.actors.otp.patience import eventually
from tests.support.providers import Providers

LONG_S = 30.0
STUCK = "replace_state"
"""What a server is busy with that was made stuck."""


def fetch(system: System, group: str = "reference") -> RunStatus:
    """Whether jobs go on."""
    return system.groups.run(group).wait(LONG_S)


@contextmanager
def stuck(system: System) -> Iterator[None]:
    """Every server of the tree is in a handler that does not end before the block does."""
    release = threading.Event()

    def hold(state: dict[str, object]) -> dict[str, object]:
        release.wait(LONG_S)
        return state

    paths = [info.path for info in system.tree()]
    waiting = [
        system.runtime.spawn(lambda path=path: system.replace_state(path, hold), "holder")  # type: ignore[misc]
        for path in paths
    ]
    try:
        assert eventually(lambda: {info.message for info in system.tree()} == {STUCK})
        yield
    finally:
        release.set()
        assert eventually(lambda: all(promise.is_done for promise in waiting))


def test_with_every_server_of_a_system_stuck_all_is_seen_and_nothing_is_waited_for(
    simulated: Providers, owner_url: str, tmp_path: Path
) -> None:
    """O05."""
    clock = ManualClock()
    with System(simulated.settings(owner_url, tmp_path), clock=clock) as system:
        with stuck(system):
            clock.advance(2)
            seen: list[object] = []
            looked = system.runtime.spawn(lambda: seen.extend([system.tree(), system.top(), system.reports()]), "look")
            asked = [
                system.runtime.spawn(lambda info=info: system.state(info.path), "ask")  # type: ignore[misc]
                for info in system.tree()
            ]
            assert eventually(lambda: looked.is_done and all(promise.is_done for promise in asked))
            killed = system.kill("core/executors")

        assert all("busy  replace_state for 2.0 s" in line for line in repr(seen[0]).splitlines())
        assert len(killed) == 5
        for promise in asked:
            with pytest.raises(ActorBusy, match=r"busy with replace_state for 2\.0 s, since .* test_operating\.py"):
                promise.result()
        assert system.state("core/executors/x0")["slot"] == "x0"


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("core/executors/x0", "daily-bars"),
        ("core/limiters/jquants-1", "daily-bars"),
        ("manager", "daily-bars"),
        ("writer", "daily-bars"),
        ("permits", "daily-bars"),
        ("core", "daily-bars"),
        *((duty, "reference") for duty in ("scheduler", "claimer", "rescuer", "listener")),
    ],
)
def test_jobs_go_on_after_the_kill_of_any_server(system: System, path: str, group: str) -> None:
    fetch(system)

    killed = system.kill(path)
    # Whoever asks in the very moment of a restart finds nobody.
    system.settle()

    assert killed[0].path.endswith(path)
    assert fetch(system, group) is RunStatus.COMPLETED


def test_jobs_go_on_after_the_restart_of_any_server_and_no_budget_is_spent(system: System) -> None:
    supervisors = ["root", "core", "core/store_writers", "core/executors", "core/duties"]
    for path in [info.path for info in system.tree() if info.path != "root"]:
        restarted = system.restart(path)

        assert restarted[0].path == ("root/core/store_writers" if "/store_writers/" in path else path)
        assert {info.state for info in restarted} <= {ProcessState.IDLE, ProcessState.BUSY}, path
        assert fetch(system) is RunStatus.COMPLETED, path
    assert [system.state(path)["restarts_spent"] for path in supervisors] == [0] * len(supervisors)
