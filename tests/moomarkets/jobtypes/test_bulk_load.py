from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date

import pytest

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT
from moomarkets.domain.bulk import BulkFile
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import AttemptError, BadAnswer, Reason
from moomarkets.jobtypes.bulk_fetch import BulkFetch
from moomarkets.jobtypes.bulk_load import BulkLoad
from moomarkets.store import coverage, quarantine
from moomarkets.store.quarantine import Captive
from tests.datasources.support import jquants_client
from tests.moomarkets.jobtypes.bulk_house import DAYS, MONTH, NOW, House
from tests.moomarkets.store.scene import Scene

FILE = BulkFile("k", 1, NOW, MONTH)
GOOD = {"open": 1.0, "high": 1.0, "low": 1.0, "close": 1.0, "volume": 100.0, "turnover": 100.0}


@pytest.fixture
def house(scene: Scene) -> Iterator[House]:
    with closing(jquants_client("http://127.0.0.1:9")) as client:
        yield House(scene, client)


def begun(house: House, part_bytes: int = 1_000_000) -> BulkLoad:
    """A load that has begun to read the file of the month."""
    attempt = house.attempt(BulkFetch("daily_bars", MONTH, DAYS).job("month", "bulk", "month"))
    load = BulkLoad(DAILY_BARS_ENDPOINT, attempt, house.tools, house.owner.source_id, part_bytes)
    load.begin(FILE, DAYS)
    return load


def bar(day: date, **values: object) -> tuple[object, ...]:
    given: dict[str, object] = {"code": "72030", "on_date": day, **GOOD, **values}
    return tuple(given.get(name) for name in DAILY_BARS.column_names)


def test_a_part_that_is_stored_ahead_does_not_replace_what_somebody_has_fetched_meanwhile(house: House) -> None:
    load = begun(house, part_bytes=1)
    load.add(Batch(DAILY_BARS, [bar(DAYS[0])]))
    whole = Covered(ALL, DAYS[0], DAYS[0], house.clock.advance(60) or house.clock.now())
    house.scene.do(coverage.record, house.owner, "daily_bars", whole, rows=1, pages=1, execution_id=1)

    with pytest.raises(AttemptError, match="expected nobody else to fetch these days meanwhile") as raised:
        load.add(Batch(DAILY_BARS, [bar(DAYS[1])]))

    assert raised.value.reason is Reason.PARTIAL
    assert house.value("SELECT count(*) FROM daily_bars") == 0


def test_the_strange_rows_of_a_file_are_on_record_by_day(house: House) -> None:
    load = begun(house)

    load.add(Batch(DAILY_BARS, [bar(DAYS[0]), bar(DAYS[1], open=5.0)]))
    house.scene.do(load.finish)

    assert house.value("SELECT array_agg(DISTINCT from_on) FROM findings") == [DAYS[1]]


def test_an_open_answer_in_quarantine_is_dismissed_when_a_file_brings_its_day(house: House) -> None:
    for day in (DAYS[0], date(2026, 11, 2)):
        captive = Captive("daily_bars", "daily_bars", Covered(ALL, day, day, NOW), "schema", "odd", [b"{}"], 1)
        house.scene.do(quarantine.keep, house.owner, captive, NOW)
    load = begun(house)
    load.add(Batch(DAILY_BARS, [bar(DAYS[0])]))

    house.scene.do(load.finish)

    assert house.value("SELECT array_agg(status ORDER BY from_on) FROM quarantine") == ["dismissed", "open"]


def test_a_file_with_text_where_numbers_belong_is_not_stored(house: House) -> None:
    load = begun(house)

    with pytest.raises(BadAnswer, match="numbers: expected finite numbers, got 2 other values"):
        load.add(Batch(DAILY_BARS, [], warnings={"odd_numbers": 2}))


def test_a_trading_day_of_which_the_file_has_no_rows_or_too_few_stays_missing(house: House) -> None:
    days = [date(2026, 10, day) for day in (1, 2, 5, 6, 7, 8, 9, 12)]
    attempt = house.attempt(BulkFetch("daily_bars", MONTH, tuple(days)).job("month", "bulk", "month"))
    load = BulkLoad(DAILY_BARS_ENDPOINT, attempt, house.tools, house.owner.source_id)
    load.begin(FILE, days)
    counts = {days[0]: 0, days[1]: 4, **dict.fromkeys(days[2:7], 30)}

    load.add(Batch(DAILY_BARS, [bar(day, code=f"{10000 + n}") for day, count in counts.items() for n in range(count)]))
    house.scene.do(load.finish)

    # The last one is a holiday: it is empty, and known to be.
    assert set(house.covered()) == set(days[2:])
