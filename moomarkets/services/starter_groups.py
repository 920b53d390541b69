"""The groups that a fresh database starts with: what most people want, each switched on."""

from __future__ import annotations

from moomarkets.domain.errors import Conflict
from moomarkets.domain.group import GroupDefinition
from moomarkets.services.groups import GroupDesk

REFERENCE = "reference"
DAILY_BARS = "daily-bars"
YAHOO_DAILY_BARS = "yahoo-daily-bars"

US_SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "NVDA")


def starter_groups(max_retries: int, retry_delay_s: float, *, is_chained: bool = False) -> list[GroupDefinition]:
    """Issues and calendar, then the newest 20 trading days of Tokyo; and five US symbols.

    The US symbols wait for nobody, since they need no key; with `is_chained` they come after Tokyo, as a show of it.
    """
    return [
        GroupDefinition(
            name=REFERENCE,
            description="Listed issues and trading calendar of the Tokyo exchange",
            data_source="jquants",
            job_types=("trading_calendar", "listed_companies"),
            schedule={"cron": "0 6 * * *", "timezone": "Asia/Tokyo"},
            priority=7,
            max_retries=max_retries,
            retry_delay_s=round(retry_delay_s),
        ),
        GroupDefinition(
            name=DAILY_BARS,
            description="Daily bars of the whole Tokyo market, the newest 20 trading days",
            data_source="jquants",
            endpoint_id="jquants/daily_bars",
            job_types=("daily_quotes",),
            scope={"newest": 20, "reverify": 2},
            schedule={"cron": "0 17 * * 1-5", "timezone": "Asia/Tokyo"},
            depends_on=(REFERENCE,),
            max_retries=max_retries,
            retry_delay_s=round(retry_delay_s),
        ),
        GroupDefinition(
            name=YAHOO_DAILY_BARS,
            description="Daily bars of five US symbols",
            data_source="yahoo",
            endpoint_id="yahoo/yahoo_daily_bars",
            job_types=("yahoo_daily_bars",),
            scope={"symbols": list(US_SYMBOLS)},
            schedule={"cron": "0 18 * * 1-5", "timezone": "America/New_York"},
            depends_on=(DAILY_BARS,) if is_chained else (),
            max_retries=max_retries,
            retry_delay_s=round(retry_delay_s),
        ),
    ]


def create_starter_groups(groups: GroupDesk, definitions: list[GroupDefinition]) -> list[str]:
    """Create those groups that are not there, if the user has none at all yet; returns the names of the new ones."""
    if groups.list():
        return []
    return [definition.name for definition in definitions if _create(groups, definition)]


def _create(groups: GroupDesk, definition: GroupDefinition) -> bool:
    try:
        groups.create(definition)
    except Conflict:
        return False  # another process starts on the same fresh database
    return True
