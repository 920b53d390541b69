"""Every path serves rows with exactly the documented fields, in their order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.jquants.catalogue import ADDONS, DATA_SETS
from datasources.simulators.jquants.fields import FIELDS
from tests.datasources.simulators.jquants.asking import GENEROUS, rows

# A query for each path that finds something, with the clock on the evening of 2026-11-13.
QUERIES: dict[str, dict[str, str]] = {
    "/equities/master": {},
    "/equities/bars/daily": {"date": "20261113"},
    "/equities/bars/daily/am": {},
    "/equities/bars/minute": {"date": "2026-11-13"},
    "/equities/valuation": {"code": "9901", "from_": "2026-11-01", "to": "2026-11-13"},
    "/equities/investor-types": {"section": "TSEPrime", "from_": "2026-10-01", "to": "2026-11-13"},
    "/equities/earnings-calendar": {},
    "/fins/earnings-date": {"scheduled_date": "2026-11-13"},
    "/fins/summary": {"date": "20261113"},
    "/fins/details": {"date": "20261113"},
    "/fins/dividend": {"date": "20261113"},
    "/markets/calendar": {"from_": "20261101", "to": "20261130"},
    "/markets/margin-interest": {"published_date": "2026-11-13"},
    "/markets/margin-alert": {"date": "2026-11-13"},
    "/markets/short-ratio": {"s33": "0050", "from_": "2026-11-02", "to": "2026-11-13"},
    "/markets/short-sale-report": {"disc_date": "2026-11-13"},
    "/markets/breakdown": {"date": "2026-11-13"},
    "/indices/bars/daily": {"date": "2026-11-13"},
    "/indices/bars/daily/topix": {"from_": "2026-11-01"},
    "/derivatives/bars/daily/futures": {"date": "2026-11-12"},
    "/derivatives/bars/daily/options": {"date": "2026-11-12"},
    "/derivatives/bars/daily/options/225": {"date": "2026-11-12"},
    "/edinet/major-shareholders": {"code": "99010"},
    "/edinet/cross-shareholdings": {"edinet_code": "E00001"},
    "/edinet/large-volume-shareholders": {"code": "99010"},
    "/td/list": {"date": "2026-11-13"},
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    with JQuantsSimulator("premium", today=date(2026, 11, 13), limit=GENEROUS, issues=150, addons=ADDONS) as simulator:
        yield simulator


@pytest.mark.parametrize("path", QUERIES)
def test_a_path_serves_rows_with_the_documented_fields(simulator: JQuantsSimulator, path: str) -> None:
    found = rows(simulator, path, **QUERIES[path])

    assert found
    assert {tuple(row) for row in found} == {FIELDS[path]}


def test_every_path_with_rows_is_looked_at() -> None:
    served = {path for path, data_set in DATA_SETS.items() if not data_set.is_only_file}

    assert served | {"/equities/earnings-calendar"} == set(QUERIES)
