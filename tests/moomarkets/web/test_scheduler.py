"""The six routes of the scheduler: what is scheduled is a group."""

from __future__ import annotations

import httpx
import pytest

from tests.moomarkets.web.patience import eventually


@pytest.fixture
def job(client: httpx.Client) -> str:
    """The path of one scheduled job."""
    job = next(job for job in client.get("/api/scheduler/jobs").json()["items"] if job["name"] == "reference")
    return f"/api/scheduler/jobs/{job['id']}"


def test_the_status_tells_the_switch_what_runs_and_what_is_next(client: httpx.Client, job: str) -> None:
    client.post("/api/v1/groups/reference/pause")
    client.post(f"{job}/run")

    status = client.get("/api/scheduler/status").json()

    assert status["is_enabled"] is True
    assert [running["name"] for running in status["running_jobs"]] == ["reference"]
    times = [coming["next_run_at"] for coming in status["next_runs"]]
    assert times == sorted(times)


def test_a_job_tells_its_schedule_and_its_switch(client: httpx.Client, job: str) -> None:
    told = client.get(job).json()

    assert told["name"] == "reference"
    assert told["schedule"].count(" ") == 4
    assert told["schedule_spec"]["timezone"] == "Asia/Tokyo"
    assert (told["is_enabled"], told["is_running"]) == (True, False)


def test_a_job_is_switched_off_and_on(client: httpx.Client, job: str) -> None:
    off = client.put(f"{job}/enabled", json={"enabled": False}).json()
    then = client.get(job).json()
    on = client.put(f"{job}/enabled", json={"enabled": True}).json()

    assert [told["is_enabled"] for told in (off, then, on)] == [False, False, True]


def test_a_switch_is_true_or_false(client: httpx.Client, job: str) -> None:
    bodies: list[object] = [{"enabled": "perhaps"}, {"enabled": 1}, {}, {"enabled": True, "now": 1}, [], None]

    answers = [client.put(f"{job}/enabled", json=body).status_code for body in bodies]

    assert answers == [422] * len(bodies)


def test_a_job_is_run_now_and_its_executions_are_told_page_by_page(client: httpx.Client, job: str) -> None:
    for number in range(1, 4):
        run = client.post(f"{job}/run")
        assert run.status_code == 202
        assert eventually(lambda: client.get(job).json()["is_running"] is False)
        assert len(client.get(f"{job}/executions").json()["items"]) == number

    first = client.get(f"{job}/executions", params={"limit": 2}).json()
    second = client.get(f"{job}/executions", params={"limit": 2, "before": first["next"]}).json()

    assert (len(first["items"]), len(second["items"])) == (2, 1)
    assert {execution["status"] for execution in first["items"]} == {"completed"}
    assert all(execution["completed_at"] for execution in first["items"])


def test_a_job_that_does_not_exist_is_refused_everywhere(client: httpx.Client) -> None:
    routes = [("GET", ""), ("GET", "/executions"), ("POST", "/run"), ("PUT", "/enabled")]

    answers = {
        (id, rest): client.request(method, f"/api/scheduler/jobs/{id}{rest}", json=body_of(method)).status_code
        for id in ("999999", "0", "-1", "x", "9" * 30)
        for method, rest in routes
    }

    assert answers == {(id, rest): 404 if id == "999999" else 422 for id, rest in answers}


def body_of(method: str) -> object:
    return {"enabled": True} if method == "PUT" else None
