from __future__ import annotations

from datetime import date, timedelta

import pytest

from moomarkets.domain.coverage import Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.quality import Jump
from moomarkets.store import comparisons, coverage, datasets
from moomarkets.store.comparisons import Jumps, Neighbour
from moomarkets.store.coverage import Owner
from tests.moomarkets.store.scene import LOCAL, START, Scene

DAY = date(2026, 11, 19)
BEFORE, AFTER = DAY - timedelta(days=1), DAY + timedelta(days=1)
JUMP = Jump(factor="adjustment_factor")
Closes = dict[str, tuple[float | None, float]]


def batch(day: date, closes: Closes) -> Batch:
    """Close and factor by code."""
    rows = [
        (code, day, 1.0, 2.0, 0.5, close, "0", "0", 9.0, 9.0, factor, None) for code, (close, factor) in closes.items()
    ]
    return Batch(DAILY_BARS, list(rows))


def store(scene: Scene, day: date, closes: Closes) -> None:
    owner = Owner(LOCAL, scene.source_id)
    scene.do(datasets.upsert, batch(day, closes), owner, execution_id=1, fetched_at=START)


def jumped(scene: Scene, closes: Closes) -> Jumps | None:
    """What is found while these are stored as those of `DAY`."""
    owner, seen = Owner(LOCAL, scene.source_id), list[Jumps]()
    with scene.database.transaction() as connection:
        beside = comparisons.neighbour(connection, owner, DAILY_BARS, DAY)
        if beside is not None:
            datasets.upsert(
                connection, batch(DAY, closes), owner, execution_id=2, fetched_at=START,
                look=lambda now, rows: seen.append(comparisons.jumps(now, owner, DAILY_BARS, JUMP, beside, DAY, rows)),
            )  # fmt: skip
    return seen[0] if seen else None


@pytest.mark.parametrize(
    ("before", "now", "factor", "is_jump"),
    [
        (1000.0, 100_000.0, 1.0, True),
        (1000.0, 10.0, 1.0, True),
        (1000.0, 5000.0, 1.0, True),
        (1000.0, 4999.0, 1.0, False),
        (1000.0, 100.0, 0.1, False),  # a split by ten
        (100.0, 1000.0, 10.0, False),  # ten shares become one
        (1000.0, 100.0, 1.0, True),  # the same split without its factor
        (1000.0, 1000.0, 0.0, False),  # no factor counts as 1
        (2.0, 80.0, 1.0, False),  # within the daily limit of what costs next to nothing
    ],
)
def test_a_close_jumps_against_the_day_before_but_for_its_factor(
    before: float, now: float, factor: float, is_jump: bool, scene: Scene
) -> None:
    store(scene, BEFORE, {"72030": (before, 1.0), "13010": (1.0, 1.0), "99990": (None, 1.0)})

    found = jumped(scene, {"72030": (now, factor), "13010": (1.0, 1.0), "99990": (7.0, 1.0), "130A0": (7.0, 1.0)})

    assert found == Jumps(2, int(is_jump), ("72030",) if is_jump else ())


def test_without_a_day_before_the_one_after_is_compared_by_its_own_factor(scene: Scene) -> None:
    store(scene, AFTER, {"72030": (500.0, 0.1), "13010": (500.0, 1.0)})

    found = jumped(scene, {"72030": (5000.0, 1.0), "13010": (5000.0, 1.0)})

    assert found == Jumps(2, 1, ("13010",))


def test_a_day_that_is_far_away_is_no_neighbour_and_the_nearest_before_goes_first(scene: Scene) -> None:
    owner = Owner(LOCAL, scene.source_id)
    store(scene, DAY - timedelta(days=15), {"72030": (1.0, 1.0)})

    assert scene.do(comparisons.neighbour, owner, DAILY_BARS, DAY) is None
    store(scene, AFTER, {"72030": (1.0, 1.0)})
    assert scene.do(comparisons.neighbour, owner, DAILY_BARS, DAY) == Neighbour(AFTER, is_before=False)
    store(scene, BEFORE, {"72030": (1.0, 1.0)})
    assert scene.do(comparisons.neighbour, owner, DAILY_BARS, DAY) == Neighbour(BEFORE, is_before=True)
    assert scene.do(comparisons.neighbour, Owner(LOCAL + 1, scene.source_id), DAILY_BARS, DAY) is None


def test_usual_are_the_counts_of_the_nearest_days_without_the_day_itself_and_empty_ones(scene: Scene) -> None:
    owner = Owner(LOCAL, scene.source_id)
    for offset in range(-15, 16):
        day = DAY + timedelta(days=offset)
        covered = Covered("ALL", day, day, START)
        rows = 0 if offset == 1 else 100 + abs(offset)
        scene.do(coverage.record, owner, "daily_bars", covered, rows=rows, pages=1, execution_id=1)

    usual = scene.do(comparisons.usual_counts, owner, "daily_bars", "ALL", DAY)

    assert len(usual) == 20
    assert (usual[0], max(usual), 100 in usual) == (101, 111, False)
