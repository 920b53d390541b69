"""The modules of the product and what their text says, for the checks of this package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("moomarkets", "actors", "datasources")


@dataclass(frozen=True)
class Module:
    """One Python file; `place` is its path from the root of the project, with slashes."""

    path: Path

    @property
    def place(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @property
    def name(self) -> str:
        """Its dotted name; a package's is that of its folder."""
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.place)


def modules_under(*folders: str) -> list[Module]:
    """Every Python file in those folders of the project, by path."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return [Module(path) for path in sorted(found) if "__pycache__" not in path.parts]


def product() -> list[Module]:
    """The modules of the three packages."""
    return modules_under(*PACKAGES)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method of a module, nested ones too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
