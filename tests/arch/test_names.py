"""Names say what they name: modules, their first sentences, and events."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from moomarkets.domain.events import NAMES
from tests.arch.modules import Module, modules_under, product

EMPTY_WORDS = {"utils", "util", "helpers", "helper", "common", "base", "misc"}
EVENT = re.compile(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
REPORTERS = {"emit", "_emit", "Report"}
LIST = "moomarkets/domain/events.py"


def test_no_module_is_named_by_an_empty_word() -> None:
    modules = [*product(), *modules_under("tests", "migrations")]

    assert [module.place for module in modules if EMPTY_WORDS & set(module.name.lower().split("."))] == []


def test_the_first_line_of_a_module_is_one_sentence_on_what_it_is_for() -> None:
    faults = {module.place: _fault(module) for module in [*product(), *modules_under("migrations")]}

    assert {place: fault for place, fault in faults.items() if fault} == {}


def test_every_event_that_is_reported_is_listed() -> None:
    reported = {name: module.place for module in product() for name in _reported(module)}

    assert {name: place for name, place in reported.items() if name not in NAMES} == {}


def test_every_event_that_is_listed_is_reported() -> None:
    # A name may reach its report through a variable: its text stands somewhere outside of the list.
    texts = {text for module in product() if module.place != LIST for text in _texts(module.tree)}

    assert NAMES - texts == frozenset()


def test_every_event_is_named_by_a_noun_and_what_happened_to_it() -> None:
    assert [name for name in sorted(NAMES) if not EVENT.fullmatch(name)] == []


def _fault(module: Module) -> str:
    """What is wrong with the first line of the module's docstring; "" where nothing is."""
    first, _, rest = (ast.get_docstring(module.tree) or "").partition("\n")
    if not re.fullmatch(r"\S.*[.!]", first):
        return f"expected one whole sentence on the first line, got {first!r}"
    if re.search(r"[.!?] [A-Z]", first):
        return f"expected one sentence on the first line, got {first!r}"
    return "expected an empty line after the first" if rest and not rest.startswith("\n") else ""


def _reported(module: Module) -> Iterator[str]:
    """Every text that looks like an event's name in the first argument of a report."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and node.args and _called(node) in REPORTERS:
            yield from (text for text in _texts(node.args[0]) if EVENT.fullmatch(text))


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
