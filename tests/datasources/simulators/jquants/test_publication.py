"""When what comes out: nothing is served before its time on the simulator's clock."""

from __future__ import annotations

import pytest

from tests.datasources.simulators.jquants.asking import ask, at, rows

FRIDAY = "2026-11-13"


@pytest.mark.parametrize(
    ("path", "query", "before", "out"),
    [
        ("/equities/valuation", {"date": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/equities/bars/minute", {"date": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/markets/margin-alert", {"date": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/markets/short-ratio", {"date": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/markets/short-sale-report", {"disc_date": FRIDAY}, f"{FRIDAY}T17:29", f"{FRIDAY}T17:30"),
        ("/markets/breakdown", {"date": FRIDAY}, f"{FRIDAY}T17:59", f"{FRIDAY}T18:00"),
        ("/indices/bars/daily", {"date": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/indices/bars/daily/topix", {"from_": FRIDAY}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/derivatives/bars/daily/futures", {"date": FRIDAY}, "2026-11-14T02:59", "2026-11-14T03:00"),
        ("/derivatives/bars/daily/options/225", {"date": FRIDAY}, "2026-11-14T02:59", "2026-11-14T03:00"),
        ("/fins/earnings-date", {"date": "2026-10-01"}, "2026-10-01T10:04", "2026-10-01T10:05"),
        ("/equities/investor-types", {"from_": "2026-11-12"}, "2026-11-12T16:29", "2026-11-12T16:30"),
        # What was outstanding on Thursday is published on Friday, and in weekly times on the Tuesday after.
        ("/markets/margin-interest", {"date": "2026-11-12"}, f"{FRIDAY}T16:29", f"{FRIDAY}T16:30"),
        ("/markets/margin-interest", {"date": "2026-06-05"}, "2026-06-09T16:29", "2026-06-09T16:30"),
    ],
)
def test_a_day_comes_out_at_its_time(path: str, query: dict[str, str], before: str, out: str) -> None:
    with at(before, addons=["minute"]) as simulator:
        assert rows(simulator, path, **query) == []

    with at(out, addons=["minute"]) as simulator:
        assert rows(simulator, path, **query)


@pytest.mark.parametrize(
    ("instant", "query", "status"),
    [
        (f"{FRIDAY}T11:59", {}, 210),
        (f"{FRIDAY}T12:00", {}, 200),
        (f"{FRIDAY}T12:00", {"code": "9901"}, 200),
        (f"{FRIDAY}T12:00", {"code": "0001"}, 210),
        ("2026-11-14T12:00", {}, 210),
    ],
)
def test_the_morning_is_there_from_noon_on(instant: str, query: dict[str, str], status: int) -> None:
    with at(instant) as simulator:
        assert ask(simulator, "/equities/bars/daily/am", **query)[0] == status


@pytest.mark.parametrize(("instant", "last"), [("2027-03-31T11:59", "2027-12-31"), ("2027-03-31T12:00", "2028-12-31")])
def test_the_calendar_of_the_next_year_comes_at_the_end_of_march(instant: str, last: str) -> None:
    with at(instant, "free") as simulator:
        found = rows(simulator, "/markets/calendar", from_="20271230")
        files = ask(simulator, "/bulk/list", endpoint="/markets/calendar", from_="2027-12")[1]["data"]

    assert found[-1]["Date"] == last
    assert files[-1]["Key"].endswith(f"{last[:4]}12.csv.gz")


def test_below_premium_accounts_come_at_18_and_after_midnight() -> None:
    def times(instant: str, plan: str) -> list[str]:
        with at(instant, plan, issues=400) as simulator:
            return [row["DiscTime"] for row in rows(simulator, "/fins/summary", date=FRIDAY)]

    everything = times("2026-11-14T00:30", "standard")
    assert times(f"{FRIDAY}T17:59", "standard") == []
    assert times(f"{FRIDAY}T18:00", "standard") == [time for time in everything if time < "17:00"] != everything
    assert times(f"{FRIDAY}T15:45", "premium") == [time for time in everything if time <= "15:44"] != []


def test_a_dividend_comes_out_in_the_hour_after_its_notice() -> None:
    def times(instant: str) -> list[str]:
        with at(instant, issues=400) as simulator:
            return [row["PubTime"] for row in rows(simulator, "/fins/dividend", date=FRIDAY)]

    everything = times(f"{FRIDAY}T19:00")
    assert times(f"{FRIDAY}T16:00") == [time for time in everything if time < "16:00"] != everything


def test_filings_come_one_by_one() -> None:
    def times(instant: str) -> list[str]:
        with at(instant, "standard", issues=400) as simulator:
            return [row["SubTime"] for row in rows(simulator, "/edinet/large-volume-shareholders")]

    everything = times(f"{FRIDAY}T18:00")
    noon = times(f"{FRIDAY}T12:00")
    assert times(f"{FRIDAY}T07:59") == []
    assert noon == [time for time in everything if time <= "12:00"]
    assert 0 < len(noon) < len(everything)


def test_who_reports_tomorrow_is_told_at_19() -> None:
    def days(instant: str) -> set[str]:
        with at(instant, "free", issues=400) as simulator:
            return {row["Date"] for row in rows(simulator, "/equities/earnings-calendar")}

    assert days("2026-11-12T18:59") == {"2026-11-12"}
    assert days("2026-11-12T19:00") == {FRIDAY}
    assert days("2026-11-14T12:00") == {"2026-11-16"}


def test_a_cursor_brings_what_came_since() -> None:
    with at(f"{FRIDAY}T15:35", issues=400) as simulator:
        _, first = ask(simulator, "/fins/summary", date=FRIDAY)
        _, none = ask(simulator, "/fins/summary", date=FRIDAY, cursor=first["cursor"])
        simulator.clock.advance(3600)
        _, newer = ask(simulator, "/fins/summary", date=FRIDAY, cursor=first["cursor"])
        _, yesterday = ask(simulator, "/fins/summary", date="2026-11-12")

    assert none == {"data": [], "cursor": first["cursor"]}
    assert newer["data"]
    assert {row["DiscTime"] > "15:34" for row in newer["data"]} == {True}
    assert newer["cursor"] != first["cursor"]
    assert "cursor" not in yesterday


def test_only_the_last_page_has_a_cursor_and_only_premium_gets_one() -> None:
    with at(f"{FRIDAY}T20:00", issues=400, page_bytes=20_000) as simulator:
        _, first = ask(simulator, "/fins/summary", date=FRIDAY)
    with at(f"{FRIDAY}T20:00", "standard") as simulator:
        _, below = ask(simulator, "/fins/summary", date=FRIDAY)
        status, _ = ask(simulator, "/fins/summary", date=FRIDAY, cursor="x")

    assert ("pagination_key" in first, "cursor" in first) == (True, False)
    assert "cursor" not in below
    assert status == 403
