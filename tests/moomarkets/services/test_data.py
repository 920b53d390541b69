from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

import moomarkets
from moomarkets.domain.datasets.catalogue import DATASETS
from moomarkets.domain.datasets.equities import LISTED_ISSUES
from moomarkets.domain.errors import InvalidInput, MoomarketsError, StoreError
from moomarkets.system import System
from tests.support.leaks import nothing_left
from tests.support.library import DAY, FIRST_FETCH, LOCAL, Library, bar, library
from tests.support.providers import Providers

NAMES = ["code", "on_date", "open", "high", "low", "close", "upper_limit", "lower_limit", "volume", "turnover",
         "adjustment_factor"]  # fmt: skip


@pytest.fixture
def held(database_url: str) -> Iterator[Library]:
    with nothing_left(), library(database_url) as opened:
        opened.store(*(bar(code, date(2026, 11, day)) for day in (17, 18, 19) for code in ("72030", "13010", "130A0")))
        yield opened


def days(frame: Any) -> list[int]:
    return [day.day for day in frame["on_date"]]


def test_a_frame_has_the_columns_of_its_dataset_in_the_order_of_its_key(held: Library) -> None:
    frame = held.data("daily_bars")

    assert frame.columns == NAMES
    assert frame.rows()[0] == bar("13010", date(2026, 11, 17))[:-1]
    assert frame.select("code", "on_date").rows() == sorted(frame.select("code", "on_date").rows())
    assert frame.height == held.data.count("daily_bars") == 9


@pytest.mark.parametrize(("code", "found"), [
    ("7203", ["72030"]), ("72030", ["72030"]), ("130A", ["130A0"]), (["1301", "72030", "7203"], ["13010", "72030"]),
])  # fmt: skip
def test_four_characters_mean_the_common_share(held: Library, code: str | list[str], found: list[str]) -> None:
    assert sorted(set(held.data("daily_bars", code=code)["code"])) == found


@pytest.mark.parametrize(("start", "end", "found"), [
    ("2026-11-18", None, [18, 19]), (None, date(2026, 11, 18), [17, 18]), ("2026-11-18", "2026-11-18", [18]),
    ("2027-01-01", None, []),
])  # fmt: skip
def test_both_dates_are_included(held: Library, start: Any, end: Any, found: list[int]) -> None:
    assert days(held.data("daily_bars", code="7203", start=start, end=end)) == found


def test_an_empty_frame_has_its_columns_and_types(held: Library) -> None:
    empty, full = held.data("daily_bars", start="2027-01-01"), held.data("daily_bars")

    assert empty.height == 0
    assert empty.schema == full.schema


def test_columns_come_as_they_are_asked_for_with_provenance_too(held: Library) -> None:
    frame = held.data("daily_bars", code="7203", columns=["close", "source", "fetched_at", "execution_id", "on_date"])

    assert frame.columns == ["close", "source", "fetched_at", "execution_id", "on_date"]
    assert frame.row(0) == (3000.0, "jquants", FIRST_FETCH, 1, date(2026, 11, 17))


def test_pandas_and_arrow_hold_the_same(held: Library) -> None:
    pandas, arrow = (ask("daily_bars", code="7203") for ask in (held.data.pandas, held.data.arrow))

    assert list(pandas.columns) == arrow.column_names == NAMES
    assert str(pandas["on_date"].dtype).startswith("datetime64")
    assert pandas["close"].sum() == 9000.0
    assert arrow.num_rows == sum(batch.num_rows for batch in held.data.batches("daily_bars", code="7203")) == 3


def test_each_user_reads_their_own_rows(held: Library) -> None:
    other = "INSERT INTO users (name) VALUES ('other') RETURNING id"
    user_id = held.database.perform(lambda connection: connection.scalar(text(other)))
    held.store(bar("99990"), user_id=user_id)

    assert user_id != LOCAL
    assert "99990" not in set(held.data("daily_bars")["code"])
    with pytest.raises(InvalidInput, match="code: expected"):
        held.data("daily_bars", code="99990")


def test_a_dataset_of_several_sources_needs_one_to_be_named(held: Library) -> None:
    held.store(bar(close=1.0), bar("99990"), source="other")

    with pytest.raises(InvalidInput, match="source: expected one of jquants, other"):
        held.data("daily_bars")
    assert held.data("daily_bars", source="other", code="7203")["close"].to_list() == [1.0]
    with pytest.raises(InvalidInput, match="code: expected one that daily_bars has rows of"):
        held.data("daily_bars", source="jquants", code="99990")
    assert held.data("daily_bars", source="jquants").height == 9


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"dataset": "daily_bar"}, r"dataset: expected one of .*\(did you mean daily_bars\?\), got 'daily_bar'"),
    ({"dataset": None}, "dataset: expected one of .*, got None"),
    ({"code": "7230"}, r"code: expected one that daily_bars has rows of \(did you mean 72030\?\), got '7230'"),
    ({"code": []}, "code: expected at least one code, or None for all, got 'an empty list'"),
    ({"code": 7203}, "code: expected a text .*got 7203"),
    ({"code": "7203'; DROP TABLE daily_bars"}, "code: expected one that daily_bars has rows of"),
    ({"code": "7\0"}, "code: expected a text"),
    ({"columns": ["clsoe"]}, r"column: expected one of .*\(did you mean close\?\), got 'clsoe'"),
    ({"columns": "close"}, "columns: expected a list of some of .*, got 'close'"),
    ({"columns": []}, "columns: expected a list"),
    ({"start": "2024-02-30"}, "start: expected a date such as 2026-11-20, got '2024-02-30'"),
    ({"end": 20241231}, "end: expected a date such as 2026-11-20, got 20241231"),
    ({"start": FIRST_FETCH}, "start: expected a date such as 2026-11-20, got datetime"),
    ({"start": "2026-11-20", "end": "2026-11-19"}, "start: expected a date up to the end, 2026-11-19, got"),
    ({"dataset": "listed_issues", "adjusted": True}, r"adjusted: expected a dataset .*\(daily_bars, .*'listed_issues'"),
    ({"dataset": "trading_calendar", "code": "7203"}, "code: expected none, as trading_calendar is about no single"),
    ({"as_of": "yesterday"}, "as_of: expected a date such as .* or an instant with its offset"),
    ({"as_of": datetime(2026, 11, 20)}, "as_of: expected a date .*, got datetime"),
    ({"source": "jquant"}, r"source: expected one of jquants \(did you mean jquants\?\), got 'jquant'"),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "refusal"), REFUSED, ids=[str(asked) for asked, _ in REFUSED])
def test_what_makes_no_sense_is_refused_in_one_sentence(held: Library, asked: dict[str, Any], refusal: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{refusal}"):
        held.data(**{"dataset": "daily_bars", **asked})


def test_nothing_is_nearest_where_nothing_is_stored(held: Library) -> None:
    with pytest.raises(InvalidInput, match="expected one that listed_issues has rows of; there are none yet, got"):
        held.data("listed_issues", code="7203")


def test_a_date_as_of_means_its_end_in_tokyo(held: Library) -> None:
    held.store(bar(close=1.0), at=datetime.fromisoformat("2026-11-21T00:00+09:00"))

    before, after = (held.data("daily_bars", code="7203", start=DAY, as_of=day) for day in ("2026-11-20", "2026-11-21"))

    assert (before["close"][0], after["close"][0]) == (3000.0, 1.0)


def test_rows_are_the_newest_in_order_and_need_no_frames(held: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("polars", "pyarrow", "adbc_driver_postgresql"):
        monkeypatch.setitem(sys.modules, package, None)

    rows = held.data.rows("daily_bars", limit=4, columns=["on_date", "close"])

    assert [row["on_date"].day for row in rows] == [19, 19, 18, 19]
    with pytest.raises(MoomarketsError, match=r"expected the package \w+, got none; install it with pip install"):
        held.data("daily_bars")


def test_the_datasets_are_listed_with_what_there_is_of_them(held: Library) -> None:
    held.store(dataset=LISTED_ISSUES)

    found = {holding.name: holding for holding in held.data.datasets()}

    assert list(found) == list(DATASETS)
    bars = found["daily_bars"]
    assert (bars.rows, bars.first_on, bars.last_on, bars.fetched_at) == (9, date(2026, 11, 17), DAY, FIRST_FETCH)
    assert (found["listed_issues"].rows, found["listed_issues"].first_on) == (0, None)


def test_a_description_tells_every_column(held: Library) -> None:
    described = held.data.describe("daily_bars")

    assert "adjustment_factor  double precision" in str(described)
    assert [name for name, _, _ in described.columns] == [*NAMES, "extra", "source", "execution_id", "fetched_at"]


def test_the_history_of_a_row_tells_what_changed_when_and_by_whom(held: Library) -> None:
    second, third = (FIRST_FETCH + timedelta(days=number) for number in (1, 2))
    held.store(bar(close=3001.0), at=second)
    held.store(bar(close=3001.0, factor=0.5), at=third)

    versions = held.data.history("daily_bars", code="7203", on="2026-11-19")

    spans = [(version.from_at, version.until_at, version.execution_id) for version in versions]
    assert spans == [(FIRST_FETCH, second, 1), (second, third, 2), (third, None, 3)]
    assert versions[1].changed == dict.fromkeys(("open", "high", "low", "close"), (3000.0, 3001.0))
    assert (versions[0].changed, versions[2].changed) == ({}, {"adjustment_factor": (1.0, 0.5)})
    assert (versions[0].key, versions[2].row["close"]) == ({"code": "72030", "on_date": DAY}, 3001.0)


def test_without_a_date_the_history_is_of_what_was_ever_corrected(held: Library) -> None:
    held.store(bar("13010", close=1.0), at=FIRST_FETCH + timedelta(days=1))

    assert [version.key["code"] for version in held.data.history("daily_bars")] == ["13010", "13010"]
    assert held.data.history("daily_bars", code="7203") == []
    assert len(held.data.history("daily_bars", code="7203", on=DAY)) == 1


def test_a_system_and_a_script_beside_it_read_the_same(system: System, simulated: Providers, tmp_path: Any) -> None:
    for group in ("reference", "daily-bars"):
        system.groups.run(group).wait(timeout_s=60)

    with moomarkets.open_data(system.settings) as data:
        beside = data("daily_bars", code="9901", adjusted=True)

    assert beside.height > 0
    assert beside.equals(system.data("daily_bars", code="9901", adjusted=True))


def test_what_cannot_be_opened_leaves_nothing_behind(tmp_path: Any) -> None:
    settings = moomarkets.Settings(
        database_url=moomarkets.Secret("postgresql://a:hunter2@127.0.0.1:1/x"), data_dir=tmp_path
    )

    with nothing_left(), pytest.raises(StoreError) as raised:
        moomarkets.open_data(settings)

    assert "hunter2" not in str(raised.value)
