"""Mistakes to plant in the product, each against one promise: a simulation that does not find them proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, text

from actors import permit_gate, rate_limiter
from moomarkets.domain.job import Attempt, Ending
from moomarkets.jobtypes import perform
from moomarkets.jobtypes.job_type import Tools
from moomarkets.store import executions, schedules
from moomarkets.store.sql import statement

Plant = Callable[[], list[tuple[object, str, object]]]
"""What to replace: an object, the name of its attribute, and the mistake."""


def forgets_what_was_spent() -> list[tuple[object, str, object]]:
    """A rate limiter that begins with a full budget when it is started again."""
    original = rate_limiter.RateLimiter.handle_continue

    def handle_continue(self: rate_limiter.RateLimiter, arg: object) -> None:
        self._write(lambda connection: connection.execute(text("DELETE FROM permits")) and None, None)
        original(self, arg)

    return [(rate_limiter.RateLimiter, "handle_continue", handle_continue)]


def takes_cut_off_for_over() -> list[tuple[object, str, object]]:
    """A request that was cut off counts as over at once, although it may still reach the provider."""

    class Held(permit_gate._HeldPermit):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            self.progress = permit_gate.Progress.ANSWERED

    return [(permit_gate, "_HeldPermit", Held)]


def opens_the_fence() -> list[tuple[object, str, object]]:
    """Whoever comes late may end an attempt whose lease went to somebody else."""

    def lenient(name: str) -> Any:
        words = str(statement(name))
        return text(words.replace("AND lease_token = :token AND status = 'running'", "AND :token IS NOT NULL"))

    return [(executions, "statement", lenient)]


def stores_data_beside_the_fence() -> list[tuple[object, str, object]]:
    """Rows are committed first, and the end of the attempt in a transaction of its own."""
    original = perform._commit

    def commit(
        attempt: Attempt, completion_id: Any, usage: Any, write: Callable[[Connection], None], tools: Tools, token: Any
    ) -> Ending:
        tools.database.perform(write)
        return original(attempt, completion_id, usage, lambda connection: None, tools, token)

    return [(perform, "_commit", commit)]


def skips_without_a_trace() -> list[tuple[object, str, object]]:
    """Instants that were missed are passed over instead of being booked."""
    return [(schedules, "_skip", lambda connection, schedule, skipped: None)]


PLANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        forgets_what_was_spent,
        takes_cut_off_for_over,
        opens_the_fence,
        stores_data_beside_the_fence,
        skips_without_a_trace,
    )
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Have that mistake in the product within the block; an empty name plants none."""
    changes = PLANTS[name]() if name else []
    before = [(owner, attribute, getattr(owner, attribute)) for owner, attribute, _ in changes]
    for owner, attribute, mistake in changes:
        setattr(owner, attribute, mistake)
    try:
        yield
    finally:
        for owner, attribute, original in before:
            setattr(owner, attribute, original)
