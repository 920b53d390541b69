"""How far a run has come and when it will be over; reads only, with or without a running system."""

from __future__ import annotations

from moomarkets.domain.errors import NotFound
from moomarkets.domain.eta import RunProgress
from moomarkets.store import run_progress
from moomarkets.store.database import Database


def look(database: Database, user_id: int | None, run_id: int) -> RunProgress:
    """Counters, what waits for what, and an estimate of the end; with a user only of a run of theirs.

    Raises:
        NotFound: there is no such run.
    """
    found = database.perform(lambda connection: run_progress.progress(connection, user_id, run_id))
    if found is None:
        raise NotFound("run", run_id)
    return found
