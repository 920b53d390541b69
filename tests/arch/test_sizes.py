"""No module grows over what one head holds."""

from __future__ import annotations

from tests.arch.modules import functions, modules_under, product

MODULE_LINES = 400
FUNCTION_LINES = 60


def test_no_module_has_more_than_400_lines() -> None:
    lengths = {module.place: len(module.text.splitlines()) for module in [*product(), *modules_under("migrations")]}

    assert {place: lines for place, lines in lengths.items() if lines > MODULE_LINES} == {}


def test_no_function_has_more_than_60_lines() -> None:
    lengths = {
        f"{module.place}:{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for module in product()
        for function in functions(module)
    }

    assert {place: lines for place, lines in lengths.items() if lines > FUNCTION_LINES} == {}
