"""Gathers the rows of bulk files in packed parts, and stores them with the coverage of their days."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import Connection

from moomarkets.domain import failpoints, quality
from moomarkets.domain.bulk import BulkFile
from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, BadAnswer, Reason
from moomarkets.domain.job import Attempt, Usage
from moomarkets.domain.quality import Asked, Finding, Rules
from moomarkets.domain.quality_catalogue import QUALITY
from moomarkets.domain.quality_checks import ODD_NUMBERS, examine, judge_count
from moomarkets.domain.source import Endpoint
from moomarkets.jobtypes.job_type import Tools
from moomarkets.store import comparisons, coverage, datasets, executions, findings, quarantine
from moomarkets.store.coverage import Owner
from moomarkets.store.datasets import Part, Stored
from moomarkets.store.packing import Provenance, RowPacker

PART_BYTES = 24 * 1024 * 1024
"""So much is stored in one transaction: a month of daily prices fits, and is stored within a few seconds."""


class BulkLoad:
    """One attempt's rows, of one file or several.

    A file that is too large for one transaction is stored in parts, each behind the fence, and covered with the last
    of them alone: what a dead attempt has left behind is found equal by the next.
    """

    def __init__(
        self, endpoint: Endpoint, attempt: Attempt, tools: Tools, source_id: int, part_bytes: int = PART_BYTES
    ) -> None:
        self.endpoint, self._part_bytes = endpoint, part_bytes
        self._attempt, self._tools, self._now = attempt, tools, tools.clock.now()
        self._owner = Owner(attempt.user_id, source_id)
        provenance = Provenance(attempt.user_id, source_id, attempt.lease.execution_id, self._now)
        self._packer, self._provenance = RowPacker(endpoint.dataset, provenance), provenance
        # One for the list of files.
        self._requests, self._bytes, self._files = 1, 0, 0
        self._rows: Counter[date] = Counter()
        self._as_of: dict[date, datetime] = {}
        self._days: frozenset[date] = frozenset()
        self._pieces: list[bytes] = []
        self._size = self._count = 0
        self._is_new, self._stored = True, Stored(0, 0)
        self._rules = QUALITY.get(endpoint.dataset.name, Rules())
        self._suspects: list[Finding] = []
        self._revised = 0

    @property
    def usage(self) -> Usage:
        """What the files have cost and brought so far."""
        return Usage(self._requests, self._bytes, self._rows.total(), self._files)

    def begin(self, file: BulkFile, days: Iterable[date]) -> None:
        """Take from the next batches what belongs to these days, as far as the file tells anything new of them."""
        told = {day: file.modified_at for day in days if _tells(self.endpoint, file, day, self._now)}
        if not told:
            detail = f"bulk file of {self.endpoint.name} {file.period}: expected one that was made after its days"
            raise AttemptError(Reason.PARTIAL, f"{detail}, got one of {file.modified_at.isoformat()}")
        newer, has_rows = self._tools.database.perform(lambda connection: self._found(connection, told))
        self._days = frozenset(told) - newer
        self._as_of |= {day: told[day] for day in self._days}
        self._is_new = self._is_new and not has_rows
        self._files += 1

    def add(self, batch: Batch) -> None:
        """Take a batch of the file that was begun; one that cannot be right fails the attempt before it is stored."""
        self._requests += batch.requests
        self._bytes += batch.bytes
        dates = datasets.dates_of(batch)
        if len(dates) < len(batch.rows):
            detail = f"bulk file of {self.endpoint.name}: expected a date in every row, got rows without"
            raise AttemptError(Reason.SCHEMA, detail)
        rows = batch.rows
        if not self._days.issuperset(dates):
            rows = [row for row, day in zip(rows, dates, strict=True) if day in self._days]
            dates = [day for day in dates if day in self._days]
        odd = {ODD_NUMBERS: batch.warnings[ODD_NUMBERS]} if ODD_NUMBERS in batch.warnings else {}
        if dates:
            self._judge(Batch(batch.dataset, rows), min(dates), max(dates))
        if odd and self._as_of:
            # They are counted over the whole file, and come with its end.
            self._judge(Batch(batch.dataset, [], warnings=odd), min(self._as_of), max(self._as_of))
        self._rows.update(dates)
        piece = self._packer.pack(rows)
        if self._size + len(piece) > self._part_bytes and self._size:
            self._stored += self._tools.database.perform(self._store_ahead)
            self._pieces, self._size, self._count = [], 0, 0
        self._pieces.append(piece)
        self._size, self._count = self._size + len(piece), self._count + len(rows)

    def finish(self, connection: Connection) -> Stored:
        """Store what is left, and that the days are covered."""
        rows: Mapping[date, int] = self._rows
        stored = self._stored + datasets.store(connection, self._part())
        self._demand_newest(connection)
        if stored.twins:
            rows = datasets.count_by_date(
                connection, self.endpoint.dataset, self._owner, min(self._as_of), max(self._as_of)
            )
        self._revised = stored.revised
        self._record(connection, rows)
        failpoints.hit("rows_written")
        return stored

    def committed(self) -> None:
        """Report what was corrected."""
        if self._revised:
            self._tools.events.emit(
                "dataset.corrected",
                dataset=self.endpoint.dataset.name,
                key=ALL,
                from_on=min(self._as_of).isoformat(),
                to_on=max(self._as_of).isoformat(),
                rows=self._revised,
                is_verification=False,
            )

    def _record(self, connection: Connection, rows: Mapping[date, int]) -> None:
        """Record of each day that it is here, whether that corrected it, and what is strange about it.

        A day of which the file seems to lack rows stays missing: it is asked for by itself then.
        """
        owner, dataset, execution_id = self._owner, self.endpoint.dataset, self._attempt.lease.execution_id
        name, found, now = dataset.name, self._found_by_day(), self._tools.clock.sql_now()
        corrected = comparisons.corrected_days(connection, owner, dataset, execution_id) if self._revised else ()
        for day in sorted(self._as_of):
            part, count = Covered(ALL, day, day, self._now), rows.get(day, 0)
            if self._seems_to_lack_rows(day, rows):
                continue
            coverage.record(connection, owner, name, part, rows=count, pages=1, execution_id=execution_id)
            if day in corrected:
                coverage.mark(connection, owner, name, part, is_verified=False, is_corrected=True)
            findings.replace(connection, owner, name, part, found.get(day, ()), execution_id)
            quarantine.supersede(connection, owner, name, part, now)

    def _seems_to_lack_rows(self, day: date, rows: Mapping[date, int]) -> bool:
        if not (count := rows.get(day, 0)):
            # By the exchange's standing rules, which need no stored calendar.
            return self._rules.always_has_rows and TokyoCalendar({}).is_trading_day(day)
        others = [rows[other] for other in self._as_of if other != day and rows.get(other)]
        return judge_count(count, others, self._rules) is not None

    def _judge(self, batch: Batch, first: date, last: date) -> None:
        found = examine(batch, self._rules, Asked(ALL, first, last, is_whole_day=False))
        if bad := quality.rejects(found):
            raise BadAnswer(quality.in_words(bad), [finding.to_json() for finding in found])
        self._suspects += found

    def _found_by_day(self) -> Mapping[date, list[Finding]]:
        """The strange rows of each day, each as a finding of its own."""
        dataset, found = self.endpoint.dataset, defaultdict[date, list[Finding]](list)
        if dataset.date in dataset.key:
            place = dataset.key.index(dataset.date)
            for finding in self._suspects:
                for key in finding.keys:
                    found[date.fromisoformat(key[place])].append(replace(finding, keys=(key,), count=1))
        return found

    def _demand_newest(self, connection: Connection) -> None:
        """After the rows have been stored: they may have waited for those of somebody who was about to commit."""
        if self._newer(connection, self._as_of):
            detail = f"{self.endpoint.name}: expected nobody else to fetch these days meanwhile, got newer ones"
            raise AttemptError(Reason.PARTIAL, detail)

    def _store_ahead(self, connection: Connection) -> Stored:
        stored = datasets.store(connection, self._part())
        self._demand_newest(connection)
        executions.demand_lease(connection, self._attempt)
        return stored

    def _part(self) -> Part:
        dataset = self.endpoint.dataset
        return Part(dataset, self._provenance, self._packer.columns, self._pieces, self._count, self._is_new)

    def _found(self, connection: Connection, told: dict[date, datetime]) -> tuple[set[date], bool]:
        has_rows = datasets.has_rows(connection, self.endpoint.dataset, self._owner, min(told), max(told))
        return self._newer(connection, told), has_rows

    def _newer(self, connection: Connection, told: dict[date, datetime]) -> set[date]:
        """The days that were fetched after the file was made: it must not put its older rows in place of theirs."""
        covered = coverage.read(connection, self._owner, self.endpoint.dataset.name)
        whole = [part for part in covered if part.key == ALL]
        return {
            day
            for day, modified_at in told.items()
            if any(part.from_on <= day <= part.to_on and part.fetched_at > modified_at for part in whole)
        }


def _tells(endpoint: Endpoint, file: BulkFile, day: date, now: datetime) -> bool:
    """Whether the file was made after the data of that day were published; that it is there needs no grace."""
    upkeep = endpoint.upkeep
    if upkeep is None:
        return file.modified_at.date() > day
    is_final = upkeep.final is not None and upkeep.final.of(day) <= now
    publication = upkeep.final if upkeep.final is not None and is_final else upkeep.publication
    return publication.of(day) - publication.grace <= file.modified_at
