"""The wheel holds the three packages with their migrations and statements, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.arch.modules import PACKAGES, ROOT, product


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """The names in a wheel that is built from this tree, without a network."""
    place = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    built: Path = next(place.glob("*.whl"))
    with zipfile.ZipFile(built) as archive:
        return frozenset(archive.namelist())


def test_the_wheel_holds_exactly_three_packages(wheel: frozenset[str]) -> None:
    tops = {name.split("/")[0] for name in wheel if ".dist-info/" not in name}

    assert tops == set(PACKAGES)


def test_the_wheel_holds_every_module(wheel: frozenset[str]) -> None:
    assert {module.place for module in product()} - wheel == set()


def test_the_wheel_holds_the_migrations_inside_of_moomarkets(wheel: frozenset[str]) -> None:
    files = {path.relative_to(ROOT / "migrations") for path in (ROOT / "migrations").rglob("[!.]*.py")}

    assert files
    assert {f"moomarkets/_migrations/{path.as_posix()}" for path in files} - wheel == set()


def test_the_wheel_holds_the_statements(wheel: frozenset[str]) -> None:
    statements = {path.relative_to(ROOT).as_posix() for path in (ROOT / "moomarkets/store/sql").glob("*.sql")}

    assert statements
    assert statements - wheel == set()


def test_the_wheel_holds_no_leftovers(wheel: frozenset[str]) -> None:
    assert [name for name in wheel if "__pycache__" in name or name.endswith((".pyc", ".orig"))] == []
