"""Bulk files and papers: keys, sizes, content, addresses that run out."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from datetime import datetime
from typing import Any

import pytest

from datasources.simulators.faults import Fault
from datasources.simulators.jquants.catalogue import ADDONS, FILE_PATHS
from datasources.simulators.jquants.fields import FIELDS
from tests.datasources.simulators.jquants.asking import ask, at, fetch, rows

EVENING = "2026-11-13T20:00"


def listed(simulator: Any, **query: str) -> list[dict[str, Any]]:
    status, content = ask(simulator, "/bulk/list", **query)
    assert status == 200, content
    found: list[dict[str, Any]] = content["data"]
    return found


def downloaded(simulator: Any, key: str) -> bytes:
    _, content = ask(simulator, "/bulk/get", key_=key)
    status, body = fetch(simulator, content["url"])
    assert status == 200
    return body


def lines(packed: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(gzip.decompress(packed).decode())))


@pytest.mark.parametrize("path", FILE_PATHS)
def test_a_file_has_the_size_that_is_listed_and_a_row_per_row(path: str) -> None:
    with at(EVENING, issues=40, addons=ADDONS) as simulator:
        month = listed(simulator, endpoint=path, from_="2026-10", to="2026-10")
        packed = downloaded(simulator, month[0]["Key"])

    name = path.strip("/").replace("/", "_").replace("-", "_")
    assert [row["Key"] for row in month] == [f"{path[1:]}/historical/2026/{name}_202610.csv.gz"]
    assert len(packed) == month[0]["Size"]
    assert lines(packed)[0] == list(FIELDS[path])
    assert len(lines(packed)) > 1


def test_a_big_file_has_the_size_that_is_listed_too() -> None:
    with at(EVENING, issues=300, addons=ADDONS) as simulator:
        for path in ("/equities/bars/daily", "/fins/summary", "/fins/earnings-date", "/derivatives/bars/daily/options"):
            (month,) = listed(simulator, endpoint=path, from_="2026-10", to="2026-10")
            assert len(downloaded(simulator, month["Key"])) == month["Size"], path


def test_a_file_of_bars_holds_what_the_json_held_when_it_was_written() -> None:
    with at(EVENING, "light", issues=40) as simulator:
        (month,) = listed(simulator, endpoint="/equities/bars/daily", from_="202610", to="202610")
        found = lines(downloaded(simulator, month["Key"]))
        day = rows(simulator, "/equities/bars/daily", date="20261001")

    of_day = [dict(zip(found[0], line, strict=True)) for line in found[1:] if line[0] == "2026-10-01"]
    assert len(found[0]) == 16
    assert of_day == [{name: "" if value is None else str(value) for name, value in row.items()} for row in day]


def test_the_days_of_this_month_are_single_files_and_those_of_the_last_one_for_a_week() -> None:
    def days(instant: str) -> list[str]:
        with at(instant, "light", issues=9) as simulator:
            keys = [row["Key"] for row in listed(simulator, endpoint="/equities/bars/daily", from_="2026-10")]
        return [key.rsplit("_", 1)[1].split(".")[0] for key in keys]

    assert days("2026-11-05T20:00")[:3] == ["202610", "20261001", "20261002"]
    assert days("2026-11-13T16:34")[-1] == "20261112"
    assert days("2026-11-13T16:35") == ["202610", *(f"202611{day:02d}" for day in (2, 4, 5, 6, 9, 10, 11, 12, 13))]


def test_a_day_lists_all_that_the_plan_may_read() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        light = {row["Key"].partition("/live")[0] for row in listed(simulator, date="2026-11-13")}
    with at(EVENING, issues=60, addons=ADDONS) as simulator:
        premium = {row["Key"].partition("/live")[0] for row in listed(simulator, date="20261112")}

    assert light == {
        *("equities/bars/daily", "equities/valuation", "equities/master", "indices/bars/daily/topix"),
    }
    assert premium > light
    assert {"equities/trades", "equities/bars/minute", "markets/breakdown"} <= premium


def test_an_address_is_good_for_five_minutes_and_needs_no_key() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        _, content = ask(simulator, "/bulk/get", endpoint="/equities/bars/daily", date="2026-10")
        simulator.clock.advance(299)
        good, packed = fetch(simulator, content["url"])
        simulator.clock.advance(1)
        late, refusal = fetch(simulator, content["url"])
        forged, _ = fetch(simulator, content["url"].replace("signature=", "signature=0"))

    assert (good, late, forged) == (200, 403, 403)
    assert packed.startswith(b"\x1f\x8b")
    assert refusal.startswith(b"<?xml")
    assert b"<Message>Request has expired</Message>" in refusal


def test_an_address_runs_out_on_order() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        _, content = ask(simulator, "/bulk/get", endpoint="/equities/bars/daily", date="20261113")
        simulator.faults.add(Fault("expired_url"))
        statuses = [fetch(simulator, content["url"])[0] for _ in range(2)]

    assert statuses == [403, 200]


def test_the_newest_files_are_those_of_their_publication() -> None:
    with at(EVENING, "light", issues=9) as simulator:
        month, *_, day = listed(simulator, endpoint="/equities/bars/daily", from_="2026-10")

    assert (month["LastModified"], day["LastModified"]) == ("2026-11-02T08:10:00.000Z", "2026-11-13T07:35:00.000Z")


def test_a_factor_that_the_service_corrected_moves_the_file_of_its_month() -> None:
    def modified(instant: str) -> str:
        with at(instant, "light", issues=9) as simulator:
            (month,) = listed(simulator, endpoint="/equities/bars/daily", from_="2026-05", to="2026-05")
        return str(month["LastModified"])

    assert modified("2026-06-28T20:00") == "2026-06-01T08:10:00.000Z"
    assert modified("2026-06-29T20:00") == "2026-06-29T08:10:00.000Z"


def test_the_documents_of_a_disclosure_are_a_pdf_and_a_zip() -> None:
    with at(EVENING, "light", addons=["tdnet"], issues=60) as simulator:
        paper = next(row for row in rows(simulator, "/td/list", code="99010") if row["Docs"] == ["g", "s", "x"])
        _, content = ask(simulator, "/td/files", discNo=paper["DiscNo"])
        _, only = ask(simulator, "/td/files", discNo=paper["DiscNo"], docs="x")
        pdf, xbrl = (fetch(simulator, content["files"][name])[1] for name in ("pdf", "xbrl"))
        simulator.clock.advance(900)
        late, _ = fetch(simulator, content["files"]["pdf"])

    assert (content["discNo"], list(content["files"])) == (paper["DiscNo"], ["pdf", "summaryPdf", "xbrl"])
    assert list(only["files"]) == ["xbrl"]
    assert pdf.startswith(b"%PDF-1.4")
    assert zipfile.ZipFile(io.BytesIO(xbrl)).testzip() is None
    assert late == 403


def test_the_index_of_disclosures_is_one_file() -> None:
    with at(EVENING, "light", addons=["tdnet"], issues=20) as simulator:
        _, content = ask(simulator, "/td/bulk")
        found = lines(fetch(simulator, content["url"])[1])

    assert found[0] == list(FIELDS["/td/list"])
    assert len(found) > 100
    assert datetime.fromisoformat(content["lastUpdated"]) == datetime.fromisoformat("2026-11-13T20:00:00+09:00")
