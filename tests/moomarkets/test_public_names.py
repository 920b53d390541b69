from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import moomarkets

CHECKOUT = Path(__file__).parents[2]


def run(code: str) -> str:
    path = f"import sys; sys.path.insert(0, {str(CHECKOUT)!r}); "
    done = subprocess.run([sys.executable, "-I", "-c", path + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("name", sorted(set(moomarkets._HOMES)))
def test_every_public_name_is_found_at_its_home(name: str) -> None:
    if importlib.util.find_spec(moomarkets._HOMES[name]) is None:
        pytest.skip("its module is not there yet")

    assert getattr(moomarkets, name).__name__ == name


def test_the_public_names_are_all_listed() -> None:
    assert set(moomarkets.__all__) == {*moomarkets._HOMES, "__version__"}
    assert set(moomarkets.__all__) <= set(dir(moomarkets))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'moomarkets' has no attribute 'Sytem'"):
        _ = moomarkets.Sytem  # type: ignore[attr-defined]


def test_importing_the_package_loads_nothing_else() -> None:
    code = "before = set(sys.modules); import moomarkets; print(*set(sys.modules) - before)"

    loaded = {name.partition(".")[0] for name in run(code).split()}

    assert loaded - sys.stdlib_module_names == {"moomarkets"}
    assert not {"importlib.metadata", "asyncio", "logging", "zoneinfo"} & loaded
