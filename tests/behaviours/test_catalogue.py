"""Every rule has a test that names it, and the report tells the truth about them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.behaviours.catalogue import RULES
from tests.behaviours.naming import TESTS, named_rules

SUITE = '''
import pytest

def test_kept():
    """S01."""

@pytest.mark.parametrize("number", [1, 2])
def test_broken_once(number):
    """S02 and S03, of which one fails."""
    assert number == 1

@pytest.mark.skip
def test_not_looked_at():
    """S04."""

@pytest.fixture
def leaky():
    yield
    assert False

def test_broken_at_its_end(leaky):
    """S05."""

def test_of_a_rule_that_nobody_knows():
    """S99."""

def test_of_no_rule():
    """Nothing.

    S06 stands too late to count."""
    assert False
'''


def test_every_rule_has_a_test() -> None:
    named = {id for _, ids in named_rules() for id in ids}

    assert sorted(RULES.keys() - named) == []


def test_every_id_that_a_test_names_is_in_the_catalogue() -> None:
    unknown = {test: [id for id in ids if id not in RULES] for test, ids in named_rules()}

    assert {test: ids for test, ids in unknown.items() if ids} == {}


@pytest.mark.parametrize("workers", ["0", "2"])
def test_the_report_tells_of_each_rule_whether_its_tests_passed(tmp_path: Path, workers: str) -> None:
    told = report(tmp_path, SUITE, "-n", workers, "test_suite.py")

    lines = told.stdout.splitlines()
    outcomes = {line[:3]: line[5:13].strip() for line in lines if line[:3] in RULES}
    assert outcomes == {"S01": "passed", "S02": "failed", "S03": "failed", "S04": "skipped", "S05": "failed"}
    assert "1 of 90 rules kept; the others were not looked at" in lines
    assert "4 whose test did not pass: S02 S03 S04 S05" in lines
    assert "1 not in the catalogue: S99" in lines
    assert "test_of_no_rule" not in told.stdout
    assert told.returncode == pytest.ExitCode.TESTS_FAILED


def test_of_a_part_only_the_rules_in_it_are_judged(tmp_path: Path) -> None:
    assert report(tmp_path, SUITE, "-n0", "test_suite.py::test_kept").returncode == 0


def test_a_whole_run_fails_for_a_rule_without_a_test(tmp_path: Path) -> None:
    told = report(tmp_path, 'def test_kept():\n    """S01."""\n', "-n0")

    assert "S02  no test " in told.stdout
    assert "89 without a test: " in told.stdout
    assert told.returncode == pytest.ExitCode.TESTS_FAILED


def test_a_skipped_test_alone_fails_the_report(tmp_path: Path) -> None:
    assert report(tmp_path, SUITE, "-n0", "test_suite.py::test_not_looked_at").returncode == 1


def test_an_unknown_rule_alone_fails_the_report(tmp_path: Path) -> None:
    told = report(tmp_path, SUITE, "-n0", "test_suite.py::test_of_a_rule_that_nobody_knows")

    assert told.returncode == 1


def report(folder: Path, suite: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a suite of its own, in a folder of its own, with `--behaviours`."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.behaviours.plugin", "-p", "no:cacheprovider"]
    return subprocess.run(
        [*command, "--behaviours", *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(TESTS.parent), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )
