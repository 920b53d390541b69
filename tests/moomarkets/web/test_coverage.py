"""Coverage over REST: what is here, what is missing, what it costs, and getting it."""

from __future__ import annotations

import httpx
import pytest

from moomarkets.system import System
from tests.support.providers import Providers

WEEK = {"from": "2026-11-16", "to": "2026-11-20"}


def test_a_week_is_missing_then_filled_and_then_here(client: httpx.Client, served: System) -> None:
    before = client.get("/api/v1/coverage/daily_bars", params=WEEK).json()
    (gap,) = client.get("/api/v1/coverage/daily_bars/gaps", params=WEEK).json()["items"]
    (plan,) = client.get("/api/v1/coverage/daily_bars/plan", params={**WEEK, "way": "date"}).json()["items"]

    filled = client.post("/api/v1/coverage/daily_bars/fill", json={**WEEK, "way": "date"})

    served.groups.run("fill-daily_bars").wait(60)
    after = client.get("/api/v1/coverage/daily_bars").json()
    assert (before["expected"], before["missing"], plan["requests"]) == (5, 5, 5)
    assert (gap["from_on"], gap["to_on"], gap["why"]) == ("2026-11-16", "2026-11-20", "not fetched")
    assert (filled.status_code, filled.json()["missing"]) == (202, 5)
    assert "fill-daily_bars" in after["kept_by"]
    assert client.post("/api/v1/coverage/daily_bars/fill", json=WEEK).json()["runs"] == []


def test_a_dry_run_sends_nothing_and_makes_no_group(client: httpx.Client, served: System, simulated: Providers) -> None:
    told = client.post("/api/v1/coverage/daily_bars/fill", json={**WEEK, "way": "date", "dry_run": True})

    assert (told.status_code, told.json()["plans"][0]["requests"]) == (200, 5)
    assert simulated.requests == 0
    assert not served.groups.exists("fill-daily_bars")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"from": "2026-11-20", "to": "2026-11-16"}, "from: expected a date up to that of `to`"),
        ({"from": "2024-02-30"}, "from: expected a date such as 2026-11-20"),
        ({"from": "2001-01-01", "to": "2001-02-01"}, "dates that the subscription reaches, 20"),
        ({"from": "2099-01-01"}, "a date up to the newest that is published, 20"),
        ({"way": "carrier pigeon"}, "way: expected one of auto, date, code, bulk"),
        ({"form": "2026-11-16"}, "only known fields"),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_sentence(client: httpx.Client, body: object, words: str) -> None:
    answer = client.post("/api/v1/coverage/daily_bars/fill", json=body)

    assert answer.status_code == 422
    assert words in answer.json()["detail"]


def test_an_unknown_dataset_is_not_found_with_the_nearest_name(client: httpx.Client) -> None:
    answer = client.get("/api/v1/coverage/daily_bar")

    assert (answer.status_code, answer.json()["did_you_mean"]) == (404, "daily_bars")


def test_all_that_groups_keep_is_listed(client: httpx.Client) -> None:
    items = client.get("/api/v1/coverage").json()["items"]

    kept = {line["dataset"]: line["kept_by"] for line in items}
    assert kept == {
        "listed_issues": ["reference"],
        "trading_calendar": ["reference"],
        "daily_bars": ["daily-bars"],
        "yahoo_daily_bars": ["yahoo-daily-bars"],
    }
