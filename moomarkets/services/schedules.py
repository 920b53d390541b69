"""What is told of schedules: what one would mean, what is due next, and what became of every instant."""

from __future__ import annotations

import builtins
import heapq
from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import islice

from sqlalchemy import Connection

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.schedule import Schedule, check_instant
from moomarkets.services.jobs import check_group, check_limit
from moomarkets.store import ledger_pages
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

PREVIEW = 10
LEDGER = 100
Instant = tuple[datetime, str, date]
"""When it is due, of which group, and about which date."""
OUTCOMES = ("pending", "ran", "merged", "skipped", "superseded")


def read_schedule(given: object, timezone: str | None = None) -> Schedule:
    """The schedule that a map, or the text of a cron expression, means; the text is in `timezone`, else in UTC.

    Example:
        >>> read_schedule("30 16 * * mon-fri", "Asia/Tokyo").describe()
        'at 16:30 on Monday to Friday, Asia/Tokyo'
    """
    if isinstance(given, Schedule):
        return given
    if not isinstance(given, str):
        return Schedule.from_json(given)
    return Schedule.from_json({"cron": given, "timezone": "UTC" if timezone is None else timezone})


class Schedules:
    """The schedules of one user's groups, to look at; needs no running system.

    Example: `system.schedules.preview("0 17 * * 1-5", timezone="Asia/Tokyo", n=3)`
    """

    def __init__(self, database: Database, user_id: int, clock: Clock) -> None:
        self._database, self._user_id, self._clock = database, user_id, clock

    def preview(
        self, schedule: object, *, timezone: str | None = None, after: datetime | None = None, n: int = PREVIEW
    ) -> builtins.list[datetime]:
        """The next `n` (1-500) instants (UTC) of a map or a cron expression later than `after` (default: now)."""
        return read_schedule(schedule, timezone).preview(self._clock.now() if after is None else after, n)

    def list(self) -> builtins.list[Record]:
        """All schedules by the names of their groups, each told in words; one that cannot be read says why."""
        found = self._database.perform(lambda connection: ledger_pages.schedules(connection, self._user_id))
        return [{**record, "in_words": _in_words(record)} for record in found]

    def show(self, group: str, n: int = PREVIEW) -> Record:
        """A group's schedule with its next `n` instants, none where it rests.

        Raises:
            NotFound: there is no such group, or it has no schedule.
        """
        check_limit(n)

        def work(connection: Connection) -> builtins.list[Record]:
            check_group(connection, self._user_id, group)
            return ledger_pages.schedules(connection, self._user_id, group)

        found = self._database.perform(work)
        if not found:
            raise NotFound("schedule of group", group)
        upcoming = [due_at for due_at, _, _ in islice(_upcoming(found[0], self._clock.now()), n)]
        return {**found[0], "in_words": _in_words(found[0]), "upcoming": upcoming}

    def next(self, n: int = PREVIEW) -> builtins.list[Record]:
        """The next `n` (1-500) due instants over all groups, the soonest first: `due_at`, `group`, `for_on`."""
        check_limit(n)
        found = self._database.perform(lambda connection: ledger_pages.schedules(connection, self._user_id))
        now = self._clock.now()
        streams = [_upcoming(record, now) for record in found]
        soonest = islice(heapq.merge(*streams), n)
        return [{"due_at": due_at, "group": group, "for_on": for_on} for due_at, group, for_on in soonest]

    def occurrences(
        self,
        group: str | None = None,
        *,
        status: str | None = None,
        from_at: datetime | None = None,
        to_at: datetime | None = None,
        limit: int = LEDGER,
    ) -> builtins.list[Record]:
        """What became of the instants from `from_at` to before `to_at`, newest first: at most `limit` (1-500)."""
        check_limit(limit)
        if status is not None and status not in OUTCOMES:
            raise InvalidInput("status", f"one of {', '.join(OUTCOMES)}", status)
        for thing, instant in (("from_at", from_at), ("to_at", to_at)):
            if instant is not None:
                check_instant(thing, instant)

        def work(connection: Connection) -> builtins.list[Record]:
            check_group(connection, self._user_id, group)
            return ledger_pages.occurrences(
                connection, self._user_id, group=group, status=status, from_at=from_at, to_at=to_at, limit=limit
            )

        return self._database.perform(work)


def _in_words(record: Record) -> str | None:
    try:
        return Schedule.from_json(record["spec"]).describe()
    except InvalidInput:
        return None


def _upcoming(record: Record, now: datetime) -> Iterator[Instant]:
    """Endless, or empty where the schedule is switched off or cannot be read."""
    if not record["is_enabled"]:
        return
    try:
        schedule = Schedule.from_json(record["spec"])
    except InvalidInput:
        return
    for due_at in schedule.instants_after(now.astimezone(UTC)):
        yield due_at, str(record["group"]), schedule.date_of(due_at)
