"""The examples in the docstrings of the sources and of their simulators."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import datasources

MODULES = [
    module.name
    for module in pkgutil.walk_packages(datasources.__path__, "datasources.")
    if not module.ispkg and not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", [*MODULES, "moomarkets.testing.open_gate"])
def test_an_example_does_what_it_says(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
