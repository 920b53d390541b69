"""Groups over HTTP: created, looked at, run, stopped; bad input is refused by field."""

from __future__ import annotations

from typing import Any

import httpx

from moomarkets.system import System
from tests.moomarkets.web.patience import eventually

GROUP = {"name": "mine", "data_source": "jquants", "job_types": ["listed_companies"]}


def create(client: httpx.Client, **given: Any) -> httpx.Response:
    return client.post("/api/v1/groups", json={**GROUP, **given})


def test_a_group_that_was_created_can_be_looked_at(client: httpx.Client) -> None:
    created = create(client, schedule={"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}, description="by hand")

    shown = client.get(created.headers["Location"])
    assert created.status_code == 201
    assert shown.json()["id"] == created.json()["id"]
    assert shown.json()["schedule"] == {"cron": "0 6 * * *", "timezone": "Asia/Tokyo"}
    assert "mine" in [group["name"] for group in client.get("/api/v1/groups").json()["items"]]


def test_a_name_may_hold_a_slash_and_any_script(client: httpx.Client) -> None:
    create(client, name='日足/前場 & "50%"')

    shown = client.get('/api/v1/groups/日足%2F前場 & "50%25"')
    runs = client.get('/api/v1/groups/日足%2F前場 & "50%25"/runs')

    assert shown.json()["name"] == '日足/前場 & "50%"'
    assert runs.json() == {"items": [], "next": None}


def test_bad_input_is_refused_by_its_field_and_nothing_is_stored(client: httpx.Client) -> None:
    bad: list[tuple[str, dict[str, object]]] = [
        ("priority", {"priority": 11}),
        ("priority", {"priority": True}),
        ("priority", {"priority": "5"}),
        ("priority", {"priority": 5.0}),
        ("name", {"name": " "}),
        ("minute", {"schedule": {"cron": "61 * * * *"}}),
        ("timezone", {"schedule": {"cron": "0 6 * * *", "timezone": "Asia/Tokio"}}),
        ("overlap", {"overlap": "maybe"}),
        ("catch_up", {"catch_up": "maybe"}),
        ("job_type", {"jobs": [{"key": "a"}]}),
        ("colour", {"colour": "red"}),
    ]

    refused = [(field, create(client, **given)) for field, given in bad]

    assert [answer.status_code for _, answer in refused] == [422] * len(bad)
    assert all(answer.headers["Content-Type"] == "application/problem+json" for _, answer in refused)
    assert [field for field, answer in refused if field not in answer.json()["detail"]] == []
    assert all({"field", "expected", "got"} == set(answer.json()["errors"][0]) for _, answer in refused)
    assert client.get("/api/v1/groups/mine").status_code == 404


def test_an_unknown_name_is_not_found_and_a_near_one_is_meant(client: httpx.Client) -> None:
    answer = client.get("/api/v1/groups/refrence")

    assert answer.status_code == 404
    assert answer.json()["did_you_mean"] == "reference"


def test_a_taken_name_is_a_conflict(client: httpx.Client) -> None:
    assert [create(client).status_code, create(client).status_code] == [201, 409]


def test_a_run_is_asked_for_and_followed_to_its_end(client: httpx.Client) -> None:
    asked = client.post("/api/v1/groups/reference/run")
    run = asked.json()

    assert asked.status_code == 202
    assert eventually(lambda: client.get(f"/api/v1/runs/{run['id']}").json()["status"] == "completed")
    assert [one["id"] for one in client.get("/api/v1/groups/reference/runs").json()["items"]] == [run["id"]]
    assert client.get("/api/v1/runs", params={"status": "failed"}).json()["items"] == []


def test_a_paused_group_waits_and_a_stopped_run_ends(client: httpx.Client) -> None:
    paused = client.post("/api/v1/groups/reference/pause").json()
    run = client.post("/api/v1/groups/reference/run").json()
    client.post("/api/v1/groups/reference/stop")
    resumed = client.post("/api/v1/groups/reference/resume").json()

    assert paused["status"] == "paused"
    assert client.get(f"/api/v1/runs/{run['id']}").json()["status"] == "cancelled"
    assert resumed["status"] != "paused"


def test_runs_come_page_by_page(served: System, client: httpx.Client) -> None:
    made = [served.groups.run("reference").id]
    for _ in range(2):
        served.groups.stop("reference")
        made.append(served.groups.run("reference").id)

    first = client.get("/api/v1/runs", params={"limit": 2}).json()
    second = client.get("/api/v1/runs", params={"limit": 2, "before": first["next"]}).json()

    assert [run["id"] for run in first["items"] + second["items"]] == sorted(made, reverse=True)
    assert second["next"] is None


def test_a_group_is_changed_and_deleted(client: httpx.Client) -> None:
    create(client, schedule={"every_s": 3600}, description="old")

    changed = client.patch("/api/v1/groups/mine", json={"description": "new", "depends_on": ["reference"]}).json()
    refused = client.patch("/api/v1/groups/mine", json={"priority": 12})
    needed = client.delete("/api/v1/groups/reference")
    deleted = client.delete("/api/v1/groups/mine")

    assert (changed["description"], changed["schedule"]["every_s"]) == ("new", 3600)
    assert [edge["group"] for edge in changed["dependencies"]] == ["reference"]
    assert (refused.status_code, needed.status_code, deleted.status_code) == (422, 409, 204)
    assert client.get("/api/v1/groups/mine").status_code == 404


def test_a_group_gets_a_job_and_runs_for_a_date(client: httpx.Client) -> None:
    create(client, is_enabled=False)

    client.post("/api/v1/groups/mine/jobs", json={"key": "calendar", "job_type": "trading_calendar"})
    run = client.post("/api/v1/groups/mine/run", json={"for_on": "2026-11-19"}).json()
    retried = client.post("/api/v1/groups/mine/retry", json={"reason": "timeout"}).json()

    assert run["for_on"] == "2026-11-19"
    assert retried["retried"] == 0
    assert client.post("/api/v1/groups/mine/retry", json={"reason": "boredom"}).status_code == 422
    assert client.post("/api/v1/groups/mine/run", json={"for_on": 20261119}).status_code == 422


def test_occurrences_are_told_by_time(client: httpx.Client) -> None:
    assert create(client, schedule={"every_s": 1}, is_enabled=False).status_code == 201
    path = "/api/v1/groups/mine/occurrences"
    assert eventually(lambda: len(client.get(path).json()["items"]) >= 2)

    first = client.get(path, params={"limit": 1}).json()
    second = client.get(path, params={"limit": 1, "to_at": first["next"]}).json()

    assert second["items"][0]["due_at"] < first["items"][0]["due_at"]
    assert {one["status"] for one in first["items"] + second["items"]} == {"skipped"}


def test_a_group_says_why_it_waits(client: httpx.Client) -> None:
    client.post("/api/v1/groups/reference/pause")
    client.post("/api/v1/groups/reference/run")

    told = client.get("/api/v1/why", params={"thing": "reference"})

    assert told.status_code == 200
    remedy = "group reference is paused: resume it with `moomarkets groups resume reference`"
    assert told.json()["remedies"] == [remedy]
    assert told.json()["group"]["next_at"].endswith("Z")
    assert client.get("/api/v1/why", params={"thing": "nothing"}).status_code == 404


def test_a_fault_of_a_dependency_is_told_once_by_its_field(client: httpx.Client) -> None:
    edges = ["reference", {"group": "reference", "match": "never"}]

    refused = create(client, depends_on=edges)

    (fault,) = refused.json()["errors"]
    assert (refused.status_code, fault["field"], fault["got"]) == (422, "depends_on.1.match", "'never'")


def test_a_group_tells_its_schedule_with_the_next_instants(client: httpx.Client) -> None:
    shown = client.get("/api/v1/groups/reference/schedule", params={"n": 2}).json()

    assert shown["in_words"] == "at 06:00, Asia/Tokyo"
    assert len(shown["upcoming"]) == 2
    assert client.get("/api/v1/groups/nothing/schedule").status_code == 404


def test_a_run_tells_how_far_it_has_come(client: httpx.Client) -> None:
    run_id = client.post("/api/v1/groups/reference/run").json()["id"]

    ended = eventually(lambda: client.get(f"/api/v1/runs/{run_id}").json()["status"] == "completed")

    progress = client.get(f"/api/v1/runs/{run_id}/progress").json()
    assert ended
    assert (progress["group"], progress["done"], progress["total"], progress["eta_at"]) == ("reference", 2, 2, None)
    assert client.get("/api/v1/runs/99/progress").status_code == 404
