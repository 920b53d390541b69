from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest

from datasources.simulators.faults import Fault
from moomarkets.domain.group import GroupDefinition
from moomarkets.system import System
from tests.support.providers import Providers

GROUP = GroupDefinition("bars", "jquants", ("daily_quotes",), scope={"newest": 1}, max_retries=0, retry_delay_s=0)


@pytest.fixture
def kept(served: System, simulated: Providers, client: httpx.Client) -> dict[str, Any]:
    """The one answer in quarantine."""
    served.groups.create(GROUP)
    simulated.jquants.faults.add(Fault("negative_price", path="/equities/bars/daily"))
    served.groups.run("bars").wait(60)
    (kept,) = client.get("/api/v1/quarantine", params={"status": "open"}).json()["items"]
    return dict(kept)


def test_an_answer_in_quarantine_is_listed_shown_and_saved(kept: dict[str, Any], client: httpx.Client) -> None:
    shown = client.get(f"/api/v1/quarantine/{kept['id']}").json()
    body = client.get(f"/api/v1/quarantine/{kept['id']}/body")

    assert shown["detail"].startswith("signs: close: expected more than 0, got -1")
    assert (shown["dataset"], "user_id" in shown, "bodies" in shown) == ("daily_bars", False, False)
    assert body.content.startswith(b'{"data":[')
    assert body.headers["content-disposition"] == f'attachment; filename="quarantine-{kept["id"]}.txt"'


def test_a_decision_is_made_once(kept: dict[str, Any], client: httpx.Client) -> None:
    place = f"/api/v1/quarantine/{kept['id']}"

    first = client.post(f"{place}/dismiss", json={"note": "looked at", "by": "ann"})
    second = client.post(f"{place}/release", json={})

    assert (first.status_code, first.json()["status"], first.json()["decided_by"]) == (200, "dismissed", "ann")
    assert (second.status_code, second.json()["type"]) == (409, "urn:moomarkets:problem:conflict")


def test_what_is_not_there_or_makes_no_sense_is_refused(served: System, client: httpx.Client) -> None:
    assert client.get("/api/v1/quarantine/77").status_code == 404
    assert client.get("/api/v1/quarantine", params={"status": "lost"}).status_code == 422
    assert client.post("/api/v1/quarantine/77/release", json={"why": "x"}).status_code == 422


def test_findings_freshness_and_alerts_can_be_asked_for(served: System, client: httpx.Client) -> None:
    served.groups.create(GROUP)

    fresh = client.get("/api/v1/freshness").json()["items"]

    assert client.get("/api/v1/findings", params={"dataset": "daily_bars"}).json()["items"] == []
    assert client.get("/api/v1/alerts").json()["items"] == []
    (bars,) = [one for one in fresh if one["group"] == "bars"]
    assert (bars["state"], bars["have_on"]) == ("due", None)
    assert date.fromisoformat(bars["expected_on"]) <= date.today()
    assert [one["state"] for one in served.freshness() if one["group"] == "bars"] == ["due"]
