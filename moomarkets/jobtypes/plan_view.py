"""Reads what plans are made from: calendar, coverage, past fetches, listings, and the reach of the subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Connection

from moomarkets.domain.calendar import TOKYO, TokyoCalendar
from moomarkets.domain.learnt import Learnt
from moomarkets.domain.listing import issue_code
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.job_type import JobType, PlanView
from moomarkets.jobtypes.scope import codes_of
from moomarkets.store import coverage, doubts
from moomarkets.store.coverage import Owner
from moomarkets.store.learnt import read as read_learnt
from moomarkets.store.listings import listings

CALENDAR_SOURCE = "jquants"
"""Whose trading calendar and lists of issues count for all."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The rows of the sources by code, and what is subscribed to at each."""

    ids: Mapping[str, int]
    subscriptions: Mapping[str, Subscription]


def reach(subscription: Subscription, learnt: Learnt, dataset: str, at: datetime) -> tuple[date, date | None]:
    """First and last date of the dataset that can be read: by the subscription, and by what the provider has said."""
    first_on, last_on = subscription.reach(at.astimezone(TOKYO).date())
    window = learnt.window_at(at, dataset)
    if window is not None:
        first_on = max(first_on, window.first_on or first_on)
        last_on = min(filter(None, (last_on, window.last_on)), default=None)
    return first_on, last_on


def plan_view(
    connection: Connection,
    user_id: int,
    job_type: JobType,
    scope: Mapping[str, object],
    sources: Sources,
    now: datetime,
) -> PlanView:
    """What is known of that job type's dataset at `now`."""
    owner = Owner(user_id, sources.ids.get(job_type.source, 0))
    subscription = sources.subscriptions.get(job_type.source, Subscription())
    learnt = read_learnt(connection, owner, subscription.label, now)
    first_on, last_on = reach(subscription, learnt, job_type.dataset, now)
    tokyo = Owner(user_id, sources.ids.get(CALENDAR_SOURCE, 0))
    return PlanView(
        now=now,
        calendar=TokyoCalendar(coverage.calendar(connection, tokyo)),
        covered=coverage.read(connection, owner, job_type.dataset),
        first_on=first_on,
        last_on=last_on,
        subscription=replace(subscription, refused=learnt.refused),
        past=coverage.past(connection, owner, job_type.dataset),
        listings=listings(connection, tokyo, [issue_code(code) for code in codes_of(scope)]),
        doubtful=doubts.read(connection, owner, job_type.dataset, now) if job_type.dataset else frozenset(),
    )
