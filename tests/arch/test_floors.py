"""Imports only go down, and every module has a floor."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.arch.modules import PACKAGES, ROOT, Module, product

LINT = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True, config_filename={!r}))"
# They import nothing of ours above the domain: the public names are lazy, the guard looks without importing.
ABOVE_ALL = {"moomarkets", "moomarkets._siblings", "actors", "datasources"}


def test_imports_only_go_down_the_floors() -> None:
    result = lint(ROOT)

    assert result.returncode == 0, result.stdout


def test_an_import_that_goes_up_is_found(tmp_path: Path) -> None:
    for package in PACKAGES:
        for module in product():
            if module.place.startswith(package + "/"):
                copy = tmp_path / module.place
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_text(module.text, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (tmp_path / "actors/otp/up.py").write_text("import moomarkets.domain.job\n", encoding="utf-8")
    (tmp_path / "moomarkets/store/up.py").write_text("import datasources.registry\n", encoding="utf-8")
    (tmp_path / "moomarkets/domain/up.py").write_text("import moomarkets.testing.manual_clock\n", encoding="utf-8")

    result = lint(tmp_path)

    assert result.returncode == 1
    assert "actors.otp.up -> moomarkets.domain.job" in result.stdout
    assert "moomarkets.store.up -> datasources.registry" in result.stdout
    assert "moomarkets.domain.up -> moomarkets.testing.manual_clock" in result.stdout


def test_every_module_has_its_floor() -> None:
    placed = floors()

    homeless = [module.name for module in product() if not _has_floor(module, placed)]

    assert homeless == []


def floors() -> set[str]:
    """The modules and packages that the contracts of pyproject.toml place."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = {contract["id"]: contract for contract in settings["tool"]["importlinter"]["contracts"]}
    entries = [*contracts["floors"]["layers"], *contracts["beside"]["source_modules"]]
    return {name.strip(" ()") for entry in entries for name in re.split("[|:]", entry)}


def lint(where: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the packages in that folder."""
    code = LINT.format(str(where / "pyproject.toml"))
    return subprocess.run([sys.executable, "-c", code], cwd=where, capture_output=True, text=True, check=False)


def _has_floor(module: Module, placed: set[str]) -> bool:
    parts = module.name.split(".")
    lineage = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return bool(lineage & placed) or module.name in ABOVE_ALL
