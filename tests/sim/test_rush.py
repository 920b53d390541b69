"""A rush for permits: whatever goes wrong no window overflows, nothing is lost, nobody starves, little is wasted."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Endpoint
from moomarkets.store.database import Database
from tests.sim.engine import SimToken
from tests.sim.ground import ground
from tests.sim.rush import NO_ROWS, Limits, Rush
from tests.sim.rush_faults import PLANTS, storm

Ground = tuple[Database, psycopg.Connection]

LIMITS = Limits(
    (Window(4, 10), Window(15, 60)),
    {"bulk": (Window(3, 30),), "ticks": (Window(3, 20),)},
    apart=frozenset({"ticks"}),
)
WANTS = ("bars", "bars", "bars", "bars", "bars", "bulk", "bulk", "ticks", "ticks", "ticks", "ticks")
STORM_S = 200.0
WORST = {
    "frees_a_window_after_the_send": ["drag"],
    "forgets_at_restart": ["kill"],
    "is_a_bucket_that_refills": ["drag"],
}
"""Faults that leave each planted mistake room to show; the first two do nothing but to the limiter's own pace."""


@pytest.fixture(scope="session")
def place() -> Iterator[Ground]:
    with ground() as here:
        yield here


@pytest.mark.parametrize("seed", range(1, 17))
def test_no_window_ever_overflows_whatever_goes_wrong(place: Ground, seed: int) -> None:
    rush = Rush(seed, *place, LIMITS, nodes=1 + seed % 3, wants=WANTS, latency=(0.0, 6.0), dawdle_s=0.2)

    storm(rush, STORM_S)
    rush.close()

    assert rush.overflows() == []
    assert len(rush.ledger.arrivals) > 10


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_mistake_makes_a_window_overflow(place: Ground, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, attribute, mistake in PLANTS[name]():
        monkeypatch.setattr(owner, attribute, mistake)
    rush = Rush(1, *place, LIMITS, wants=WANTS, latency=(0.0, 6.0))

    storm(rush, STORM_S, WORST[name])
    rush.close()

    assert rush.overflows() != []


@pytest.mark.parametrize("count", [5, 60, 120])
def test_a_saturated_minute_is_used_to_98_percent_though_answers_take_up_to_a_second(place: Ground, count: int) -> None:
    window = Window(count, 60)
    rush = Rush(1, *place, Limits((window,)), wants=["bars"] * min(count, 40), deadline_s=60.0)

    rush.world.run_for(600)
    rush.close()

    assert rush.overflows() == []
    assert rush.ledger.used_share(window) >= 0.98


@pytest.mark.parametrize("seed", range(1, 7))
def test_no_permit_is_lost_and_none_is_granted_to_the_dead(place: Ground, seed: int) -> None:
    """O10, O11: limiters die and waiters give up; every permit that is left belongs to a request that was sent."""
    rush = Rush(seed, *place, LIMITS, wants=WANTS, latency=(0.0, 2.0))

    storm(rush, STORM_S, ["kill", "crash", "cancel", "lose", "repeat"])
    rush.is_over = True
    for token in list(rush.nodes[0].waiting):
        token.cancel()
    rush.world.run_for(60)
    kept, unended = rush.permits(), rush.permits("done_at IS NULL")
    rush.close()

    assert unended == 0
    assert kept <= len(rush.ledger.arrivals)


def test_the_least_urgent_is_served_although_urgent_ones_keep_coming(place: Ground) -> None:
    rush = Rush(1, *place, Limits((Window(5, 60),)), wants=["bars"] * 20, deadline_s=60.0, priority=10)
    node, served_s = rush.nodes[0], list[float]()
    rush.world.run_for(300)

    def wait() -> None:
        token = SimToken(node.runtime, CancelToken())
        token.priority = 1
        with node.gate.permit(Endpoint("bars", "/bars", NO_ROWS), token) as permit:
            served_s.append(rush.world.now_s - 300)
            permit.unsent()

    node.runtime.spawn(wait, "the least urgent")
    rush.world.run_for(1000)
    rush.close()

    # Nine steps of priority are worth nine minutes; then those go first who had come before.
    assert 9 * 60 <= served_s[0] <= 9 * 60 + 20 * 13
