"""Keeps the daily bars of the whole Tokyo market, one trading day per request."""

from __future__ import annotations

from datasources.jquants.endpoints import DAILY_BARS_ENDPOINT, JQUANTS
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep


class DailyQuotes(DatasetUpkeep):
    """One job per trading day that is published, readable and not here yet; its key is that day."""

    def __init__(self) -> None:
        super().__init__(JQUANTS.code, DAILY_BARS_ENDPOINT)
        self.name = "daily_quotes"
        self.description = "Daily bars of all issues, by trading day (J-Quants)"

    def key_of(self, day: str) -> str:
        return day

    def title_of(self, days: str) -> str:
        return f"daily bars of {days}"
