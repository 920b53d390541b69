"""The version is written twice, in the same words: for installers, and for the rows of nodes."""

from __future__ import annotations

import tomllib

from moomarkets.assembly import VERSION
from tests.arch.modules import ROOT


def test_the_version_of_the_package_is_that_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["version"] == VERSION


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")

    assert f"## [{VERSION}]" in changelog
