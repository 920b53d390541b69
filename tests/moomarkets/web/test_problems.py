"""Whatever goes wrong is answered as a problem, which never tells what is not for everybody's eyes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from actors.otp.errors import CallTimeout
from moomarkets.domain.errors import StoreUnavailable
from tests.moomarkets.web.wards import ward


class Broken:
    """Services that fail like this."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def __getattr__(self, name: str) -> Any:
        raise self._error


@pytest.mark.parametrize("error", [StoreUnavailable("database: gone"), CallTimeout("root/core/manager", 5.0)])
def test_what_may_work_later_says_when_to_ask_again(error: Exception) -> None:
    with ward() as opened:
        opened.groups = Broken(error)  # type: ignore[attr-defined]

        answer = opened.get("/api/v1/groups")

    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_was_not_foreseen_is_told_by_an_id_and_the_rest_is_in_the_log() -> None:
    with ward() as opened:
        opened.groups = Broken(ValueError("SELECT secret"))  # type: ignore[attr-defined]

        answer = opened.get("/api/v1/groups")

    (told,) = opened.events.of("web.request_failed")
    assert answer.status_code == 500
    assert answer.json()["id"] == told.fields["id"]
    assert (told.fields["method"], told.fields["path"]) == ("GET", "/api/v1/groups")
    assert "SELECT" not in answer.text
    assert "ValueError" not in answer.text


def test_routes_and_methods_that_do_not_exist_are_problems_too() -> None:
    with ward() as opened:
        missing = opened.get("/api/v1/nothing")
        wrong = httpx.put(f"{opened.url}/healthz", json={}, timeout=60)

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert {missing.headers["Content-Type"], wrong.headers["Content-Type"]} == {"application/problem+json"}
    assert wrong.headers["Allow"] == "GET"
    assert missing.json()["detail"] == "there is no GET /api/v1/nothing; GET /api/openapi.json lists what there is"


def test_every_route_is_described_for_programs() -> None:
    with ward() as opened:
        described = opened.get("/api/openapi.json").json()

    assert described["openapi"].startswith("3.1")
    assert {"/healthz", "/readyz", "/api/scheduler/status", "/api/v1/jobs", "/api/v1/groups"} <= set(described["paths"])
