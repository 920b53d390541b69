"""Fetches one bulk file, a month or a day of a dataset: rows and the coverage of its days are stored together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from moomarkets.domain.bulk import period_dates
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, InvalidInput, Reason
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.jobtypes.job_type import Outcome, Tools


@dataclass(frozen=True, slots=True)
class BulkFetch:
    """One file and the days that it is to cover; travels as the parameters of a job.

    `period` is a month like "2024-01" or a day like "2024-01-15". Rows of other days than `days` are left alone.

    Example:
        >>> BulkFetch("daily_bars", "2024-01", (date(2024, 1, 4),)).job("daily_bars 2024-01", "daily_bars", "bars").key
        'daily_bars 2024-01'
    """

    dataset: str
    period: str
    days: tuple[date, ...]

    def __post_init__(self) -> None:
        first, last = period_dates(self.period)
        if not self.days:
            raise InvalidInput("days", f"dates from {first} to {last}", "none")
        if outside := [day for day in self.days if not first <= day <= last]:
            raise InvalidInput("days", f"dates from {first} to {last}", outside[0].isoformat())

    def job(self, key: str, job_type: str, name: str) -> PlannedJob:
        """The job that does it."""
        parameters: dict[str, object] = {
            "bulk": {"dataset": self.dataset, "period": self.period},
            "days": [day.isoformat() for day in self.days],
        }
        return PlannedJob(key, job_type, name, parameters)

    @classmethod
    def of(cls, parameters: Mapping[str, object]) -> BulkFetch:
        """What the parameters of such a job say; `InvalidInput` where they say nothing sensible."""
        bulk, days = parameters.get("bulk"), parameters.get("days")
        if not isinstance(bulk, dict) or not {"dataset", "period"} <= set(bulk):
            raise InvalidInput("bulk", "a map with dataset and period", bulk)
        if not isinstance(days, list):
            raise InvalidInput("days", "a list of dates", days)
        try:
            dates = tuple(date.fromisoformat(day) for day in days)
        except (TypeError, ValueError):
            raise InvalidInput("days", "a list of dates like 2024-01-15", days) from None
        return cls(str(bulk["dataset"]), str(bulk["period"]), dates)


def is_bulk(attempt: Attempt) -> bool:
    """Whether the job of this attempt was made by `BulkFetch.job`."""
    return "bulk" in attempt.parameters


def perform_bulk(source: str, endpoint: str, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
    """Fetch the file that the attempt's parameters name; its write stores rows and coverage or neither."""
    raise AttemptError(Reason.INVALID, f"{endpoint}: expected a source with bulk files, got {source}")
