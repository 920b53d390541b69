"""Which fetched days are worth a second look: those with findings, and those around a correction."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from moomarkets.store import coverage, findings
from moomarkets.store.coverage import Owner

AROUND = timedelta(days=5)
"""How near a correction a day is doubtful too: whatever went wrong at the provider seldom did for one day alone."""

LATELY = timedelta(days=60)


def read(connection: Connection, owner: Owner, dataset: str, now: datetime) -> frozenset[date]:
    """The doubtful days of the whole market's partitions."""
    found = {on_date for _, on_date in findings.suspicious_parts(connection, owner, dataset)}
    for _, on_date in coverage.corrected(connection, owner, dataset, now - LATELY):
        found |= {on_date + timedelta(days=offset) for offset in range(-AROUND.days, AROUND.days + 1)}
    return frozenset(found)
