"""J-Quants V2 as data: its endpoints, its plans, and the source that they make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from moomarkets.domain.dataset import DAILY_BARS, LISTED_ISSUES, TRADING_CALENDAR
from moomarkets.domain.limits import Window
from moomarkets.domain.source import Endpoint, SourceSpec

LISTED_ISSUES_ENDPOINT = Endpoint("listed_issues", "/equities/master", LISTED_ISSUES)
TRADING_CALENDAR_ENDPOINT = Endpoint("trading_calendar", "/markets/calendar", TRADING_CALENDAR)
DAILY_BARS_ENDPOINT = Endpoint("daily_bars", "/equities/bars/daily", DAILY_BARS)

_ADJUSTED = ("AdjO", "AdjH", "AdjL", "AdjC", "AdjVo")
_HALF_DAY = ("O", "H", "L", "C", "UL", "LL", "Vo", "Va")
# Recomputed by the provider back to the oldest day at every split: a stored copy would go stale silently.
DROPPED_FIELDS = frozenset(f"{half}{name}" for half in ("", "M", "A") for name in _ADJUSTED)
# The Premium plan's morning and afternoon values.
HALF_DAY_FIELDS = frozenset(f"{half}{name}" for half in "MA" for name in _HALF_DAY)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subscription allows: requests in windows, and years back; `delay_weeks` hides the newest.

    Example:
        >>> PLANS["free"].reach(date(2026, 11, 20))
        (datetime.date(2024, 8, 28), datetime.date(2026, 8, 28))
    """

    name: str
    windows: tuple[Window, ...]
    years: int
    delay_weeks: int = 0

    def reach(self, today: date) -> tuple[date, date | None]:
        """First and last readable date as of `today` in Tokyo; None where the end is open."""
        last = today - timedelta(weeks=self.delay_weeks)
        return years_before(last, self.years), last if self.delay_weeks else None


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February for a 29th that does not exist."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


PLANS = {
    plan.name: plan
    for plan in (
        Plan("free", (Window(5, 60),), years=2, delay_weeks=12),
        Plan("light", (Window(60, 60),), years=5),
        Plan("standard", (Window(120, 60),), years=10),
        Plan("premium", (Window(500, 60),), years=20),
    )
}

JQUANTS = SourceSpec(
    code="jquants",
    name="J-Quants",
    description="Japanese equities: issues, trading calendar and daily bars; for personal use only",
    provider_type="jquants",
    base_url="https://api.jquants.com/v2",
    api_version="v2",
    windows=PLANS["free"].windows,
    endpoints=(LISTED_ISSUES_ENDPOINT, TRADING_CALENDAR_ENDPOINT, DAILY_BARS_ENDPOINT),
    needs_credential=True,
    default_silence_s=60.0,
)
