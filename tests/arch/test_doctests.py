"""The examples in the docstrings of the three packages do what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest

from tests.arch.modules import product

WITH_EXAMPLES = [module.name for module in product() if ">>>" in module.text]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_an_example_does_what_it_says(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))

    assert result.attempted > 0, "expected its examples to stand in docstrings"
    assert result.failed == 0
