from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from moomarkets._siblings import SIBLINGS, check_siblings

CHECKOUT = Path(__file__).parents[2]
CHECK = "from moomarkets._siblings import check_siblings; "


def run(code: str, *path: Path, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter whose import path begins with `path`."""
    places = f"import sys; sys.path[:0] = {[str(place) for place in path]!r}; "
    return subprocess.run(
        [sys.executable, "-I", *options, "-c", places + code], capture_output=True, text=True, check=False
    )


def package(place: Path, name: str) -> Path:
    (place / name).mkdir(parents=True)
    (place / name / "__init__.py").write_text("raise SystemExit('a stranger was imported')")
    return place / name


def test_our_own_packages_beside_moomarkets_are_accepted_and_not_imported(tmp_path: Path) -> None:
    for name in SIBLINGS:
        package(tmp_path, name)
    (tmp_path / "moomarkets").symlink_to(CHECKOUT / "moomarkets")
    # Without site-packages: an installed moomarkets would bring its siblings along.
    outcome = run(f"{CHECK}from pathlib import Path; check_siblings(Path(sys.path[0]))", tmp_path, options=("-S",))

    assert outcome.returncode == 0, outcome.stderr


@pytest.mark.parametrize("name", SIBLINGS)
def test_a_host_s_own_package_of_that_name_is_one_clear_error(tmp_path: Path, name: str) -> None:
    stranger = package(tmp_path, name)

    outcome = run(f"{CHECK}check_siblings()", tmp_path, CHECKOUT)

    message = outcome.stderr.splitlines()[-1]
    assert message.startswith(
        f"ImportError: {name}: expected moomarkets' own package in {CHECKOUT / name}, got {stranger}"
    )
    assert f"put {CHECKOUT} before {tmp_path} in sys.path" in message


def test_a_single_module_in_the_way_is_found_too(tmp_path: Path) -> None:
    (tmp_path / "actors.py").write_text("")

    outcome = run(f"{CHECK}check_siblings()", tmp_path, CHECKOUT)

    assert f"got {tmp_path / 'actors.py'}" in outcome.stderr


def test_one_that_the_host_has_imported_already_is_found(tmp_path: Path) -> None:
    (tmp_path / "host" / "actors").mkdir(parents=True)
    (tmp_path / "host" / "actors" / "__init__.py").write_text("")
    outcome = run(f"import actors; sys.path.pop(0); {CHECK}check_siblings()", tmp_path / "host", CHECKOUT)

    assert f"got {tmp_path / 'host' / 'actors'}" in outcome.stderr


def test_missing_packages_are_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "moomarkets").symlink_to(CHECKOUT / "moomarkets")
    outcome = run(f"{CHECK}from pathlib import Path; check_siblings(Path(sys.path[0]))", tmp_path, options=("-S",))

    assert "ImportError: actors: expected a package in" in outcome.stderr
    assert "install moomarkets again" in outcome.stderr


def test_this_checkout_is_in_order() -> None:
    importlib.invalidate_caches()

    check_siblings()
