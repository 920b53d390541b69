"""The simulators as programs of their own."""

from __future__ import annotations

import json
import signal
import socket
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


def test_a_port_in_use_ends_with_4_and_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("yahoo", "--port", port)

    assert ended.returncode == 4
    assert ended.stderr == f"port {port}: expected a free one, got: Address already in use\n"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--port", "99999", "expected a whole number from 0 to 65535, got '99999'"),
        ("--limit", "0/0", "expected count/seconds such as 5/60, got '0/0'"),
        ("--today", "now", "expected a date such as 2027-01-04 or an ISO instant, got 'now'"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_in_words(option: str, value: str, words: str) -> None:
    ended = run("jquants", option, value)

    assert ended.returncode == 2
    assert ended.stderr.endswith(f"argument {option}: {words}\n")


def run(module: str, *options: str) -> subprocess.CompletedProcess[str]:
    """The simulator as a program that ends by itself."""
    command = [sys.executable, "-m", f"datasources.simulators.{module}", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
