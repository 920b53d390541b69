"""The process says whether it lives and whether it can work, whatever the database does."""

from __future__ import annotations

import httpx

from moomarkets.system import System
from tests.moomarkets.web.patience import eventually
from tests.moomarkets.web.wards import ward
from tests.support.frozen import frozen
from tests.support.postgres import TestPostgres


def test_health_names_every_server_of_the_tree(served: System, client: httpx.Client) -> None:
    answer = client.get("/healthz")

    told = answer.json()
    assert answer.status_code == 200
    assert told["status"] == "ok"
    assert [actor["path"] for actor in told["actors"]] == [info.path for info in served.tree()]
    assert all(actor["seconds_since_answer"] < 10 for actor in told["actors"])


def test_a_node_that_works_is_ready(client: httpx.Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "reasons": []})


def test_health_is_told_while_the_database_is_frozen_and_readiness_says_why_not(
    client: httpx.Client, postgres: TestPostgres
) -> None:
    client.get("/readyz")

    with frozen(postgres.server):
        health = client.get("/healthz")
        ready = client.get("/readyz")

    assert health.json()["actors"]
    assert ready.status_code == 503
    assert [reason["what"] for reason in ready.json()["reasons"]] == ["database"]


def test_a_server_that_is_stuck_turns_health_red_by_its_path() -> None:
    with ward() as opened:
        opened.pulse.ask()
        assert eventually(lambda: opened.get("/healthz").status_code == 200)
        opened.block("core/manager")
        opened.clock.advance(10.5)
        opened.pulse.ask()

        assert eventually(lambda: opened.get("/healthz").json()["overdue"] == ["root/core/manager"])
        assert opened.get("/healthz").status_code == 503
