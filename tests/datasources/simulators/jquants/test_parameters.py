"""Which parameters go together, path by path, and what is answered to those that do not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.jquants.catalogue import ADDONS
from tests.datasources.simulators.jquants.asking import GENEROUS, ask, rows

BY_CODE_OR_DATE = (
    *("/equities/bars/daily", "/equities/bars/minute", "/fins/summary", "/fins/details"),
    *("/fins/dividend", "/markets/margin-alert", "/markets/breakdown", "/markets/margin-interest"),
    *("/indices/bars/daily", "/td/list"),
)


OTHER_DAYS = (
    *(("/equities/master", "date"), ("/fins/earnings-date", "date"), ("/fins/earnings-date", "scheduled_date")),
    *(("/markets/margin-interest", "published_date"), ("/markets/calendar", "from"), ("/markets/calendar", "to")),
    *(("/markets/short-sale-report", "disc_date"), ("/markets/short-sale-report", "calc_date")),
    *(("/derivatives/bars/daily/futures", "date"), ("/edinet/major-shareholders", "date"), ("/td/list", "date")),
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[JQuantsSimulator]:
    with JQuantsSimulator("premium", today=date(2026, 11, 13), limit=GENEROUS, issues=40, addons=ADDONS) as simulator:
        yield simulator


@pytest.mark.parametrize("path", BY_CODE_OR_DATE)
def test_one_of_code_and_date_is_needed_and_an_empty_one_is_none(simulator: JQuantsSimulator, path: str) -> None:
    status, content = ask(simulator, path, code="", date="", from_="2026-11-02", to="2026-11-13", unknown="x")

    assert status == 400
    assert content["message"].startswith("This API requires at least 1 parameter as follows; date, code")


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/fins/earnings-date", {}, "code, date, scheduled_date"),
        ("/fins/earnings-date", {"code": "9901", "date": "20261001"}, "cannot be specified at the same time"),
        ("/markets/margin-interest", {"published_date": "20261113", "date": "20261112"}, "at the same time"),
        ("/markets/short-ratio", {"from": "20261101"}, "date, s33"),
        ("/markets/short-sale-report", {"disc_date_from": "20261101"}, "code, disc_date, calc_date"),
        ("/derivatives/bars/daily/futures", {"category": "TOPIXF"}, "follows; date"),
        ("/derivatives/bars/daily/options/225", {}, "follows; date"),
        ("/edinet/major-shareholders", {"code": "9901", "edinet_code": "E00001"}, "'edinet_code' and 'code'"),
        ("/td/list", {"code": "9901", "date": "20261113"}, "'date' and 'code'"),
        ("/td/list", {"code": "9901", "from": "20261101"}, "from, to"),
        ("/td/files", {}, "discNo"),
        ("/td/files", {"discNo": "20261113000000"}, "does not exist"),
        ("/bulk/list", {}, "endpoint, date"),
        ("/bulk/list", {"endpoint": "/fins/summary", "date": "20261113"}, "'endpoint' and 'date'"),
        ("/bulk/list", {"endpoint": "/edinet/major-shareholders"}, "'endpoint' must be"),
        ("/bulk/get", {"endpoint": "/fins/summary"}, "key, endpoint+date"),
        ("/bulk/get", {"key_": "a", "date": "2026-10"}, "'key' and"),
        ("/bulk/get", {"key_": "no/such/key.csv.gz"}, "does not exist"),
        ("/fins/summary", {"date": "20261113", "cursor": "garbage"}, "cursor"),
        ("/fins/summary", {"code": "9901", "date": "20261113", "cursor": "x"}, "cursor"),
        ("/equities/valuation", {}, "follows; date, code"),
        ("/equities/valuation", {"from": "20261101", "to": "20261113"}, "follows; code"),
        ("/markets/calendar", {"from": "20261113", "to": "20261101"}, "'from' must be older"),
        ("/markets/breakdown", {"code": "x"}, "4 or 5 characters"),
        ("/indices/bars/daily/topix", {"from": "20240230"}, "must be a date"),
    ],
)
def test_what_does_not_go_together_is_a_400(
    simulator: JQuantsSimulator, path: str, query: dict[str, str], words: str
) -> None:
    status, content = ask(simulator, path, **query)

    assert (status, words in content["message"]) == (400, True), content


@pytest.mark.parametrize("path", ["/equities/bars/daily", "/markets/margin-interest", "/equities/valuation"])
def test_both_forms_of_codes_and_dates_find_the_same(simulator: JQuantsSimulator, path: str) -> None:
    long = rows(simulator, path, code="99010", date="2026-11-12")

    assert len(long) == 1
    assert long == rows(simulator, path, code="9901", date="20261112")


@pytest.mark.parametrize("day", ["00010101", "00010102", "99991230", "99991231"])
def test_the_first_and_last_days_of_all_are_dates_too(simulator: JQuantsSimulator, day: str) -> None:
    asked = [*((path, "date") for path in BY_CODE_OR_DATE), *OTHER_DAYS]
    answers = {(path, name): ask(simulator, path, **{name: day})[0] for path, name in asked}

    assert {query: status for query, status in answers.items() if status not in (200, 400)} == {}


def test_four_characters_mean_the_common_share(simulator: JQuantsSimulator) -> None:
    assert rows(simulator, "/equities/bars/daily", code="9902", date="20261113") == []
    assert rows(simulator, "/equities/bars/daily", code="99025", date="20261113")[0]["Code"] == "99025"


def test_a_code_alone_is_its_whole_history_and_a_range_a_part_of_it(simulator: JQuantsSimulator) -> None:
    whole = rows(simulator, "/markets/margin-alert", code="13010")
    part = rows(simulator, "/markets/margin-alert", code="13010", from_="2026-11-02", to="2026-11-06")

    assert [row["PubDate"] for row in part] == ["2026-11-02", "2026-11-04", "2026-11-05", "2026-11-06"]
    assert whole[0]["PubDate"] == "2008-05-08"
    assert [row for row in whole if row in part] == part


def test_a_date_goes_before_a_range(simulator: JQuantsSimulator) -> None:
    found = rows(simulator, "/indices/bars/daily", code="0000", date="20261113", from_="20261101", to="20261110")

    assert [row["Date"] for row in found] == ["2026-11-13"]


def test_positions_are_found_by_the_day_that_they_are_about(simulator: JQuantsSimulator) -> None:
    by_disclosure = rows(simulator, "/markets/short-sale-report", disc_date="20261113")

    assert by_disclosure
    assert rows(simulator, "/markets/short-sale-report", calc_date="2026-11-11") == by_disclosure
    code = by_disclosure[0]["Code"]
    found = rows(simulator, "/markets/short-sale-report", code=code, disc_date_from="20261101", disc_date_to="20261113")
    assert by_disclosure[0] in found


def test_contracts_are_narrowed_by_category_flag_and_underlying(simulator: JQuantsSimulator) -> None:
    central = rows(simulator, "/derivatives/bars/daily/futures", date="20261112", category="TOPIXF", contract_flag="1")
    single = rows(simulator, "/derivatives/bars/daily/options", date="20261112", category="EQOP", code="7203")

    assert [(row["ProdCat"], row["CCMFlag"]) for row in central] == [("TOPIXF", "1")]
    assert {row["UndSSO"] for row in single} == {"72030"}
    assert {row["PCDiv"] for row in single} == {"1", "2"}


def test_items_of_disclosures_are_all_asked_for_together(simulator: JQuantsSimulator) -> None:
    codes = ("13010", "13030", "13050", "13070", "13090")
    corrected = [row for code in codes for row in rows(simulator, "/td/list", code=code, discItems="10010,90010")]

    assert corrected
    assert all(row["DiscItems"] == ["10010", "90010"] for row in corrected)
