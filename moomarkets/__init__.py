"""moomarkets: an actor-model job supervisor that keeps your own copy of market data complete and correct.

The public names are resolved at first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moomarkets.domain.catch_up import CatchUp, Overlap
    from moomarkets.domain.clock import SystemClock
    from moomarkets.domain.errors import (
        Conflict,
        InvalidInput,
        MoomarketsError,
        NotFound,
        SettingsError,
        StoreUnavailable,
    )
    from moomarkets.domain.group import Dependency, GroupDefinition
    from moomarkets.domain.job import PlannedJob
    from moomarkets.domain.limits import Window
    from moomarkets.domain.schedule import CronSchedule, IntervalSchedule
    from moomarkets.domain.secret import Secret
    from moomarkets.domain.when import after_close, business_day_of_week, cron, every, trading_days
    from moomarkets.reader import open_data
    from moomarkets.settings import Settings
    from moomarkets.store.enqueue import enqueue
    from moomarkets.system import System
    from moomarkets.testing.manual_clock import ManualClock

    __version__: str

_HOMES = {
    "CatchUp": "moomarkets.domain.catch_up",
    "Conflict": "moomarkets.domain.errors",
    "CronSchedule": "moomarkets.domain.schedule",
    "Dependency": "moomarkets.domain.group",
    "GroupDefinition": "moomarkets.domain.group",
    "IntervalSchedule": "moomarkets.domain.schedule",
    "InvalidInput": "moomarkets.domain.errors",
    "ManualClock": "moomarkets.testing.manual_clock",
    "MoomarketsError": "moomarkets.domain.errors",
    "NotFound": "moomarkets.domain.errors",
    "Overlap": "moomarkets.domain.catch_up",
    "PlannedJob": "moomarkets.domain.job",
    "Secret": "moomarkets.domain.secret",
    "Settings": "moomarkets.settings",
    "SettingsError": "moomarkets.domain.errors",
    "StoreUnavailable": "moomarkets.domain.errors",
    "System": "moomarkets.system",
    "SystemClock": "moomarkets.domain.clock",
    "Window": "moomarkets.domain.limits",
    "after_close": "moomarkets.domain.when",
    "business_day_of_week": "moomarkets.domain.when",
    "cron": "moomarkets.domain.when",
    "enqueue": "moomarkets.store.enqueue",
    "every": "moomarkets.domain.when",
    "open_data": "moomarkets.reader",
    "trading_days": "moomarkets.domain.when",
}

__all__ = [
    "CatchUp",
    "Conflict",
    "CronSchedule",
    "Dependency",
    "GroupDefinition",
    "IntervalSchedule",
    "InvalidInput",
    "ManualClock",
    "MoomarketsError",
    "NotFound",
    "Overlap",
    "PlannedJob",
    "Secret",
    "Settings",
    "SettingsError",
    "StoreUnavailable",
    "System",
    "SystemClock",
    "Window",
    "__version__",
    "after_close",
    "business_day_of_week",
    "cron",
    "enqueue",
    "every",
    "open_data",
    "trading_days",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("moomarkets")
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'moomarkets' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
