"""What may still be asked of a source, as the store knows it."""

from __future__ import annotations

import math
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import Connection, text

from moomarkets.domain.errors import NotFound
from moomarkets.domain.limits import SilenceRule
from moomarkets.installation import LOCAL_USER, Installation
from moomarkets.services.budgets import bucket_of
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket
from moomarkets.store.permits import Ask
from tests.moomarkets.conftest import OpenInstallation


def bucket(installation: Installation, code: str = "jquants") -> Bucket:
    source_id = installation.source_ids[code]
    found = installation.reads.perform(lambda connection: buckets.bucket_id(connection, source_id, LOCAL_USER))
    return bucket_of(installation.specs[code], found)


def spend(installation: Installation, count: int) -> None:
    """Reserve permits whose requests are over at once."""
    asks = [Ask(uuid4(), "daily_bars") for _ in range(count)]

    def work(connection: Connection) -> None:
        got = permits.reserve(connection, bucket(installation), asks, node_id=uuid4(), deadline_s=60.0)
        permits.done(connection, got.granted)

    installation.reads.perform(work)


def store_jobs(installation: Installation, count: int, priority: int, status: str = "pending") -> None:
    statement = text(
        "INSERT INTO jobs (key, job_type, name, status, priority)"
        " SELECT gen_random_uuid()::text, 'daily_quotes', 'quotes', :status, :priority FROM generate_series(1, :count)"
    )
    values = {"count": count, "priority": priority, "status": status}
    installation.reads.perform(lambda connection: connection.execute(statement, values) and None)


def test_a_source_that_was_never_asked_has_all_of_its_budget(open_installation: OpenInstallation) -> None:
    budget = open_installation().sources.budget("jquants")

    whole = [(window.count, window.free, window.next_at) for window in budget.windows if window.endpoint is None]
    assert whole == [(5, 5, None)]
    assert all(window.used == 0 for window in budget.windows)
    assert (budget.silent_until, budget.share, budget.waiting, budget.done_at) == (None, 1.0, {}, None)


def test_what_was_spent_comes_back_a_window_later(open_installation: OpenInstallation) -> None:
    installation = open_installation()
    spend(installation, 2)

    budget = installation.sources.budget("jquants")

    window = budget.windows[0]
    assert (window.used, window.free) == (2, 3)
    assert window.next_at is not None
    assert window.next_at - budget.at == pytest.approx(timedelta(seconds=60), abs=timedelta(seconds=5))


def test_the_jobs_that_wait_are_counted_by_priority_with_the_time_that_they_need(
    open_installation: OpenInstallation,
) -> None:
    installation = open_installation()
    spend(installation, 5)
    store_jobs(installation, 10, priority=9)
    store_jobs(installation, 4, priority=5)

    budget = installation.sources.budget("jquants")

    assert budget.waiting == {9: 10, 5: 4}
    assert budget.done_at is not None
    # Fourteen requests, five a minute: three bursts, the first in a minute.
    assert math.ceil((budget.done_at - budget.at).total_seconds() / 60) == 3


def test_jobs_of_somebody_else_that_stand_alone_do_not_count(open_installation: OpenInstallation) -> None:
    installation = open_installation()
    store_jobs(installation, 3, priority=5)
    installation.users.add("eve")
    hers = text("UPDATE jobs SET user_id = (SELECT id FROM users WHERE name = 'eve')")
    installation.reads.perform(lambda connection: connection.execute(hers) and None)

    assert installation.sources.budget("jquants").waiting == {}


def test_a_silence_and_a_learnt_share_are_shown(open_installation: OpenInstallation) -> None:
    installation = open_installation()
    for _ in range(2):
        installation.reads.perform(
            lambda connection: buckets.silence(connection, bucket(installation), 30.0, SilenceRule())
        )
        installation.reads.perform(
            lambda connection: connection.execute(text("UPDATE permit_buckets SET silent_until = NULL")) and None
        )
    installation.reads.perform(
        lambda connection: buckets.silence(connection, bucket(installation), 30.0, SilenceRule())
    )

    budget = installation.sources.budget("jquants")

    assert budget.share == 0.8
    assert budget.windows[0].allowed == 4
    assert budget.silent_until is not None
    assert budget.refusals == 3


def test_a_source_that_is_paused_promises_no_end(open_installation: OpenInstallation) -> None:
    installation = open_installation()
    store_jobs(installation, 3, priority=5)
    installation.sources.pause("jquants")

    assert installation.sources.budget("jquants").done_at is None


def test_the_budget_of_a_source_that_does_not_exist_names_those_that_do(open_installation: OpenInstallation) -> None:
    with pytest.raises(NotFound, match="source yaho does not exist; there are: jquants, jquants-v1, yahoo"):
        open_installation().sources.budget("yaho")
