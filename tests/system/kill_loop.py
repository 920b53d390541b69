"""Kills supervisors at random points of a run and does the sums: `python -m tests.system.kill_loop --kills 200`."""

from __future__ import annotations

import math
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import click

from tests.system.kill_books import Line, audit
from tests.system.kill_ground import LEASE_S, KillGround, Node, Plan, kill_ground

WORK_S = 0.5
"""How long a node works on average between its start and its end."""

ALONGSIDE_S = 1.5
"""How long work goes on between two strikes where the other nodes do it meanwhile."""

START_S = 2.5
DURING_START = 0.15
"""How many of the kills come before the node is ready."""

FREEZE_EVERY = 5
FREEZE_S = 2 * LEASE_S
FREEZE_PATIENCE_S = 30.0
END_PATIENCE_S = 300.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Siege:
    """What is done to whom; the same seed draws the same points, though no two machines reach them alike."""

    kills: int
    jobs: int = 500
    nodes: int = 1
    freezes: bool = False
    seed: int = 1

    @property
    def plan(self) -> Plan:
        """So many requests a second that the work lasts for as long as the kills."""
        strike_s = WORK_S if self.nodes == 1 else ALONGSIDE_S
        if self.freezes:
            strike_s += FREEZE_S / FREEZE_EVERY
        return Plan(self.jobs, max(2, math.ceil(self.jobs / (self.kills * strike_s))), self.nodes)


def besiege(siege: Siege, ground: KillGround, say: Say) -> int:
    """Strike until it was often enough; returns how many strikes came while there was work to do."""
    chance, effective = random.Random(siege.seed), 0
    for _ in range(siege.nodes):
        ground.start()
    for number in range(1, siege.kills + 1):
        victim = chance.choice(ground.nodes)
        is_frozen = siege.freezes and number % FREEZE_EVERY == 0
        _wait_for_the_moment(chance, victim, needs_ready=is_frozen or siege.nodes > 1)
        effective += not ground.is_over
        if is_frozen:
            _freeze(ground, victim)
        else:
            ground.kill(victim)
            ground.start()
        if number % 10 == 0:
            say(f"{number} strikes, {ground.value('SELECT count(*) FROM coverage')} of {siege.jobs} days are here")
    return effective


def _wait_for_the_moment(chance: random.Random, victim: Node, *, needs_ready: bool) -> None:
    """Some time after the node is ready, or in the middle of its start."""
    if not needs_ready and chance.random() < DURING_START:
        time.sleep(chance.uniform(0, START_S))
        return
    victim.await_ready()
    time.sleep(chance.expovariate(1 / WORK_S))


def _freeze(ground: KillGround, victim: Node) -> None:
    """Longer than its lease: until others have taken all that it held, or there is nobody else to do so."""
    held = f"SELECT count(*) FROM executions WHERE status = 'running' AND node_id = '{victim.id}'"
    thaw_at = time.monotonic() + FREEZE_S

    def is_taken_over() -> bool:
        is_alone = len(ground.nodes) == 1
        return time.monotonic() > thaw_at and (is_alone or ground.value(held) == 0)

    ground.freeze(victim, is_taken_over, FREEZE_PATIENCE_S)


def run(siege: Siege, say: Say) -> list[Line]:
    """One siege from the first node to the last sum."""
    began = time.monotonic()
    with kill_ground(siege.plan) as ground:
        effective = besiege(siege, ground, say)
        is_over = ground.wait_over(END_PATIENCE_S)
        codes = ground.stop() if is_over else []
        return [
            Line("the run has ended", is_over, True, is_over),
            Line("exit codes of the last nodes", codes, [0] * siege.nodes, codes == [0] * siege.nodes),
            *audit(ground, siege.kills),
            Line("strikes", siege.kills),
            Line("strikes while there was work", effective),
            Line("seconds", round(time.monotonic() - began)),
        ]


@click.command()
@click.option("--kills", default=200, show_default=True, help="How many strikes.")
@click.option("--jobs", default=500, show_default=True, help="How many trading days are fetched.")
@click.option("--nodes", default=1, show_default=True, help="How many supervisors share the database.")
@click.option("--freeze", "freezes", is_flag=True, help="Every fifth strike is a freeze, longer than a lease.")
@click.option("--seed", default=1, show_default=True, help="Draws whom and when.")
def main(kills: int, jobs: int, nodes: int, freezes: bool, seed: int) -> None:
    """Besiege a run and print the books; exits 1 if one sum is wrong."""
    lines = run(Siege(kills, jobs, nodes, freezes, seed), lambda text: print(text, flush=True))
    print(*lines, sep="\n")
    sys.exit(0 if all(line.is_kept for line in lines) else 1)


if __name__ == "__main__":
    main()
