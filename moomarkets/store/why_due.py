"""Reads why a group is due when it is: its switches and source, its schedule in words, and what became of instants."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection, text

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.run_date import local_date
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.why import NOT_BOOKED, GroupFacts, OccurrenceFacts, SourceFacts
from moomarkets.store.sql import statement

MOST_OCCURRENCES = 100
MOST_INSTANTS = 10_000


def scheduler_is_enabled(connection: Connection) -> bool:
    """Whether the whole is switched on."""
    return bool(connection.scalar(text("SELECT coalesce((SELECT is_enabled FROM scheduler_settings), true)")))


def group(connection: Connection, user_id: int, name: str) -> GroupFacts | None:
    """The group of that name; None where there is none."""
    row = connection.execute(statement("explain_group"), {"user_id": user_id, "name": name}).first()
    if row is None:
        return None
    source = None
    if row.source is not None:
        source = SourceFacts(
            row.source,
            row.source_is_enabled,
            row.source_is_paused,
            row.credential_is_missing,
            row.silent_until,
            row.credential_is_unreadable,
            row.credential_is_refused,
        )
    return GroupFacts(
        id=row.id,
        name=row.name,
        status=row.status,
        is_enabled=row.is_enabled,
        paused_by=row.paused_by,
        source=source,
        schedule=None if row.spec is None else _in_words(row.spec),
        schedule_error=row.schedule_error,
        next_at=row.next_run_at,
        catch_up=row.catch_up or "",
        overlap=row.overlap or "",
        depends_on=tuple(row.depends_on),
        switched_off_by=row.switched_off_by,
    )


def occurrences(connection: Connection, group_id: int, on: date | None) -> list[OccurrenceFacts]:
    """What is due on that date, by the clock of the schedule or by the date that its run is about, oldest first.

    Without a date the newest one that is booked, and all that are not settled yet.
    """
    around = None if on is None else datetime.combine(on, time(), UTC)
    rows = connection.execute(
        text(
            """
            SELECT occurrences.due_at, occurrences.status, occurrences.reason, occurrences.run_id, schedules.spec,
                   runs.for_on, row_number() OVER (ORDER BY occurrences.due_at DESC) AS age
            FROM occurrences JOIN schedules ON schedules.id = occurrences.schedule_id
            LEFT JOIN runs ON runs.id = occurrences.run_id
            WHERE schedules.job_group_id = :group_id
              AND (CAST(:early AS timestamptz) IS NULL OR occurrences.due_at BETWEEN :early AND :late
                   OR runs.for_on = :on)
            ORDER BY occurrences.due_at DESC LIMIT 10000
            """
        ),
        {
            "group_id": group_id,
            "on": on,
            "early": around and around - timedelta(days=1),
            "late": around and around + timedelta(days=2),
        },
    ).all()
    if on is None:
        wanted = [row for row in rows if row.age == 1 or row.status == "pending"]
    else:
        wanted = [row for row in rows if on in (row.for_on, _date(row.spec, row.due_at))]
    booked = [OccurrenceFacts(row.due_at, row.status, row.reason, row.run_id) for row in wanted]
    due = [*booked, *_not_booked(connection, group_id, on, {row.due_at for row in rows})]
    return sorted(due, key=lambda occurrence: occurrence.due_at)[-MOST_OCCURRENCES:]


def _not_booked(connection: Connection, group_id: int, on: date | None, booked: set[datetime]) -> list[OccurrenceFacts]:
    """The instants of that date that the ledger does not know, and why not."""
    row = connection.execute(
        text("SELECT spec, counted_from, clock_timestamp() AS now FROM schedules WHERE job_group_id = :id"),
        {"id": group_id},
    ).first()
    if on is None or row is None:
        return []
    noon = datetime.combine(on, time(12), UTC)
    try:
        schedule = Schedule.from_json(row.spec)
        near = schedule.due_between(noon - timedelta(days=2), noon + timedelta(days=2), MOST_INSTANTS)
    except InvalidInput:
        return []
    missing = [instant for instant in near if schedule.date_of(instant) == on and instant not in booked]
    return [OccurrenceFacts(at, NOT_BOOKED, _why_not(at, row.counted_from, row.now), None) for at in missing]


def _why_not(due_at: datetime, counted_from: datetime, now: datetime) -> str:
    if due_at > now:
        return "it is still to come"
    if due_at <= counted_from:
        return f"the schedule counts from {counted_from:%Y-%m-%d %H:%M:%S}"
    return "no supervisor has looked since"


def _date(spec: dict[str, object], due_at: datetime) -> date:
    try:
        return Schedule.from_json(spec).date_of(due_at)
    except InvalidInput:
        return local_date(spec, due_at)


def _in_words(spec: dict[str, object]) -> str:
    try:
        return Schedule.from_json(spec).describe()
    except InvalidInput as error:
        return f"cannot be read: {error}"
