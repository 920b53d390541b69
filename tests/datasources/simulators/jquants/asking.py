"""Asks a simulated J-Quants over HTTP, as any program would."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

from datasources.simulators.jquants import DEMO_KEY, JQuantsSimulator
from moomarkets.domain.limits import Window
from moomarkets.testing.manual_clock import ManualClock

GENEROUS = Window(100_000, 60)


def ask(
    simulator: JQuantsSimulator, path: str, key: str | None = DEMO_KEY, method: str = "GET", **query: str
) -> tuple[int, Any]:
    """Status and content of an answer below /v2; a name may end in `_`."""
    named = {name.rstrip("_"): value for name, value in query.items()}
    headers = {"x-api-key": key} if key else {}
    status, body = fetch(simulator, f"/v2{path}?{urlencode(named)}", method, headers)
    return status, json.loads(body)


def rows(simulator: JQuantsSimulator, path: str, **query: str) -> list[dict[str, Any]]:
    """All rows, over all pages."""
    found: list[dict[str, Any]] = []
    key = ""
    while True:
        status, content = ask(simulator, path, pagination_key=key, **query)
        assert status == 200, content
        found += content["data"]
        key = content.get("pagination_key", "")
        if not key:
            return found


def fetch(
    simulator: JQuantsSimulator,
    target: str,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """Status and body of any answer."""
    connection = HTTPConnection(urlsplit(simulator.url).netloc, timeout=30)
    connection.request(method, target.removeprefix(simulator.url), body=body, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content


def at(instant: str, plan: str = "premium", **options: Any) -> JQuantsSimulator:
    """A simulator whose clock stands still at an instant in Tokyo."""
    start = datetime.fromisoformat(f"{instant}+09:00").astimezone(UTC)
    return JQuantsSimulator(plan, clock=ManualClock(start), **{"limit": GENEROUS, "issues": 60, **options})
