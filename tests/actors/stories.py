"""Attempts and waiters for stories about the manager's rules."""

from __future__ import annotations

import random
from dataclasses import replace

from actors.dispatch_messages import Ended, Finished
from actors.otp.messages import ReplyTo
from moomarkets.domain.job import Attempt, Ending, Lease

CHANCE = random.Random(1)


def attempt(execution_id: int, **changes: object) -> Attempt:
    lease = Lease(execution_id, job_id=1000 + execution_id, token=1)
    made = Attempt(lease, 1, 1, 1, "work", f"key {execution_id}", f"job {execution_id}", {}, None, 1, 3, 60)
    return replace(made, **changes)  # type: ignore[arg-type]  # any field


def finished(slot: str, given: Attempt, ending: Ending, seconds: float = 1.0) -> Finished:
    """The report of an executor that was given one attempt."""
    return Finished(slot, (Ended(given, ending, seconds),))


def waiter() -> ReplyTo:
    return ReplyTo(None, {})
