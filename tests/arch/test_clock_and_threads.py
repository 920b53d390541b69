"""Time, chance and threads come from their own places only; some calls have no place at all."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase

from tests.arch.modules import modules_under, product

CLOCK = "moomarkets/domain/clock.py"
RUNTIME = "actors/otp/thread_runtime.py"
SIMULATION = {"actors/otp/simulation.py", "actors/otp/sim_runtime.py"}
RESTRICTED = {
    "time.*": {CLOCK},
    "datetime.datetime.now": {CLOCK},
    "datetime.datetime.utcnow": set(),
    "datetime.datetime.today": set(),
    "datetime.date.today": set(),
    # Jitter after a lost connection; what the actors decide by chance comes from their runtime.
    "random.*": {RUNTIME, *SIMULATION, "moomarkets/store/database.py"},
    "uuid.uuid?": {RUNTIME},
    # A worker process has no runtime, and neither have the tests of whoever writes a source.
    "threading.Thread": {
        RUNTIME,
        "datasources/simulators/server.py",
        "moomarkets/engines/worker.py",
        "moomarkets/testing/data_source_contract.py",
        "moomarkets/testing/relay.py",
    },
    "threading.Timer": set(),
    "_thread.*": set(),
    "concurrent.*": set(),
    "multiprocessing.*": set(),
    # Keys, passwords and the name of a file that is about to replace another.
    "secrets.*": {"moomarkets/store/embedded/passwords.py"},
    "os.urandom": {"moomarkets/store/keyring.py", "moomarkets/store/keyring_file.py", "moomarkets/store/seal.py"},
    "pickle.*": set(),
    "marshal.*": set(),
    "shelve.*": set(),
    "yaml.*": set(),
    "os.system": set(),
    "eval": set(),
    "exec": set(),
}
"""What is reached, as a pattern, and the modules that may reach it."""


def test_time_chance_and_threads_are_reached_only_where_they_belong() -> None:
    faults = [
        f"{module.place}: {reached}"
        for module in [*product(), *modules_under("migrations")]
        for reached in _reached(module.tree)
        for restricted, allowed in RESTRICTED.items()
        if fnmatchcase(reached, restricted) and module.place not in allowed
    ]

    assert faults == []


def test_every_exception_is_still_needed() -> None:
    reached = {module.place: set(_reached(module.tree)) for module in product()}

    unneeded = [
        f"{place}: {restricted}"
        for restricted, allowed in RESTRICTED.items()
        for place in allowed
        if not any(fnmatchcase(name, restricted) for name in reached.get(place, ()))
    ]

    assert unneeded == []


def test_a_forbidden_call_is_found_however_it_is_imported() -> None:
    texts = [
        "import time as t\nt.sleep(1)",
        "from time import monotonic\nmonotonic()",
        "from datetime import datetime as D\nD.now()",
        "import datetime\ndatetime.datetime.now()",
        "import threading\nclass Own(threading.Thread): ...",
        "def load():\n    from pickle import loads\n    return loads",
        "eval('1')",
    ]

    found = [
        any(fnmatchcase(name, rule) for name in _reached(ast.parse(text)) for rule in RESTRICTED) for text in texts
    ]

    assert found == [True] * len(texts)


def _reached(tree: ast.Module) -> Iterator[str]:
    """The full names of what the module uses from elsewhere, whatever it calls them; annotations do not count."""
    known = dict(_imported(tree))
    notes = {id(node) for note in _annotations(tree) for node in ast.walk(note)}
    for node in ast.walk(tree):
        if id(node) not in notes and (name := _dotted(node)):
            first, dot, rest = name.partition(".")
            yield known.get(first, first) + dot + rest


def _dotted(node: ast.AST) -> str:
    match node:
        case ast.Name(name):
            return name
        case ast.Attribute(value, attribute) if owner := _dotted(value):
            return f"{owner}.{attribute}"
        case _:
            return ""


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each imported name with what it stands for, where that is not the name itself."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(aliases):
                yield from ((alias.asname, alias.name) for alias in aliases if alias.asname)
            case ast.ImportFrom(module, aliases):
                yield from ((alias.asname or alias.name, f"{module}.{alias.name}") for alias in aliases)


def _annotations(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        notes = [getattr(node, "annotation", None), getattr(node, "returns", None)]
        yield from (note for note in notes if isinstance(note, ast.AST))
