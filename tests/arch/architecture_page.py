"""Makes the last chapter of the architecture page: every file with what it is for, as its own first line says."""

from __future__ import annotations

import ast
from collections import defaultdict
from itertools import takewhile
from pathlib import Path

from tests.arch.modules import PACKAGES, ROOT, Module

PAGE = ROOT / "docs/architecture.md"
CHAPTER = "\n## Every file\n"
NOTE = """
Grouped by folder; each line is how the file itself opens. This chapter is made by
`python -m tests.arch.architecture_page`.
"""


def chapter() -> str:
    """The chapter's text, without its heading."""
    rooms: dict[str, list[str]] = defaultdict(list)
    for path in _files():
        place = path.relative_to(ROOT)
        rooms[place.parent.as_posix()].append(f"| `{place.as_posix()}` | {_purpose(path)} |")
    parts = [
        f"\n### {room}\n\n| file | what it is for |\n|---|---|\n" + "\n".join(rows) for room, rows in rooms.items()
    ]
    return NOTE + "\n".join(parts) + "\n"


def _files() -> list[Path]:
    found = [path for package in PACKAGES for kind in ("*.py", "*.sql") for path in (ROOT / package).rglob(kind)]
    kept = [path for path in found if "__pycache__" not in path.parts]
    return sorted(kept, key=lambda path: (path.parent, path.name))


def _purpose(path: Path) -> str:
    if path.suffix == ".sql":
        lines = takewhile(lambda line: line.startswith("-- "), path.read_text(encoding="utf-8").splitlines())
        return " ".join(line.removeprefix("-- ") for line in lines)
    docstring = ast.get_docstring(Module(path).tree) or ""
    return docstring.partition("\n")[0].replace("|", "\\|")


if __name__ == "__main__":
    written = PAGE.read_text(encoding="utf-8").partition(CHAPTER)[0]
    PAGE.write_text(written + CHAPTER + chapter(), encoding="utf-8")
