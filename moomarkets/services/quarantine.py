"""The verbs of quarantine: look at answers that were not stored, let one in after all, or forget it."""

from __future__ import annotations

import builtins

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from datasources import registry
from moomarkets.domain.clock import Clock
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import Conflict, InvalidInput, NotFound, SourceError
from moomarkets.domain.quality import Asked, Finding, Rules, Severity
from moomarkets.domain.quality_catalogue import QUALITY
from moomarkets.domain.quality_checks import examine
from moomarkets.services.jobs import check_limit
from moomarkets.store import coverage, datasets, findings, quarantine
from moomarkets.store.database import Database
from moomarkets.store.quarantine import Kept
from moomarkets.store.reports import Record

STATUSES = ("open", "released", "dismissed")
PAGE = 50
LONGEST_NOTE = 1000


class Quarantine:
    """What came and was not stored, of one user; needs no running system.

    Example: `system.quarantine.list(status="open")`
    """

    def __init__(self, database: Database, user_id: int, clock: Clock) -> None:
        self._database, self._user_id, self._clock = database, user_id, clock

    def list(
        self,
        status: str | None = None,
        *,
        dataset: str | None = None,
        before: int | None = None,
        limit: int = PAGE,
    ) -> builtins.list[Record]:
        """Answers in quarantine, the newest first, at most `limit` (1-500); `before` is the id of the last one seen."""
        check_limit(limit)
        if status is not None and status not in STATUSES:
            raise InvalidInput("status", f"one of {', '.join(STATUSES)}", status)
        return self._database.perform(
            lambda connection: quarantine.page(
                connection, self._user_id, status=status, dataset=dataset, before=before, limit=limit
            )
        )

    def show(self, quarantine_id: int) -> Record:
        """One answer: what it was to be, and everything that was found; without its body."""
        found = self._database.perform(lambda connection: quarantine.find(connection, self._user_id, quarantine_id))
        if found is None:
            raise NotFound("answer in quarantine", quarantine_id)
        return found

    def body(self, quarantine_id: int) -> builtins.list[bytes]:
        """Its pages as they came."""
        return list(
            self._database.perform(lambda connection: self._open(connection, quarantine_id, locks=False)).bodies
        )

    def release(self, quarantine_id: int, *, by: str = "local", note: str | None = None) -> Record:
        """Read the kept answer again and store it, with its coverage and a note of who wanted that; all or nothing.

        The same answer for the same part is not put in quarantine again.

        Raises:
            NotFound: there is none of that id.
            Conflict: somebody has decided already, something newer was stored meanwhile, or it cannot be read.
        """
        _check_note(by, note)
        try:
            self._database.perform(lambda connection: self._release(connection, quarantine_id, by, note))
        except DBAPIError as error:
            cause = type(error.orig).__name__
            raise Conflict(
                f"answer {quarantine_id}: expected rows that can be stored, the database refused them ({cause})"
            ) from None
        return self.show(quarantine_id)

    def dismiss(self, quarantine_id: int, *, by: str = "local", note: str | None = None) -> Record:
        """Forget the answer: what it was to bring stays missing, and the next run asks for it again."""
        _check_note(by, note)

        def work(connection: Connection) -> None:
            self._undecided(connection, quarantine_id)
            quarantine.decide(connection, quarantine_id, "dismissed", by, note, self._clock.now())

        self._database.perform(work)
        return self.show(quarantine_id)

    def findings(
        self,
        dataset: str | None = None,
        *,
        rule: str | None = None,
        before: int | None = None,
        limit: int = PAGE,
    ) -> builtins.list[Record]:
        """What is strange about rows that are stored, the newest first, at most `limit` (1-500)."""
        check_limit(limit)
        return self._database.perform(
            lambda connection: findings.page(
                connection, self._user_id, dataset=dataset, rule=rule, before=before, limit=limit
            )
        )

    def finding_counts(self) -> dict[str, int]:
        """How many findings each dataset has that has some."""
        return self._database.perform(lambda connection: findings.counts(connection, self._user_id))

    def _release(self, connection: Connection, quarantine_id: int, by: str, note: str | None) -> None:
        kept = self._undecided(connection, quarantine_id)
        _demand_newest(connection, quarantine_id, kept)
        batch = _read(quarantine_id, kept)
        execution_id = kept.execution_id or 0
        stored = datasets.upsert(
            connection, batch, kept.owner, execution_id=execution_id, fetched_at=kept.covered.fetched_at
        )
        # Once more: the rows may have waited for those of an attempt that was about to commit.
        _demand_newest(connection, quarantine_id, kept)
        coverage.record(
            connection,
            kept.owner,
            kept.dataset,
            kept.covered,
            rows=len(batch.rows),
            pages=batch.pages,
            execution_id=execution_id,
        )
        if stored.revised:
            coverage.mark(connection, kept.owner, kept.dataset, kept.covered, is_verified=False, is_corrected=True)
        findings.replace(connection, kept.owner, kept.dataset, kept.covered, _accepted(kept, batch), execution_id)
        quarantine.decide(connection, quarantine_id, "released", by, note, self._clock.now())

    def _undecided(self, connection: Connection, quarantine_id: int) -> Kept:
        kept = self._open(connection, quarantine_id)
        if kept.status != "open":
            raise Conflict(f"answer {quarantine_id}: expected one that is open, got one that was {kept.status}")
        return kept

    def _open(self, connection: Connection, quarantine_id: int, *, locks: bool = True) -> Kept:
        kept = quarantine.open_one(connection, self._user_id, quarantine_id, locks=locks)
        if kept is None:
            raise NotFound("answer in quarantine", quarantine_id)
        return kept


