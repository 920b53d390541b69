"""The source of the page about sources: installed as a package, it keeps the contract, has its table and fills it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from moomarkets.checks import problems
from moomarkets.domain.clock import ShiftedClock, SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.domain.group import GroupDefinition, RunStatus
from moomarkets.domain.secret import Secret
from moomarkets.installation import Installation
from moomarkets.settings import Settings, SourceSettings
from moomarkets.store.dataset_tables import ensure
from moomarkets.system import System
from moomarkets.testing.data_source_contract import DataSourceContract
from tests.support import sunspots

NOW = datetime(2026, 11, 20, 20, tzinfo=UTC)


@contextmanager
def installed(owner_url: str, directory: Path, **sources: Any) -> Iterator[Installation]:
    settings = Settings(database_url=Secret(owner_url), data_dir=directory, sources=sources)
    with ExitStack() as undo:
        yield Installation(settings, SystemClock(), NoEvents(), undo)


@pytest.fixture
def page_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    sunspots.install(tmp_path, monkeypatch)
    import importlib

    yield importlib.import_module("sunspots")
    sys.modules.pop("sunspots", None)


class TestTheSourceOfThePage(DataSourceContract):
    endpoint = "sunspots"
    request = {"from": "2026-11-01", "to": "2026-11-20"}  # noqa: RUF012 - as the contract has it
    empty_request = {"from": "1700-01-01", "to": "1700-01-02"}  # noqa: RUF012
    secrets = (sunspots.TOKEN,)

    @pytest.fixture(autouse=True)
    def _code(self, page_module: Any) -> None:
        """The code of the page, with its own contract class made from the page too."""
        names = {**vars(page_module), "simulated_sunspots": sunspots.simulated_sunspots}
        exec(compile(sunspots.blocks("python")[1], str(sunspots.PAGE), "exec"), names)
        self.of_the_page = names["TestSunspots"]()

    def simulator(self) -> Any:
        return self.of_the_page.simulator()

    def open(self, base_url: str, gate: Any, clock: Any) -> Any:
        assert (self.of_the_page.request, self.of_the_page.secrets) == (self.request, self.secrets)
        return self.of_the_page.open(base_url, gate, clock)


@pytest.mark.usefixtures("page_module")
def test_a_run_fills_its_table(owner_url: str, tmp_path: Path) -> None:
    group = GroupDefinition(
        name="spots",
        data_source="sunspots",
        job_types=("sunspots",),
        scope={"from": "2026-11-01", "to": "2026-11-20"},
    )
    with sunspots.simulated_sunspots() as url:
        sources = {"sunspots": SourceSettings(base_url=url)}
        settings = Settings(database_url=Secret(owner_url), data_dir=tmp_path, poll_s=1, sources=sources)
        with System(settings, clock=ShiftedClock.starting_at(NOW)) as system:
            system.credentials.set("sunspots", {"token": Secret(sunspots.TOKEN)})
            system.groups.create(group)
            ended = system.groups.run("spots").wait(timeout_s=60)
            with system.installation.reads.transaction() as connection:
                stored = connection.execute(text("SELECT count(*), max(spots) FROM v_data_sunspots")).one()

    assert ended is RunStatus.COMPLETED
    # From the first trading day on, which is a Monday.
    assert tuple(stored) == (19, 20.0)


def test_a_broken_package_is_a_red_source_and_everything_else_works(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sunspots.install(tmp_path, monkeypatch, "import a_package_that_is_not_there\n")

    with installed(owner_url, tmp_path) as installation:
        listed = {row["code"]: row for row in installation.sources.list()}
        found = list(problems(installation))

    assert "ModuleNotFoundError" in str(listed["sunspots"]["fault"])
    assert listed["jquants"]["fault"] is None
    assert any(problem.startswith("source sunspots: ModuleNotFoundError") for problem in found)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('"sunspots",\n    key', '"jobs",\n    key', "expected one that no other table has, got 'jobs'"),
        ('"sunspots",\n    key', '"daily_bars",\n    key', "expected one that no other table has, got 'daily_bars'"),
        ('"sunspots",\n    key', '"Sun spots",\n    key', "lower-case letters"),
        ('key=("on_date",)', 'key=("moon",)', "expected some of the columns"),
    ],
)
def test_a_dataset_that_can_have_no_table_is_a_fault_of_its_source(
    owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, fault: str
) -> None:
    code = sunspots.blocks("python")[0]
    assert old in code
    sunspots.install(tmp_path, monkeypatch, code.replace(old, new))

    with installed(owner_url, tmp_path) as installation:
        assert fault in installation.source_faults["sunspots"]
        assert set(installation.specs) == {"jquants", "yahoo", "jquants-v1"}


def test_a_new_column_is_added_and_another_type_or_key_is_refused(owner_url: str, page_module: Any) -> None:
    from dataclasses import replace

    from moomarkets.domain.dataset import EXTRA, number
    from moomarkets.domain.dataset import text as texts

    first = page_module.SUNSPOTS
    wider = replace(first, columns=(*first.columns[:-1], number("groups", "groups"), EXTRA))
    retyped = replace(first, columns=(first.columns[0], texts("spots", "count"), EXTRA))

    assert ensure(owner_url, [first]) == {}
    assert ensure(owner_url, [wider]) == {}
    assert ensure(owner_url, [first]) == {}
    assert (
        "expected double precision, as when its table was made, got 'text'" in ensure(owner_url, [retyped])["sunspots"]
    )
    assert "key: expected on_date" in ensure(owner_url, [replace(first, key=("on_date", "spots"))])["sunspots"]
