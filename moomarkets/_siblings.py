"""Refuses to start when a host's own `actors` or `datasources` package hides ours."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path

SIBLINGS = ("actors", "datasources")


def check_siblings(home: Path | None = None) -> None:
    """Raise one clear ImportError unless both packages lie beside `moomarkets`; imports neither.

    Call it before the first import of either. `home` is the directory that holds `moomarkets`.
    """
    beside = (home or Path(__file__).parent.parent).resolve()
    for name in SIBLINGS:
        expected = beside / name
        found = _place(name)
        if found is None:
            raise ImportError(f"{name}: expected a package in {expected}, got none; install moomarkets again")
        if found != expected:
            raise ImportError(
                f"{name}: expected moomarkets' own package in {expected}, got {found}; "
                f"rename that one, or put {beside} before {found.parent} in sys.path",
                name=name,
                path=str(found),
            )


def _place(name: str) -> Path | None:
    """Where the import system has found, or would find, the package."""
    spec = _spec(name)
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations))).resolve()
    return Path(spec.origin).resolve() if spec.origin else None


def _spec(name: str) -> ModuleSpec | None:
    module = sys.modules.get(name)
    if module is not None and module.__spec__ is not None:
        return module.__spec__
    try:
        return find_spec(name)
    except ValueError:  # a module that was put there by hand, without a spec
        return None
