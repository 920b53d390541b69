"""The lengths of bars that Yahoo's charts have, and for how long the short ones can be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Interval:
    """One length of bars, in seconds. Bars within a day are perishable: they can be had for `kept_days`, today
    included. We ask for at most `request_days` at once; the service measures a request by `widest_days` times 24 hours.

    Example:
        >>> INTERVALS["1m"].oldest(date(2026, 11, 30))
        datetime.date(2026, 11, 2)
    """

    name: str
    seconds: int
    kept_days: int
    request_days: int
    widest_days: int

    def oldest(self, today: date) -> date:
        """The oldest day that surely can still be had all through `today`."""
        # A day less than promised: what is asked for at the edge may be gone when the request arrives.
        return today - timedelta(days=self.kept_days - 2)


INTERVALS = {
    interval.name: interval
    for interval in (
        Interval("1m", 60, 30, 6, 8),
        Interval("5m", 300, 60, 30, 60),
        Interval("15m", 900, 60, 30, 60),
        Interval("30m", 1800, 60, 30, 60),
        Interval("60m", 3600, 730, 180, 730),
    )
}
"""By their names in a request, the shortest first (limits as the service states them in its refusals)."""
