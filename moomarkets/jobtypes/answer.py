"""One answer on its way into the store: compared with what is there, stored with its coverage, or put in quarantine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import cached_property

from sqlalchemy import Connection

from moomarkets.domain import failpoints, quality
from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import AttemptError, BadAnswer
from moomarkets.domain.quality import Asked, Finding, Rules, Severity
from moomarkets.domain.quality_catalogue import QUALITY
from moomarkets.domain.quality_checks import examine, judge_count
from moomarkets.jobtypes.job_type import Tools
from moomarkets.store import comparisons, coverage, datasets, findings, quarantine, reading_marks
from moomarkets.store.coverage import Owner
from moomarkets.store.datasets import Rows, Stored
from moomarkets.store.quarantine import Captive

ONE_DAY = timedelta(days=1)


class Answer:
    """What came for one partition, with the rules of its dataset.

    `write` stores all of it or raises `BadAnswer`; `refused` then keeps it, in a transaction of its own. `committed`
    tells what the answer has corrected, once that is durable. `is_verification`: it was here already, and was asked for
    again to see whether it still is the same.
    """

    def __init__(
        self,
        batch: Batch,
        endpoint: str,
        owner: Owner,
        covered: Covered,
        execution_id: int,
        tools: Tools,
        *,
        is_verification: bool = False,
    ) -> None:
        self.batch, self._endpoint, self._owner, self._covered = batch, endpoint, owner, covered
        self._execution_id, self._tools, self._is_verification = execution_id, tools, is_verification
        self.rules = QUALITY.get(batch.dataset.name, Rules())
        is_whole_day = covered.key == ALL and covered.from_on == covered.to_on
        self._asked = Asked(covered.key, covered.from_on, covered.to_on, is_whole_day)
        self._revised = 0
        self._changed_factors: Sequence[tuple[str, date]] = ()

    @cached_property
    def found(self) -> list[Finding]:
        """What the answer alone shows to be wrong."""
        return examine(self.batch, self.rules, self._asked)

    def write(self, connection: Connection) -> Stored:
        """Store rows, coverage and findings, in the transaction that ends the attempt.

        Raises:
            BadAnswer: nothing of it may be stored; the caller's transaction must roll back.
        """
        # What continues an earlier answer holds only what is new: there is nothing to compare it with.
        found = [*self.found, *([] if self.batch.continues else self._compare_count(connection))]
        self._judge(connection, found)
        stored = datasets.upsert(
            connection,
            self.batch,
            self._owner,
            execution_id=self._execution_id,
            fetched_at=self._covered.fetched_at,
            look=lambda before, rows: self._compare_rows(before, rows, found),
        )
        name, now = self.batch.dataset.name, self._tools.clock.sql_now()
        rows = len(self.batch.rows) - stored.twins
        if self.batch.continues:
            rows += coverage.rows_of(connection, self._owner, name, self._covered) or 0
        if self.batch.cursor:
            day, fetched_at = self._covered.from_on, self._covered.fetched_at
            reading_marks.write(connection, self._owner, name, day, self.batch.cursor, fetched_at)
        coverage.record(
            connection,
            self._owner,
            name,
            self._covered,
            rows=rows,
            pages=self.batch.pages,
            execution_id=self._execution_id,
        )
        self._revised = stored.revised
        if self._is_verification or stored.revised:
            coverage.mark(
                connection,
                self._owner,
                name,
                self._covered,
                is_verified=self._is_verification,
                is_corrected=stored.revised > 0,
            )
        self._note_factors(connection)
        findings.replace(connection, self._owner, name, self._covered, found, self._execution_id)
        quarantine.supersede(connection, self._owner, name, self._covered, now)
        failpoints.hit("rows_written")
        return stored

    def refused(self, error: AttemptError) -> None:
        """Keep the answer as it came; `error` says why it was not stored."""
        found = error.findings if isinstance(error, BadAnswer) else ()
        captive = Captive(
            endpoint=self._endpoint,
            dataset=self.batch.dataset.name,
            covered=self._covered,
            reason=str(error.reason),
            detail=error.detail,
            bodies=self.batch.bodies,
            pages=self.batch.pages,
            findings=found,
            rows=len(self.batch.rows),
            execution_id=self._execution_id,
        )
        keep(captive, self._owner, self._tools)

    def committed(self) -> None:
        """Report what was corrected."""
        if not self._revised:
            return
        part = {
            "dataset": self.batch.dataset.name,
            "key": self._covered.key,
            "from_on": self._covered.from_on.isoformat(),
            "to_on": self._covered.to_on.isoformat(),
        }
        is_verification = self._is_verification
        self._tools.events.emit("dataset.corrected", **part, rows=self._revised, is_verification=is_verification)
        if self._changed_factors:
            symbols = sorted({symbol for symbol, _ in self._changed_factors})
            self._tools.events.emit("corporate_action.corrected", **part, symbols=symbols[:20], count=len(symbols))

    def _judge(self, connection: Connection, found: Sequence[Finding]) -> None:
        bad = quality.rejects(found)
        if not bad:
            return
        name = self.batch.dataset.name
        if not quarantine.is_accepted(connection, self._owner, name, self._covered, self.batch.bodies):
            raise BadAnswer(quality.in_words(bad), [finding.to_json() for finding in found])

    def _compare_count(self, connection: Connection) -> list[Finding]:
        # What continues an earlier answer is never a whole day.
        if not self._asked.is_whole_day or self.rules.row_band is None or self.batch.continues:
            return []
        name, covered = self.batch.dataset.name, self._covered
        usual = comparisons.usual_counts(connection, self._owner, name, covered.key, covered.from_on)
        finding = judge_count(len(self.batch.rows), usual, self.rules)
        return [] if finding is None else [finding]

    def _compare_rows(self, connection: Connection, rows: Rows, found: list[Finding]) -> None:
        """Compare the rows, once they lie ready to be stored, with what is there of this day and of the one beside."""
        if self._asked.is_whole_day:
            found += self._vanished(connection, rows)
            self._compare_closes(connection, rows, found)

    def _vanished(self, connection: Connection, rows: Rows) -> list[Finding]:
        """Rows that are here and did not come again; they stay, for nothing else says that they are wrong."""
        dataset, rules, day = self.batch.dataset, self.rules, self._covered.from_on
        if not self._is_verification or not (dataset.symbol and rules.keeps_to_dates):
            return []
        symbols = comparisons.vanished(connection, self._owner, dataset, day, rows)
        if not symbols:
            return []
        detail = f"expected the rows that are here already, got none of {len(symbols):,} symbols"
        keys = tuple(self._key(symbol) for symbol in symbols[: quality.MOST_KEYS])
        return [Finding("vanished", Severity.SUSPECT, detail, keys, len(symbols))]

    def _compare_closes(self, connection: Connection, rows: Rows, found: list[Finding]) -> None:
        dataset, jump, day = self.batch.dataset, self.rules.jump, self._covered.from_on
        if jump is None:
            return
        beside = comparisons.neighbour(connection, self._owner, dataset, day)
        if beside is None or not _are_adjacent(beside.on_date, day):
            return
        seen = comparisons.jumps(connection, self._owner, dataset, jump, beside, day, rows)
        if not seen.count:
            return
        severity = quality.severity_of(seen.count, seen.compared)
        expected = f"expected {jump.column} within {jump.times:g} times that of {beside.on_date}"
        detail = f"{expected}, got others in {seen.count:,} of {seen.compared:,} rows"
        keys = tuple(self._key(symbol) for symbol in seen.symbols)
        found.append(Finding("jumps", severity, detail, keys, seen.count))
        if severity is Severity.REJECT:
            self._judge(connection, found)

    def _key(self, symbol: str) -> tuple[str, ...]:
        dataset, day = self.batch.dataset, self._covered.from_on.isoformat()
        return tuple({dataset.symbol: symbol, dataset.date: day}.get(name, "") for name in dataset.key)

    def _note_factors(self, connection: Connection) -> None:
        jump = self.rules.jump
        if self._revised and jump is not None and jump.factor:
            self._changed_factors = comparisons.changed_factors(
                connection, self._owner, self.batch.dataset, jump.factor, self._execution_id
            )


def keep(captive: Captive, owner: Owner, tools: Tools) -> None:
    """Put an answer in quarantine, at once and for itself: the attempt that brought it is about to fail."""
    now = tools.clock.now()
    kept = tools.database.perform(lambda connection: quarantine.keep(connection, owner, captive, now))
    tools.events.emit(
        "quarantine.entered",
        id=kept,
        dataset=captive.dataset,
        key=captive.covered.key,
        from_on=captive.covered.from_on.isoformat(),
        to_on=captive.covered.to_on.isoformat(),
        reason=captive.reason,
        detail=captive.detail,
    )


def _are_adjacent(one: date, other: date) -> bool:
    """Whether no trading day lies between them: the factors of one that is not stored would be unknown.

    By the exchange's standing rules, which need no stored calendar.
    """
    first, last = sorted((one, other))
    return not TokyoCalendar({}).trading_days(first + ONE_DAY, last - ONE_DAY)
