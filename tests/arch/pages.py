"""The pages of the documentation, and what their text names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.arch.modules import ROOT

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Page:
    """One Markdown file; `place` is its path from the root of the project."""

    path: Path

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def blocks(self) -> list[str]:
        """The fenced blocks, with their fences."""
        return _FENCE.findall(self.text)

    @property
    def spans(self) -> list[str]:
        """What stands in backticks within the prose."""
        return _SPAN.findall(_FENCE.sub("", self.text))

    @property
    def links(self) -> list[str]:
        """Where the links of the prose lead."""
        return _LINK.findall(_FENCE.sub("", self.text))

    @property
    def anchors(self) -> set[str]:
        """What a link may name behind `#`."""
        headings = _HEADING.findall(_FENCE.sub("", self.text))
        return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}

    def table_under(self, heading: str) -> Iterator[list[str]]:
        """The rows of the first table under that heading, without its head; cells without surrounding blanks."""
        section = self.text.partition(f"\n{heading}\n")[2]
        rows = [
            line for line in re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0].splitlines() if line[:1] == "|"
        ]
        for row in rows[2:]:
            yield [cell.strip() for cell in _CELL.split(row)[1:-1]]


def pages() -> list[Page]:
    """Every page: those at the root of the project, and all under docs."""
    return [Page(path) for path in [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]]
