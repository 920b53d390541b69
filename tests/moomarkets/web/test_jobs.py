"""Jobs over HTTP: stored, looked at, turned; bad input is refused by field."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.moomarkets.web.patience import eventually

FAR = "2199-01-01T00:00:00Z"


def store(client: httpx.Client, **given: Any) -> httpx.Response:
    # Escaped, so that half a character can be sent.
    body = json.dumps({"type": "trading_calendar", "payload": {}, "due_at": FAR, **given})
    return client.post("/api/v1/jobs", content=body, headers={"Content-Type": "application/json"})


def test_a_job_that_was_stored_can_be_looked_at(client: httpx.Client) -> None:
    stored = store(client, payload={"year": 2026}, priority=9, name="mine")

    shown = client.get(stored.headers["Location"]).json()
    assert stored.status_code == 201
    assert shown == stored.json()
    assert {"job_id", "status", "progress", "result", "error", "attempts"} <= set(shown)
    assert (shown["type"], shown["payload"], shown["priority"]) == ("trading_calendar", {"year": 2026}, 9)
    assert (shown["status"], shown["progress"], shown["attempts"]) == ("pending", 0, [])


def test_a_unique_key_is_taken_once(client: httpx.Client) -> None:
    ids = [store(client, unique_key="only").json()["job_id"] for _ in range(3)]

    assert len(set(ids)) == 1


def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(client: httpx.Client) -> None:
    bad: list[tuple[str, dict[str, Any]]] = [
        ("type", {"type": "trading_calender"}),
        ("type", {"type": None}),
        ("priority", {"priority": 0}),
        ("priority", {"priority": 11}),
        ("priority", {"priority": True}),
        ("priority", {"priority": "5"}),
        ("payload", {"payload": []}),
        ("payload", {"payload": {"a": "\ud800"}}),
        ("payload", {"payload": {"a": "\0"}}),
        ("due_at", {"due_at": "tomorrow"}),
        ("due_at", {"due_at": 5}),
        ("due_at", {"due_at": "2026-11-20T08:00:00"}),
        ("deadline_at", {"deadline_at": "2026-11-20T08:00:00Z"}),
        ("unique_key", {"unique_key": ""}),
        ("timeout_s", {"timeout_s": 0}),
        ("max_retries", {"max_retries": -1}),
        ("wait", {"wait": 5}),
    ]

    refused = [(field, store(client, **given)) for field, given in bad]

    assert [(field, answer.status_code) for field, answer in refused] == [(field, 422) for field, _ in bad]
    assert [field for field, answer in refused if field not in answer.json()["errors"][0]["field"]] == []
    assert client.get("/api/v1/jobs").json()["items"] == []


def test_a_near_job_type_is_meant(client: httpx.Client) -> None:
    assert "did you mean trading_calendar" in store(client, type="trading_calender").json()["detail"]


def test_a_job_is_paused_resumed_switched_and_cancelled(client: httpx.Client) -> None:
    path = store(client).headers["Location"]

    paused = client.post(f"{path}/pause").json()
    resumed = client.post(f"{path}/resume").json()
    off = client.put(f"{path}/enabled", json={"enabled": False}).json()
    client.put(f"{path}/enabled", json={"enabled": True})
    cancelled = client.post(f"{path}/cancel").json()

    assert [job["status"] for job in (paused, resumed, cancelled)] == ["paused", "pending", "cancelled"]
    assert off["is_enabled"] is False
    assert client.post(f"{path}/pause").status_code == 409
    assert client.post(f"{path}/fly").status_code == 422


def test_a_job_that_has_failed_tells_its_error_and_its_attempts(client: httpx.Client) -> None:
    path = store(client, due_at=None, max_retries=0, payload={"no": "such parameters"}).headers["Location"]

    assert eventually(lambda: client.get(path).json()["status"] == "failed")

    job = client.get(path).json()
    assert job["error"]
    assert [attempt["status"] for attempt in job["attempts"]] == ["failed"]
    assert "user_id" not in job["attempts"][0]
    assert [one["id"] for one in client.get("/api/v1/executions").json()["items"]] == [job["attempts"][0]["id"]]


def test_jobs_are_listed_by_status(client: httpx.Client) -> None:
    job_id = store(client).json()["job_id"]

    assert [job["job_id"] for job in client.get("/api/v1/jobs?status=pending").json()["items"]] == [job_id]
    assert client.get("/api/v1/jobs?status=completed").json()["items"] == []
    assert client.get("/api/v1/jobs?status=perhaps").status_code == 422
    assert client.get("/api/v1/jobs?group=nobody").status_code == 404
    assert client.get("/api/v1/jobs?limit=501").status_code == 422
