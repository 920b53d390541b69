"""The limits of the simulated service: the plan's, two nested in it, and one for each add-on."""

from __future__ import annotations

from collections.abc import Callable

from datasources.jquants.plans import MINUTES, TDNET
from datasources.simulators.sliding_limit import SlidingLimit
from moomarkets.domain.limits import Window

_NESTED = {"/fins/summary": 60, "/fins/details": 60}
_ADDONS = {MINUTES: 60, TDNET: 100}


class Limits:
    """Admits requests of a key. All windows are as long as that of the plan, 60 s with the real service.

    Example:
        >>> limits = Limits(Window(2, 60), lambda: 0.0, 3)
        >>> [limits.admits("key", path, "") for path in ("/fins/summary", "/markets/calendar", "/fins/summary")]
        [True, True, False]
    """

    def __init__(self, window: Window, monotonic: Callable[[], float], block_after: int) -> None:
        def limit(count: int) -> SlidingLimit:
            return SlidingLimit(Window(count, window.seconds), monotonic, block_after)

        self._plan = limit(window.count)
        self._nested = {path: limit(count) for path, count in _NESTED.items()}
        self._addons = {addon: limit(count) for addon, count in _ADDONS.items()}

    def admits(self, key: str, path: str, addon: str) -> bool:
        """Count one request and say whether it may pass; the add-ons' requests do not touch the plan's limit."""
        if addon:
            return self._addons[addon].admits(key)
        nested = self._nested.get(path)
        return self._plan.admits(key) and (nested is None or nested.admits(key))
