"""Fetches one bulk file, a month or a day of a dataset: rows and the coverage of its days are stored together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from moomarkets.domain import failpoints
from moomarkets.domain.bulk import BulkFile, period_dates
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.errors import AttemptError, CredentialsMissing, InvalidInput, Reason, SourceError
from moomarkets.domain.job import Attempt, PlannedJob
from moomarkets.domain.learnt import files_of
from moomarkets.domain.source import BulkSource
from moomarkets.jobtypes.bulk_load import PART_BYTES, BulkLoad
from moomarkets.jobtypes.job_type import Outcome, Tools
from moomarkets.jobtypes.refusals import Task, is_known_to_be_out_of_window, learn_from
from moomarkets.store.coverage import Owner


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


def perform_bulk(
    source: str, endpoint: str, attempt: Attempt, tools: Tools, token: CancelToken, part_bytes: int = PART_BYTES
) -> Outcome:
    """Fetch the file that the attempt's parameters name; its write stores rows and coverage or neither.

    Where the provider has no file of the month yet, those of its days do. What a refusal teaches is what it teaches of
    answers by day, but that there are no files says nothing of those.
    """
    try:
        wanted = BulkFetch.of(attempt.parameters)
    except InvalidInput as error:
        raise AttemptError(Reason.INVALID, f"parameters of job {attempt.key}: {error}") from None
    try:
        client = tools.open_source(attempt.user_id, source)
    except CredentialsMissing as error:
        raise AttemptError(Reason.AUTH, str(error)) from None
    if not isinstance(client, BulkSource):
        raise AttemptError(Reason.INVALID, f"{source}: expected a source with bulk files, got one without")
    asked, owner = client.spec.endpoint(endpoint), Owner(attempt.user_id, tools.source_ids[source])
    covered = Covered(ALL, min(wanted.days), max(wanted.days), tools.clock.now())
    task = Task(client, asked, owner, covered, {}, attempt.lease.execution_id)
    if is_known_to_be_out_of_window(task, tools, files_of(endpoint)):
        return task.out_of_window()
    load = BulkLoad(asked, attempt, tools, owner.source_id, part_bytes)
    try:
        _take(client, load, wanted, token)
    except SourceError as error:
        # Without dates it is the files that are refused.
        named = endpoint if error.readable else files_of(endpoint)
        window = learn_from(replace(task, endpoint=replace(asked, name=named)), error, tools)
        if window is None or window.meets(covered.from_on, covered.to_on):
            raise
        return task.out_of_window()
    failpoints.hit("response_parsed")
    return Outcome(load.usage, load.finish, committed=load.committed)


def _take(client: BulkSource, load: BulkLoad, wanted: BulkFetch, token: CancelToken) -> None:
    files = client.bulk_files(load.endpoint, wanted.period, token)
    for file, days in _chosen(files, wanted):
        load.begin(file, days)
        for batch in client.open_bulk(load.endpoint, file, token):
            token.check()
            load.add(batch)


def _chosen(files: Sequence[BulkFile], wanted: BulkFetch) -> Sequence[tuple[BulkFile, tuple[date, ...]]]:
    """The file of the period; without it those of single days, as far as there are some."""
    by_period = {file.period: file for file in files}
    if wanted.period in by_period:
        return [(by_period[wanted.period], wanted.days)]
    chosen = [(by_period[day.isoformat()], (day,)) for day in wanted.days if day.isoformat() in by_period]
    if not chosen:
        detail = f"bulk files of {wanted.dataset}: expected one of {wanted.period}, got none yet"
        raise AttemptError(Reason.PARTIAL, detail)
    return chosen
