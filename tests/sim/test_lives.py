"""Whole lives of the system in a simulated world; `python -m tests.sim` lives many more of them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from moomarkets.store.database import Database
from tests.sim.__main__ import live
from tests.sim.ground import ground
from tests.sim.month import Month
from tests.sim.plants import PLANTS, planted

Ground = tuple[Database, psycopg.Connection]

SEEDS = range(1, 25)
WORST = {
    "forgets_what_was_spent": ["crash", "kill"],
    "takes_cut_off_for_over": ["kill", "ask"],
    "opens_the_fence": ["freeze", "lose"],
    "stores_data_beside_the_fence": ["lose", "die"],
    "skips_without_a_trace": ["die", "refuse"],
}
"""Which faults bring each planted mistake to light soonest."""


@pytest.fixture(scope="session")
def lives() -> Iterator[Ground]:
    with ground() as here:
        yield here


@pytest.mark.parametrize("seed", SEEDS)
def test_every_promise_is_kept_whatever_goes_wrong(lives: Ground, seed: int) -> None:
    outcome = live(seed, *lives)

    assert outcome.broken == "", f"replay: python -m tests.sim --seed {seed}"


def test_over_days_of_outages_every_due_instant_has_exactly_one_outcome(lives: Ground) -> None:
    month = Month(1, *lives)
    month.days = 3

    month.run()

    assert month.outcomes["ran"] > 10


def test_the_same_seed_lives_the_same_life(lives: Ground) -> None:
    first, again = live(1, *lives), live(1, *lives)

    assert first == again
    assert first.steps > 1000


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_mistake_is_found(lives: Ground, name: str) -> None:
    with planted(name):
        is_found = any(live(seed, *lives, WORST[name]).broken for seed in range(1, 201))

    assert is_found
