"""The simulators as programs of their own."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.request import Request, urlopen

import pytest

PROGRAM = [sys.executable, "-m", "moomarkets.cli", "simulate"]


@contextmanager
def simulating(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The program, with what its ready line tells."""
    with subprocess.Popen([*PROGRAM, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def tried(command: str) -> bytes:
    """What the request that a ready line shows is answered."""
    words = shlex.split(command)
    headers = dict(word.split(": ") for word in words if ": " in word)
    with urlopen(Request(words[-1], headers=headers), timeout=10) as answer:
        body: bytes = answer.read()
    return body


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["jquants", "--plan", "free", "--today", "2027-01-04", "--limit", "5/3", "--issues", "9"], b"2026-10-09"),
        (["yahoo", "--today", "2027-01-04"], b"timestamp"),
    ],
)
def test_a_simulator_shows_a_request_that_works_and_stops_at_a_signal(
    options: list[str], words: bytes, stop: signal.Signals
) -> None:
    with simulating(*options, "--port", "0") as (process, ready):
        body = tried(ready["try"])
        process.send_signal(stop)
        rest, errors = process.communicate(timeout=10)

    assert ready["event"] == "ready"
    assert words in body
    assert (process.returncode, rest, errors) == (0, "", "")


def test_the_options_reach_the_simulator() -> None:
    options = ["--addon", "tdnet", "--v1-account", "a@example.com:pw", "--fault", "status,status=503,path=/v1"]
    with simulating("jquants", "--port", "0", "--plan", "light", "--key", "K", "--issues", "9", *options) as started:
        ready = started[1]
        listed = tried(f"curl -H 'x-api-key: K' '{ready['v2_url']}/td/list?code=99010'")
        refused = _status(f"{ready['v1_url']}/token/auth_user", b'{"mailaddress":"a@example.com","password":"pw"}')
        logged_in = _status(f"{ready['v1_url']}/token/auth_user", b'{"mailaddress":"a@example.com","password":"pw"}')

    assert json.loads(listed)["data"]
    assert (refused, logged_in) == (503, 200)


def test_a_port_in_use_ends_with_4_and_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run("yahoo", "--port", port)

    assert ended.returncode == 4
    assert ended.stderr == f"port {port}: expected a free one, got: Address already in use\n"


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("--port", "99999", "99999 is not in the range 0<=x<=65535."),
        ("--limit", "0/0", "expected count/seconds such as 5/60, got '0/0'"),
        ("--today", "now", "expected a date such as 2027-01-04 or an ISO instant, got 'now'"),
        ("--v1-account", "me", "expected mail:password, got something else"),
        ("--fault", "status,times=x", "times: expected a number, got 'x'"),
        ("--fault", "status,colour=red", "got 'colour=red'"),
        ("--speed", "0", "0.0 is not in the range x>0."),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_in_words(option: str, value: str, words: str) -> None:
    ended = run("jquants", option, value)

    assert ended.returncode == 2
    assert f"Invalid value for '{option}': " in ended.stderr
    assert ended.stderr.endswith(f"{words}\n")


def run(*options: str) -> subprocess.CompletedProcess[str]:
    """A simulator that ends by itself."""
    return subprocess.run([*PROGRAM, *options], capture_output=True, text=True, timeout=30, check=False)


def _status(url: str, body: bytes) -> int:
    from urllib.error import HTTPError

    try:
        with urlopen(Request(url, data=body, method="POST"), timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
