"""Shared by the tests of data sources: a provider that answers by script, clients for it, recorded events."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from datasources.jquants.v2 import JQuantsV2
from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, Simulator, json_answer
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.secret import Secret
from moomarkets.testing.open_gate import OpenGate

SAMPLES = Path(__file__).parent / "samples"
KEY = "test-key-7f3a9c"


def sample(name: str) -> tuple[int, Any]:
    """Status and body of a sample file."""
    content = json.loads((SAMPLES / f"{name}.json").read_text())
    if "_status" in content:
        return content["_status"], content["body"]
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
