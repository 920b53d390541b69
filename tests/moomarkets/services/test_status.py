"""The status: groups, rows, nodes and what is left, with or without a supervisor."""

from __future__ import annotations

from moomarkets.system import System
from tests.moomarkets.conftest import OpenInstallation


def test_a_running_system_shows_groups_rows_nodes_and_what_is_left(system: System) -> None:
    system.groups.run("reference").wait(30)

    shown = system.status.show()

    assert [group["name"] for group in shown["groups"]] == ["reference", "daily-bars", "yahoo-daily-bars"]  # type: ignore[attr-defined]
    assert [str(node["id"]) for node in shown["nodes"]] == [system.node_id]  # type: ignore[attr-defined]
    assert shown["datasets"]["listed_issues"] == system.status.datasets()["listed_issues"] > 0  # type: ignore[index]
    assert shown["left"]["running_jobs"] == 0  # type: ignore[index]


def test_an_installation_without_a_supervisor_shows_no_node(open_installation: OpenInstallation) -> None:
    assert open_installation().status.show()["nodes"] == []
