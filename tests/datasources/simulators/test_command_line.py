"""The simulators as programs of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest


@pytest.mark.parametrize(
    ("module", "options", "target"),
    [
        (
            "jquants",
            ["--plan", "light", "--key", "K", "--today", "2027-01-04", "--limit", "5/3", "--issues", "9"],
            "/v2/equities/bars/daily?date=2027-01-04",
        ),
        ("yahoo", ["--today", "2027-01-04"], "/v8/finance/chart/AAPL?period1=1798700000&period2=1799100000"),
    ],
)
def test_a_simulator_says_when_it_is_ready_and_stops_at_sigterm(module: str, options: list[str], target: str) -> None:
    command = [sys.executable, "-m", f"datasources.simulators.{module}", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        connection = HTTPConnection(urlsplit(ready["url"]).netloc, timeout=10)
        connection.request("GET", target, headers={"x-api-key": "K"})
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=10)

    assert ready["event"] == "ready"
    assert answer.status == 200
    assert b"2027-01-04" in body or b"timestamp" in body
    assert (process.returncode, rest, errors) == (0, "", "")
