"""Sources by their code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from datasources import registry
from datasources.host_names import HostNames
from datasources.jquants.v2 import JQuantsV2
from datasources.opening import Opening
from datasources.yahoo import YahooChart
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import CredentialsMissing, NotFound, PluginError
from moomarkets.domain.limits import Window
from moomarkets.domain.secret import Secret
from moomarkets.testing.open_gate import OpenGate
from tests.datasources.support import RecordedEvents

PLUGIN = """
from dataclasses import replace
from datasources.registry import Provider, find
provider = Provider(replace(find("yahoo").spec, code="sunflower"), find("yahoo").open)
"""


def build(code: str, credential: dict[str, Secret] | None, windows: tuple[Window, ...] = ()) -> object:
    gate, clock = OpenGate(), SystemClock()
    opening = Opening("", credential or {}, gate, clock, windows, RecordedEvents(), HostNames())
    source = registry.build(code, opening)
    limit = source.get_rate_limit()
    source.close()
    return type(source), limit


def test_the_built_in_sources_are_built_by_code() -> None:
    assert build("jquants", {"api_key": Secret("k")}) == (JQuantsV2, (5, "minute"))
    assert build("yahoo", None, (Window(7, 3600),)) == (YahooChart, (7, "hour"))


def test_a_source_that_needs_a_credential_says_which() -> None:
    with pytest.raises(CredentialsMissing, match="credentials set jquants"):
        build("jquants", None)


def test_an_unknown_code_is_not_found() -> None:
    with pytest.raises(NotFound, match="source nowhere does not exist"):
        build("nowhere", None)


def test_another_package_brings_a_source_by_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sunflower_plugin.py").write_text(PLUGIN)
    metadata = tmp_path / "sunflower-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sunflower\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[moomarkets.datasources]\nsunflower = sunflower_plugin:provider\nyahoo = never_loaded:provider\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    assert build("sunflower", None) == (YahooChart, (30, "minute"))
    assert [spec.code for spec in registry.installed().specs] == ["jquants", "yahoo", "jquants-v1", "sunflower"]
    monkeypatch.delitem(sys.modules, "sunflower_plugin")


@pytest.mark.parametrize("value", ["never_there:provider", "json:loads"])
def test_a_broken_plug_in_is_a_fault_of_its_source_and_of_no_other(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = tmp_path / "sunflower-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: sunflower\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[moomarkets.datasources]\nsunflower = {value}\n")
    monkeypatch.syspath_prepend(tmp_path)

    found = registry.installed()

    assert [spec.code for spec in found.specs] == ["jquants", "yahoo", "jquants-v1"]
    assert list(found.faults) == ["sunflower"]
    with pytest.raises(PluginError, match="plug-in sunflower of"):
        registry.find("sunflower")
