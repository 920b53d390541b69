"""All job types by name: the built-in ones, and those that other packages bring along."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from datasources.registry import ENTRY_POINTS as SOURCES
from datasources.registry import installed
from moomarkets.domain.events import Events
from moomarkets.domain.upkeep import Cut
from moomarkets.jobtypes.daily_quotes import DailyQuotes
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import JobType
from moomarkets.jobtypes.listed_companies import ListedCompanies
from moomarkets.jobtypes.plan_group import PlanGroup
from moomarkets.jobtypes.trading_calendar import TradingCalendar
from moomarkets.jobtypes.yahoo_daily_bars import YahooDailyBars
from moomarkets.jobtypes.yahoo_intraday_bars import YahooIntradayBars

ENTRY_POINTS = "moomarkets.jobs"


def job_types(events: Events, extra: Sequence[JobType] = ()) -> dict[str, JobType]:
    """Every job type by its name. One from another package that cannot be loaded is reported and left out.

    `extra` are those of an embedding program. A package offers one under the entry point group `moomarkets.jobs`: a
    class without arguments.
    """
    found: dict[str, JobType] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        try:
            found[entry.name] = entry.load()()
        except Exception as error:  # noqa: BLE001 - foreign code: a broken plug-in must not take the others down
            events.emit(
                "plugin.failed",
                group=ENTRY_POINTS,
                plugin=entry.name,
                error=f"{type(error).__name__}: {error}",
            )
    for given in extra:
        found[given.name] = given
    own: tuple[JobType, ...] = (
        PlanGroup(),
        ListedCompanies(),
        TradingCalendar(),
        DailyQuotes(),
        YahooDailyBars(),
        YahooIntradayBars(),
    )
    for built_in in (*own, *_upkeeps(events, own)):
        found[built_in.name] = built_in
    return found


def _upkeeps(events: Events, own: Sequence[JobType]) -> list[JobType]:
    """A job type for each endpoint that says how its dataset is kept, unless one of our own keeps it.

    It has the name of its dataset; where another source has that one already, with the name of its source before it.
    """
    sources = installed()
    for plugin, fault in sources.faults.items():
        events.emit("plugin.failed", group=SOURCES, plugin=plugin, error=fault)
    kept = {(job_type.source, job_type.dataset) for job_type in own}
    taken = {job_type.dataset for job_type in own} | {job_type.name for job_type in own}
    upkeeps: list[JobType] = []
    for spec in sources.specs:
        for endpoint in spec.endpoints:
            if endpoint.upkeep is None or endpoint.upkeep.cut is Cut.SYMBOL:
                continue
            dataset = endpoint.dataset.name
            if (spec.code, dataset) not in kept:
                name = f"{spec.code.replace('-', '_')}_{dataset}" if dataset in taken else dataset
                upkeeps.append(DatasetUpkeep(spec.code, endpoint, name))
                taken.add(dataset)
    return upkeeps
