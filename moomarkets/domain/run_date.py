"""The date that a run is about where nobody gave one: today, by the clock of its group's schedule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, tzinfo

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.exchange import exchange_named
from moomarkets.domain.time_zone import zone_named


def local_date(spec: Mapping[str, object] | None, instant: datetime) -> date:
    """The date of `instant` in the time zone that the schedule `spec` names; UTC where it names none that exists.

    Example:
        >>> local_date({"cron": "0 17 * * *", "timezone": "Asia/Tokyo"}, datetime(2026, 11, 20, 16, tzinfo=UTC))
        datetime.date(2026, 11, 21)
    """
    return instant.astimezone(_zone(spec or {})).date()


def _zone(spec: Mapping[str, object]) -> tzinfo:
    try:
        if "market" in spec:
            return exchange_named(spec["market"]).zone
        return zone_named(spec["timezone"]) if "timezone" in spec else UTC
    except InvalidInput:
        return UTC
