"""Which tests name which rule: an id of the catalogue in the first paragraph of a test's docstring."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
ID = re.compile(r"\b[SARTIXDGO]\d\d\b")


def ids_in(docstring: str | None) -> list[str]:
    """The ids that a docstring names, in their order.

    Example:
        >>> ids_in("R01 and R02, by reason."), ids_in("Nothing.\\n\\nNot S01.")
        (['R01', 'R02'], [])
    """
    first, _, _ = (docstring or "").strip().partition("\n\n")
    return ID.findall(first)


def named_rules() -> Iterator[tuple[str, list[str]]]:
    """Every test of the project that names rules, as pytest calls it, with their ids; reads the files, runs nothing."""
    for path in sorted(TESTS.rglob("test_*.py")):
        place = path.relative_to(TESTS.parent).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test") and (found := _ids_of(node)):
                yield f"{place}::{node.name}", found


def _ids_of(function: ast.FunctionDef) -> list[str]:
    return ids_in(ast.get_docstring(function))
