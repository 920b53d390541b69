"""Shared by the tests of data sources: a provider that answers by script, clients for it, recorded events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from datasources.jquants.v1 import JQuantsV1
from datasources.jquants.v2 import JQuantsV2
from datasources.simulators.faults import Answer
from datasources.simulators.jquants import JQuantsSimulator
from datasources.simulators.server import Question, Simulator, json_answer
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.testing.open_gate import OpenGate

SAMPLES = Path(__file__).parent / "samples"
KEY = "test-key-7f3a9c"
MAIL, PASSWORD = "someone@example.com", "pass-word-51d0"
TODAY = date(2026, 11, 20)


def sample(name: str) -> tuple[int, Any]:
    """Status and body of a sample file."""
    content = json.loads((SAMPLES / f"{name}.json").read_text())
    if "body" in content:
        return content.get("_status", 200), content["body"]
    return 200, content


class ScriptedProvider(Simulator):
    """Answers every request with what `script` makes of it; `asked` is set when one has arrived."""

    def __init__(self, script: Callable[[Question], Answer]) -> None:
        super().__init__()
        self._script = script
        self.asked = threading.Event()

    def answer(self, question: Question) -> Answer:
        self.asked.set()
        return self._script(question)


def scripted_samples(*names: str) -> ScriptedProvider:
    """A provider that answers with these samples, one after the other."""
    left = [json_answer(*sample(name)) for name in names]
    return ScriptedProvider(lambda question: left.pop(0))


class RecordedEvents:
    """Remembers the events that were emitted."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, object]]] = []

    def emit(self, name: str, /, **fields: object) -> None:
        self.seen.append((name, fields))


def jquants_client(
    base_url: str,
    gate: OpenGate | None = None,
    key: str = KEY,
    events: RecordedEvents | None = None,
    **options: Any,
) -> JQuantsV2:
    """A J-Quants client that talks to `base_url`."""
    clock = options.pop("clock", None) or SystemClock()
    credential = {"api_key": Secret(key)}
    return JQuantsV2(base_url, credential, gate or OpenGate(clock), clock, events or RecordedEvents(), **options)


def jquants_v1_client(
    base_url: str,
    gate: OpenGate | None = None,
    password: str = PASSWORD,
    events: RecordedEvents | None = None,
    **options: Any,
) -> JQuantsV1:
    """A client of J-Quants V1 that talks to `base_url`."""
    clock = options.pop("clock", None) or SystemClock()
    credential = {"mailaddress": Secret(MAIL), "password": Secret(password)}
    return JQuantsV1(base_url, credential, gate or OpenGate(clock), clock, events or RecordedEvents(), **options)


def simulate_jquants(plan: str = "light", **options: Any) -> JQuantsSimulator:
    """A simulated J-Quants with few issues, in the evening of `TODAY`, that bears a thousand requests a minute."""
    chosen = {"issues": 9, "limit": Window(1000, 60), "today": TODAY, "accounts": {MAIL: PASSWORD}, **options}
    return JQuantsSimulator(plan, [KEY], **chosen)


def json_sample(name: str) -> Answer:
    """A sample as an answer."""
    return json_answer(*sample(name))
