"""The source that the page about sources shows: its code as it stands there, installed, and a provider for it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import pytest

from datasources.simulators.faults import Answer
from datasources.simulators.server import Question, json_answer
from tests.datasources.support import ScriptedProvider

PAGE = Path(__file__).parents[2] / "docs/sources.md"
TOKEN = "a-secret-token"
FIRST = date(2000, 1, 1)


def blocks(language: str) -> list[str]:
    """The pieces of code in that language on the page."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def install(directory: Path, monkeypatch: pytest.MonkeyPatch, code: str | None = None) -> None:
    """Put the package there as an installer would, with that code instead of the page's."""
    (directory / "sunspots.py").write_text(code or blocks("python")[0], encoding="utf-8")
    metadata = directory / "sunspots-1.0.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sunspots\nVersion: 1.0\n")
    group, entry = re.findall(r'entry-points\."(.*?)"\]\n(.*)\n', blocks("toml")[0])[0]
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    monkeypatch.delitem(sys.modules, "sunspots", raising=False)
    monkeypatch.syspath_prepend(directory)


@contextmanager
def simulated_sunspots() -> Iterator[str]:
    """Counts of sunspots from 2000 on."""
    with ScriptedProvider(_answer) as provider:
        yield provider.url


def _answer(question: Question) -> Answer:
    if question.headers.get("authorization") != f"Token {TOKEN}":
        return json_answer(401, {"message": "no such token"})
    first, last = (date.fromisoformat(question.query.get(name, "2026-11-20")) for name in ("from", "to"))
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return json_answer(200, {"spots": [{"day": str(day), "count": day.day} for day in days if day >= FIRST]})
