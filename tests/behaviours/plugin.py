"""`pytest --behaviours`: runs the tests that name a rule, and says of each rule whether it was kept.

Of the whole suite every rule must have a test and every such test must pass; of a part of it, those that were picked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.behaviours.catalogue import RULES
from tests.behaviours.naming import ids_in

PROPERTY = "behaviours"
NARROWING = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "pyargs")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--behaviours",
        action="store_true",
        help="run only the tests that name a rule of tests/behaviours/catalogue.py, and judge each rule",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Reports of all workers come to the process that started them; only that one can judge.
    if config.getoption("behaviours") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Judge(is_whole=_is_whole(config)), "behaviours-judge")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("behaviours"):
        return
    named = {item: ids_in(getattr(getattr(item, "obj", None), "__doc__", None)) for item in items}
    for item, ids in named.items():
        item.user_properties.append((PROPERTY, " ".join(ids)))
    config.hook.pytest_deselected(items=[item for item, ids in named.items() if not ids])
    items[:] = [item for item, ids in named.items() if ids]


class Judge:
    """Collects how the tests of each rule ended, and has the last word on the exit code."""

    def __init__(self, *, is_whole: bool) -> None:
        self._is_whole = is_whole
        self._outcomes: dict[str, dict[str, list[str]]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.passed:
            return
        test = report.nodeid.partition("[")[0]
        for id in str(dict(report.user_properties).get(PROPERTY, "")).split():
            self._outcomes.setdefault(id, {}).setdefault(test, []).append(report.outcome)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        if self._faults() and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("behaviours")
        for line in self._lines():
            terminalreporter.write_line(line)
        for fault in self._faults():
            terminalreporter.write_line(fault, red=True)

    def _lines(self) -> Iterator[str]:
        """Id, outcome, rule; under it the tests that show it."""
        for id, rule in RULES.items():
            tests = self._outcomes.get(id, {})
            if not tests and not self._is_whole:
                continue
            yield f"{id}  {_worst([outcome for outcomes in tests.values() for outcome in outcomes]):<8} {rule}"
            for test, outcomes in sorted(tests.items()):
                yield f"     {_worst(outcomes):<8}   {test}{f' x {len(outcomes)}' if len(outcomes) > 1 else ''}"
        kept = [id for id in RULES if id in self._outcomes and not self._is_broken(id)]
        yield f"{len(kept)} of {len(RULES)} rules kept" + ("" if self._is_whole else "; the others were not looked at")

    def _faults(self) -> list[str]:
        missing = [id for id in RULES if id not in self._outcomes] if self._is_whole else []
        broken = [id for id in RULES if id in self._outcomes and self._is_broken(id)]
        unknown = [id for id in self._outcomes if id not in RULES]
        said = {"without a test": missing, "whose test did not pass": broken, "not in the catalogue": unknown}
        return [f"{len(ids)} {what}: {' '.join(sorted(ids))}" for what, ids in said.items() if ids]

    def _is_broken(self, id: str) -> bool:
        return any(outcome != "passed" for outcomes in self._outcomes[id].values() for outcome in outcomes)


def _worst(outcomes: Sequence[str]) -> str:
    return next((outcome for outcome in ("failed", "skipped", "passed") if outcome in outcomes), "no test")


def _is_whole(config: pytest.Config) -> bool:
    """Whether this run covers everything that a plain one does."""
    places = [config.rootpath / place for place in config.getini("testpaths")] or [config.rootpath]
    given = [Path(config.invocation_params.dir, argument).resolve() for argument in config.args]
    covers = all(any(place == one or one in place.parents for one in given) for place in places)
    return covers and not any(config.getoption(name, None) for name in NARROWING)
