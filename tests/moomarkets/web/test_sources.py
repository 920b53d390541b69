"""The switches of sources and of the whole over HTTP."""

from __future__ import annotations

import httpx


def test_a_source_is_paused_and_switched(client: httpx.Client) -> None:
    paused = client.post("/api/v1/sources/jquants/pause").json()
    resumed = client.post("/api/v1/sources/jquants/resume").json()
    off = client.put("/api/v1/sources/jquants/enabled", json={"enabled": False}).json()
    on = client.put("/api/v1/sources/jquants/enabled", json={"enabled": True}).json()

    assert [source["is_paused"] for source in (paused, resumed)] == [True, False]
    assert [source["is_enabled"] for source in (off, on)] == [False, True]
    assert client.post("/api/v1/sources/jquant/pause").status_code == 404
    assert "jquants" in [source["code"] for source in client.get("/api/v1/sources").json()["items"]]


def test_a_source_shows_its_budget_in_numbers_and_in_words(client: httpx.Client) -> None:
    shown = client.get("/api/v1/sources/jquants").json()

    assert shown["code"] == "jquants"
    assert shown["budget"]["windows"][0]["free"] <= shown["budget"]["windows"][0]["count"]
    assert "of this second left" in shown["budget"]["in_words"][0]
    assert client.get("/api/v1/sources/jquant").status_code == 404


def test_the_whole_is_switched_off_and_on(client: httpx.Client) -> None:
    off = client.put("/api/v1/enabled", json={"enabled": False}).json()
    status = client.get("/api/scheduler/status").json()
    on = client.put("/api/v1/enabled", json={"enabled": True}).json()

    assert [told["is_enabled"] for told in (off, status, on)] == [False, False, True]


def test_the_status_tells_groups_rows_nodes_and_what_is_left(client: httpx.Client) -> None:
    status = client.get("/api/v1/status").json()

    assert set(status) == {"groups", "datasets", "credentials", "nodes", "left"}
    assert "reference" in [group["name"] for group in status["groups"]]
    assert len(status["nodes"]) == 1
    assert "user_id" not in status["groups"][0]
