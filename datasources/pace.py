"""Says a set of rate windows in one plain phrase."""

from __future__ import annotations

from collections.abc import Sequence

from moomarkets.domain.limits import Window

_UNITS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


def narrowest(windows: Sequence[Window]) -> tuple[int, str]:
    """The window that allows least per time, as (count, unit); odd lengths are converted to minutes.

    Example:
        >>> narrowest((Window(60, 60), Window(1000, 86400)))
        (1000, 'day')
        >>> narrowest((Window(1, 2),))
        (30, 'minute')
    """
    tightest = min(windows, key=lambda window: window.count / window.seconds)
    if tightest.seconds in _UNITS:
        return tightest.count, _UNITS[tightest.seconds]
    return max(1, int(tightest.count * 60 / tightest.seconds)), "minute"
