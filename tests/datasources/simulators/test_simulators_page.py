"""What the page on the simulators shows is what they answer."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from datasources.simulators.faults import KINDS
from tests.arch.modules import ROOT
from tests.arch.pages import Page

PAGE = Page(ROOT / "docs/simulators.md")
SHOWN_PORT = "127.0.0.1:8790"
TRANSCRIPTS = [block for block in PAGE.blocks if block.startswith("```console")]


def steps(block: str) -> list[tuple[str, str]]:
    """Commands with what they print."""
    lines = block.splitlines()[1:-1]
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    ends = [*starts[1:], len(lines)]
    return [(lines[start][2:], "\n".join(lines[start + 1 : end])) for start, end in zip(starts, ends, strict=True)]


def fits(shown: str, said: str) -> bool:
    """Whether that was said, where `…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, shown.split("…"))), said, re.DOTALL) is not None


def curl(command: str, place: str) -> str:
    """The answer as curl prints it; of its options those that the page uses."""
    words = iter(shlex.split(command)[1:])
    method, headers, body, ending, target = "GET", {}, None, "", ""
    for word in words:
        match word:
            case "-s":
                continue
            case "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            case "-d":
                method, body = "POST", next(words).encode()
            case "-X":
                method = next(words)
            case "-w":
                ending = next(words)
            case _:
                target = word
    connection = HTTPConnection(place, timeout=30)
    parts = urlsplit(target)
    connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return text + ending.replace("%{http_code}", str(answer.status))


@pytest.mark.parametrize("block", TRANSCRIPTS, ids=lambda block: steps(block)[0][0])
def test_a_transcript_is_true(block: str) -> None:
    (start, ready), *rest = steps(block)
    command = [sys.executable, "-m", "moomarkets.cli", *shlex.split(start)[1:], "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            place = urlsplit(json.loads(line)["url"]).netloc
            assert fits(ready, line.replace(place, SHOWN_PORT))
            for shown, expected in rest:
                said = curl(shown, place).replace(place, SHOWN_PORT)
                assert fits(expected, said), f"{shown}\nexpected {expected}\ngot {said[:2000]}"
        finally:
            process.kill()


def test_every_kind_of_fault_is_described() -> None:
    described = {kind for row in PAGE.table_under("## Faults") for kind in re.findall(r"`(\w+)`", row[0])}

    assert described == KINDS


def test_every_option_is_described() -> None:
    from moomarkets.cli.simulate import simulate

    options = {option for command in simulate.commands.values() for one in command.params for option in one.opts}
    assert {option for option in options if f"`{option}`" not in PAGE.text} == set()
