"""A service that embeds us keeps its own actors, signals and logs, and gets back all that we took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pykka

from moomarkets.domain.group import RunStatus
from moomarkets.system import System
from moomarkets.testing.recorded_events import RecordedEvents
from tests.support.providers import providers
from tests.support.supervisor import ROOT

ROUNDS = 20
WARM_AFTER = 5
MOST_MIB_A_ROUND = 0.2
# The allocator of the C library gives threads pools of their own, up to a number of them: that is no leak.
FEW_POOLS = {"MALLOC_ARENA_MAX": "2"}


def test_a_service_embeds_us_twenty_times_and_notices_nothing(owner_url: str, tmp_path: Path) -> None:
    """O06: no thread, socket, file, process or actor is left, no handler or logger is touched, no memory grows."""
    host = subprocess.run(
        [sys.executable, "-m", "tests.system.host_program", owner_url, str(tmp_path), str(ROUNDS)],
        cwd=ROOT,
        env={**os.environ, **FEW_POOLS},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert host.returncode == 0, host.stderr
    rounds = [json.loads(line) for line in host.stdout.splitlines()]
    assert [told["run"] for told in rounds] == ["completed"] * ROUNDS
    assert [told["answers"] for told in rounds] == [[f"hello {number}"] for number in range(ROUNDS)]
    assert [told["left"] for told in rounds] == [{}] * ROUNDS
    grown_mib = rounds[-1]["resident_mib"] - rounds[WARM_AFTER]["resident_mib"]
    assert grown_mib < MOST_MIB_A_ROUND * (ROUNDS - WARM_AFTER)


class Clerk(pykka.ThreadingActor):
    """An actor of the host."""

    def on_receive(self, message: object) -> object:
        return message


def test_a_host_that_stops_all_its_actors_does_not_reach_ours_and_its_own_stay_down(
    owner_url: str, tmp_path: Path
) -> None:
    """O07: ours are not in its registry, so nothing of ours ends, and nothing of its own is started again."""
    events = RecordedEvents()
    clerks = [Clerk.start() for _ in range(3)]

    with providers() as simulated, System(simulated.settings(owner_url, tmp_path), events=events) as system:
        before = [(info.path, info.restarts) for info in system.tree()]
        listed = len(pykka.ActorRegistry.get_all())
        pykka.ActorRegistry.stop_all(timeout=5)
        ended = system.groups.run("reference").wait(30)
        after = [(info.path, info.restarts) for info in system.tree()]
        living = [clerk for clerk in clerks if clerk.is_alive()]
        registered = pykka.ActorRegistry.get_all()

    assert listed == len(clerks)
    assert living == registered == []
    assert ended is RunStatus.COMPLETED
    assert set(before) <= set(after)
    assert events.of("server.crashed") == []
