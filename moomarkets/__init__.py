"""moomarkets: an actor-model job supervisor that keeps your own copy of market data complete and correct.

The public names are resolved at first use, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moomarkets.domain.clock import SystemClock
    from moomarkets.domain.errors import (
        Conflict,
        InvalidInput,
        MoomarketsError,
        NotFound,
        SettingsError,
        StoreUnavailable,
    )
    from moomarkets.domain.limits import Window
    from moomarkets.domain.schedule import CronSchedule, IntervalSchedule
    from moomarkets.domain.secret import Secret
    from moomarkets.settings import Settings
    from moomarkets.system import System
    from moomarkets.testing.manual_clock import ManualClock

    __version__: str

_HOMES = {
    "Conflict": "moomarkets.domain.errors",
    "CronSchedule": "moomarkets.domain.schedule",
    "InvalidInput": "moomarkets.domain.errors",
    "IntervalSchedule": "moomarkets.domain.schedule",
    "ManualClock": "moomarkets.testing.manual_clock",
    "MoomarketsError": "moomarkets.domain.errors",
    "NotFound": "moomarkets.domain.errors",
    "Secret": "moomarkets.domain.secret",
    "Settings": "moomarkets.settings",
    "SettingsError": "moomarkets.domain.errors",
    "StoreUnavailable": "moomarkets.domain.errors",
    "System": "moomarkets.system",
    "SystemClock": "moomarkets.domain.clock",
    "Window": "moomarkets.domain.limits",
}

__all__ = [
    "Conflict",
    "CronSchedule",
    "IntervalSchedule",
    "InvalidInput",
    "ManualClock",
    "MoomarketsError",
    "NotFound",
    "Secret",
    "Settings",
    "SettingsError",
    "StoreUnavailable",
    "System",
    "SystemClock",
    "Window",
    "__version__",
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
