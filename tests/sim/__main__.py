"""Lives of the whole system in simulated worlds: `python -m tests.sim --seeds 1000`; a seed that fails is replayed."""

from __future__ import annotations

import faulthandler
import itertools
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import click
import psycopg

from moomarkets.store.database import Database
from tests.sim.books import Broken
from tests.sim.faults import FAULTS
from tests.sim.ground import ground
from tests.sim.life import Life
from tests.sim.plants import PLANTS, planted

REAL_LIMIT_S = 120.0
"""A life that really takes longer than this waits for something outside of its world: its stack is shown."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one seed. `broken` is empty if all promises were kept."""

    seed: int
    broken: str
    steps: int
    virtual_s: float
    digest: int
    lines: tuple[str, ...]


def live(
    seed: int, database: Database, owner: psycopg.Connection, kinds: Sequence[str] = (), node_count: int = 0
) -> Outcome:
    """Live one life and say what became of it."""
    faulthandler.dump_traceback_later(REAL_LIMIT_S, exit=True)
    life = Life(seed, database, owner, kinds, node_count)
    try:
        life.run()
        broken = ""
    except Broken as error:
        broken = str(error)
    finally:
        faulthandler.cancel_dump_traceback_later()
    world = life.world
    return Outcome(seed, broken, world.steps, world.now_s, world.digest, tuple(world.lines))


def live_many(seeds: Sequence[int], kinds: Sequence[str], node_count: int, plant: str) -> list[Outcome]:
    """Live these lives one after the other; what the broken ones remember is kept, that of the others is not."""
    with ground() as (database, owner), planted(plant):
        return [_short(live(seed, database, owner, kinds, node_count)) for seed in seeds]


def _short(outcome: Outcome) -> Outcome:
    return outcome if outcome.broken else Outcome(*(getattr(outcome, name) for name in Outcome.__slots__[:-1]), ())


@click.command()
@click.option("--seeds", default=100, show_default=True, help="How many lives, from the first seed on.")
@click.option("--first", default=1, show_default=True, help="The first seed.")
@click.option("--seed", type=int, help="Replay this one seed and print what happened.")
@click.option("--fault", "kinds", multiple=True, type=click.Choice(sorted(FAULTS)), help="Only faults of this kind.")
@click.option("--nodes", "node_count", default=0, help="How many processes; 0: the seed decides.")
@click.option("--plant", default="", type=click.Choice(["", *PLANTS]), help="Plant this mistake: lives must break.")
@click.option("--lines", default=200, show_default=True, help="How many of the last lines a replay prints.")
def main(
    seeds: int, first: int, seed: int | None, kinds: tuple[str, ...], node_count: int, plant: str, lines: int
) -> None:
    """Live many lives, or replay one; exits 1 if a promise was broken."""
    if seed is not None:
        with ground() as (database, owner), planted(plant):
            outcome = live(seed, database, owner, kinds, node_count)
        print(*outcome.lines[-lines:], sep="\n")
        print(f"seed {seed}: {outcome.broken or 'kept'}; {outcome.steps} steps, digest {outcome.digest:08x}")
        sys.exit(1 if outcome.broken else 0)
    started = time.monotonic()
    workers = min(os.cpu_count() or 1, 8)
    shares = [list(range(first, first + seeds))[worker::workers] for worker in range(workers)]
    with ProcessPoolExecutor(workers) as pool:
        rest = (itertools.repeat(kinds), itertools.repeat(node_count), itertools.repeat(plant))
        results = pool.map(live_many, shares, *rest)
        outcomes = sorted(itertools.chain.from_iterable(results), key=lambda outcome: outcome.seed)
    seconds = time.monotonic() - started
    same = "".join(f" --fault {kind}" for kind in kinds)
    same += (f" --nodes {node_count}" if node_count else "") + (f" --plant {plant}" if plant else "")
    for outcome in outcomes:
        if outcome.broken:
            print(f"seed {outcome.seed}: {outcome.broken}\n    replay: python -m tests.sim --seed {outcome.seed}{same}")
    hours = sum(outcome.virtual_s for outcome in outcomes) / 3600
    steps = sum(outcome.steps for outcome in outcomes)
    broken = sum(bool(outcome.broken) for outcome in outcomes)
    print(f"{len(outcomes)} lives, {hours:.0f} virtual hours, {steps:,} steps in {seconds:.0f} s: {broken} broken")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