def _demand_newest(connection: Connection, quarantine_id: int, kept: Kept) -> None:
    newest = quarantine.newest_fetch(connection, kept)
    if newest is not None and newest > kept.covered.fetched_at:
        raise Conflict(
            f"answer {quarantine_id}: expected nothing newer to be stored, got what came at {newest:%Y-%m-%d %H:%M}"
            " UTC; dismiss it"
        )


def _read(quarantine_id: int, kept: Kept) -> Batch:
    """The rows of the kept answer, by the reader of its source as it is now."""
    provider = registry.find(kept.source)
    if provider.read is None:
        raise Conflict(
            f"answer {quarantine_id}: expected one of a source whose kept answers can be read, got {kept.source}"
        )
    if not kept.is_whole:
        raise Conflict(f"answer {quarantine_id}: expected a whole one, got one of which only the beginning was kept")
    try:
        return provider.read(provider.spec.endpoint(kept.endpoint), kept.bodies)
    except SourceError as error:
        raise Conflict(f"answer {quarantine_id}: expected one that can be read, got: {error}") from None
    except KeyError:
        raise Conflict(
            f"answer {quarantine_id}: expected an endpoint of {kept.source}, got {kept.endpoint}, which is gone"
        ) from None


def _accepted(kept: Kept, batch: Batch) -> list[Finding]:
    """What was found in it, on record although the rows are stored now."""
    covered = kept.covered
    asked = Asked(covered.key, covered.from_on, covered.to_on, is_whole_day=False)
    known = [
        Finding(str(found["rule"]), Severity.SUSPECT, str(found["detail"]), tuple(map(tuple, found["keys"])))
        for found in kept.findings
    ]
    return known or examine(batch, QUALITY.get(kept.dataset, Rules()), asked)


def _check_note(by: str, note: str | None) -> None:
    for thing, value in (("by", by), ("note", note)):
        if value is not None and (len(value) > LONGEST_NOTE or "\0" in value or not value.strip()):
            raise InvalidInput(thing, f"a text of 1 to {LONGEST_NOTE:,} characters", value)
