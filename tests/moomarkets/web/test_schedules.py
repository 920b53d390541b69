"""A schedule is previewed without being saved."""

from __future__ import annotations

import httpx

PATH = "/api/v1/schedules/preview"


def test_the_next_instants_are_told_in_utc(client: httpx.Client) -> None:
    given = {"cron": "30 1 * * *", "tz": "America/New_York", "after": "2026-10-31T12:00:00Z", "n": 3}

    told = client.get(PATH, params=given).json()

    assert told["instants"] == ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z", "2026-11-03T06:30:00Z"]
    assert "01:30" in told["in_words"]


def test_an_interval_is_previewed_too(client: httpx.Client) -> None:
    told = client.get(PATH, params={"every_s": 3600, "after": "2026-11-20T00:10:00+09:00", "n": 1}).json()

    assert told["instants"] == ["2026-11-19T16:00:00Z"]


def test_any_schedule_is_previewed_as_a_group_takes_it(client: httpx.Client) -> None:
    body = {"schedule": {"cron": "0 9 * * *", "timezone": "Asia/Tokyo"}, "after": "2026-11-20T00:00:00Z", "n": 1}

    told = client.post(PATH, json=body).json()

    assert told["instants"] == ["2026-11-21T00:00:00Z"]
    assert client.post(PATH, json={"schedule": {"cron": 5}}).status_code == 422


def test_what_is_due_next_is_told_over_all_groups(client: httpx.Client) -> None:
    coming = client.get("/api/v1/schedules/next", params={"n": 3}).json()["items"]
    known = client.get("/api/v1/schedules").json()["items"]

    times = [instant["due_at"] for instant in coming]
    assert len(times) == 3
    assert times == sorted(times)
    assert all(schedule["in_words"] for schedule in known)


def test_what_makes_no_sense_is_refused(client: httpx.Client) -> None:
    senseless: list[dict[str, str | int]] = [
        {},
        {"cron": "* * * * *", "every_s": 5},
        {"cron": "99 * * * *"},
        {"cron": "* * * * *", "tz": "Mars/Olympus"},
        {"cron": "* * * * *", "n": 501},
        {"cron": "* * * * *", "n": 0},
        {"cron": "* * * * *", "after": "1"},
        {"cron": "* * * * *", "after": "2026-11-20T00:00:00"},
        {"every_s": "nan"},
        {"every_s": 0},
    ]

    answers = [client.get(PATH, params=given) for given in senseless]

    assert [answer.status_code for answer in answers] == [422] * len(senseless)
    assert all(answer.json()["errors"] for answer in answers)
