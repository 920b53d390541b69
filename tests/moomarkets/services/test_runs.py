"""Groups and their runs are found by name or id, page by page, and only by their owner."""

from __future__ import annotations

import pytest

from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.services.runs import Runs
from moomarkets.system import System


def test_runs_are_found_by_group_status_and_page(system: System) -> None:
    made = []
    for _ in range(3):
        run = system.groups.run("reference")
        system.groups.stop("reference")
        assert run.wait(timeout_s=60).is_final
        made.append(run.id)

    newest = system.runs.list(group="reference", limit=2)
    older = system.runs.list(group="reference", before=int(str(newest[-1]["id"])))

    assert [run["id"] for run in newest + older] == sorted(made, reverse=True)
    assert system.runs.list(status="running") == []
    assert system.runs.show(made[0])["job_group"] == "reference"


def test_another_user_finds_nothing(system: System) -> None:
    run_id = system.groups.run("reference").id
    stranger = Runs(system.installation.reads, user_id=999)

    assert stranger.list() == []
    for look in (lambda: stranger.show(run_id), lambda: stranger.group("reference"), lambda: stranger.group_by_id(1)):
        with pytest.raises(NotFound):
            look()


def test_what_cannot_be_is_refused(system: System) -> None:
    with pytest.raises(InvalidInput, match="status: expected one of pending, running"):
        system.runs.list(status="perhaps")
    with pytest.raises(InvalidInput, match="limit"):
        system.runs.list(limit=0)
    with pytest.raises(NotFound, match="reference"):
        system.runs.group("referenze")
    with pytest.raises(InvalidInput, match="before"):
        system.runs.list(before=2**63)
