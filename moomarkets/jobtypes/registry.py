"""All job types by name: the built-in ones, and those that other packages bring along."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from moomarkets.domain.events import Events
from moomarkets.jobtypes.daily_quotes import DailyQuotes
from moomarkets.jobtypes.job_type import JobType
from moomarkets.jobtypes.listed_companies import ListedCompanies
from moomarkets.jobtypes.plan_group import PlanGroup
from moomarkets.jobtypes.trading_calendar import TradingCalendar
from moomarkets.jobtypes.yahoo_daily_bars import YahooDailyBars

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
    for built_in in (PlanGroup(), ListedCompanies(), TradingCalendar(), DailyQuotes(), YahooDailyBars()):
        found[built_in.name] = built_in
    return found
