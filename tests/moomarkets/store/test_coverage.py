from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random

import pytest

from moomarkets.domain.coverage import Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.markets import TRADING_CALENDAR
from moomarkets.store import coverage, datasets
from moomarkets.store.coverage import Owner
from tests.moomarkets.store.scene import LOCAL, START, Scene, after

DAY = date(2026, 11, 19)


def record(scene: Scene, covered: Covered, rows: int = 1, dataset: str = "daily_bars") -> None:
    owner = Owner(LOCAL, scene.source_id)
    scene.do(coverage.record, owner, dataset, covered, rows=rows, pages=1, execution_id=1)


def test_what_was_fetched_is_read_back_per_dataset_and_owner(scene: Scene) -> None:
    covered = Covered("ALL", DAY, DAY, START)
    record(scene, covered)

    assert scene.do(coverage.read, Owner(LOCAL, scene.source_id), "daily_bars") == [covered]
    assert scene.do(coverage.read, Owner(LOCAL, scene.source_id), "listed_issues") == []
    assert scene.do(coverage.read, Owner(LOCAL + 1, scene.source_id), "daily_bars") == []


def test_a_partition_that_is_fetched_again_is_kept_once_with_the_newer_time(scene: Scene) -> None:
    record(scene, Covered("AAPL", DAY, DAY, START))

    record(scene, Covered("AAPL", DAY, date(2026, 11, 20), after(60)))

    owner = Owner(LOCAL, scene.source_id)
    assert scene.do(coverage.read, owner, "daily_bars") == [Covered("AAPL", DAY, date(2026, 11, 20), after(60))]


def test_an_empty_answer_is_covered_too(scene: Scene) -> None:
    record(scene, Covered("ALL", DAY, DAY, START), rows=0)

    assert len(scene.do(coverage.read, Owner(LOCAL, scene.source_id), "daily_bars")) == 1
    assert scene.one("SELECT status, source FROM v_coverage") == ("empty", "sim")


def test_what_failed_or_lies_out_of_reach_is_not_covered(scene: Scene) -> None:
    record(scene, Covered("ALL", DAY, DAY, START))

    for status in ("failed", "out_of_window"):
        scene.execute("UPDATE coverage SET status = :status", status=status)
        assert scene.do(coverage.read, Owner(LOCAL, scene.source_id), "daily_bars") == []


def test_the_stored_calendar_is_read_by_date(scene: Scene) -> None:
    owner = Owner(LOCAL, scene.source_id)
    batch = Batch(TRADING_CALENDAR, [(DAY, "1", None), (date(2026, 11, 23), "3", None)])
    scene.do(datasets.upsert, batch, owner, execution_id=1, fetched_at=START)

    assert scene.do(coverage.calendar, owner) == {DAY: "1", date(2026, 11, 23): "3"}
    assert scene.do(coverage.calendar, Owner(LOCAL + 1, scene.source_id)) == {}


@pytest.mark.parametrize("seed", range(6))
def test_partitions_of_a_key_never_overlap_and_the_newest_fetch_of_each_day_counts(scene: Scene, seed: int) -> None:
    chance, newest = Random(seed), dict[date, datetime]()

    for step in range(12):
        first = DAY + timedelta(days=chance.randrange(20))
        covered = Covered("ALL", first, first + timedelta(days=chance.randrange(8)), after(60 * step))
        record(scene, covered)
        newest |= dict.fromkeys(_days(covered), covered.fetched_at)

    stored = scene.do(coverage.read, Owner(LOCAL, scene.source_id), "daily_bars")
    assert sum(len(_days(part)) for part in stored) == len(newest)
    assert {day: part.fetched_at for part in stored for day in _days(part)} == newest


def _days(covered: Covered) -> list[date]:
    return [covered.from_on + timedelta(days=n) for n in range((covered.to_on - covered.from_on).days + 1)]
