"""Looks at how fresh the datasets of all groups are: asks each job type what its last scheduled run had to bring."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from moomarkets.domain.calendar import TokyoCalendar
from moomarkets.domain.coverage import ALL, Covered, Expected
from moomarkets.domain.errors import AttemptError, InvalidInput
from moomarkets.domain.freshness import TOLERANCE, Freshness, State, last_due, newest_missing, newest_of
from moomarkets.domain.group_scope import job_types
from moomarkets.domain.learnt import Learnt
from moomarkets.domain.listing import Listing, issue_code
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.source import Subscription
from moomarkets.jobtypes.job_type import JobType, PlanView
from moomarkets.jobtypes.plan_view import CALENDAR_SOURCE, reach
from moomarkets.jobtypes.scope import codes_of, date_of
from moomarkets.store import coverage, learnt, watched_groups
from moomarkets.store.coverage import Owner
from moomarkets.store.listings import listings
from moomarkets.store.watched_groups import WatchedGroup

NEWEST_DAYS = 3
"""How many of the newest days are looked at; what is older is a gap, and no delay."""


@dataclass(frozen=True, slots=True)
class _Known:
    """What is stored that one dataset of one user is judged by."""

    covered: list[Covered]
    calendar: TokyoCalendar
    learnt: Learnt
    listings: Mapping[str, Listing]


@dataclass(frozen=True, slots=True)
class Watch:
    """What freshness is judged by: the job types that there are, the rows of sources, and what may be asked of each."""

    job_types: Mapping[str, JobType]
    source_ids: Mapping[str, int]
    subscriptions: Mapping[str, Subscription]

    def look(self, connection: Connection, now: datetime, user_id: int | None = None) -> list[Freshness]:
        """How fresh each dataset is that a group of that user, or of anybody, keeps; sends no request."""
        calendars: dict[int, TokyoCalendar] = {}
        found: list[Freshness] = []
        for group in watched_groups.read(connection, user_id):
            tokyo = Owner(group.user_id, self.source_ids.get(CALENDAR_SOURCE, 0))
            if group.user_id not in calendars:
                calendars[group.user_id] = TokyoCalendar(coverage.calendar(connection, tokyo))
            for job_type in self._kept(group):
                owner = Owner(group.user_id, self.source_ids.get(job_type.source, 0))
                covered = coverage.read(connection, owner, job_type.dataset)
                label = self.subscriptions.get(job_type.source, Subscription()).label
                known = _Known(
                    covered,
                    calendars[group.user_id],
                    learnt.read(connection, owner, label, now),
                    listings(connection, tokyo, _issues(group.scope)),
                )
                found.append(self._judge(group, job_type, known, now))
        return found

    def _kept(self, group: WatchedGroup) -> Iterator[JobType]:
        """The job types of the group that fill a dataset, as far as they are installed here."""
        for name in job_types(group.scope):
            job_type = self.job_types.get(name)
            if job_type is not None and job_type.dataset:
                yield job_type

    def _judge(self, group: WatchedGroup, job_type: JobType, known: _Known, now: datetime) -> Freshness:
        have_on = newest_of(known.covered, _symbols(group.scope))
        names = (group.user_id, job_type.source, job_type.dataset, group.name)
        if group.resting is not None:
            return Freshness(*names, State.RESTING, have_on=have_on, reason=group.resting)
        try:
            schedule = None if group.schedule is None else Schedule.from_json(group.schedule)
            due = self._missing(group, job_type, known, now)
            last = None if schedule is None else last_due(schedule, now, group.created_at)
            late = [] if last is None else self._missing(group, job_type, known, last)
        except (InvalidInput, AttemptError) as error:
            return Freshness(*names, State.RESTING, have_on=have_on, reason=str(error))
        except Exception as error:  # noqa: BLE001 - foreign code: a broken plug-in must not silence what is told of others
            reason = f"the plan of {job_type.name} fails: {type(error).__name__}"
            return Freshness(*names, State.RESTING, have_on=have_on, reason=reason)
        is_under_way = group.under_way_since is not None and group.under_way_since > now - TOLERANCE
        if late and not is_under_way:
            assert last is not None
            return _behind(names, State.OVERDUE, late, have_on, last + TOLERANCE)
        return _behind(names, State.DUE, due, have_on) if due else Freshness(*names, State.FRESH, have_on=have_on)

    def _missing(self, group: WatchedGroup, job_type: JobType, known: _Known, at: datetime) -> list[Expected]:
        """What a run at that instant would have had to fetch, beyond what is here now: the newest of it only."""
        subscription = self.subscriptions.get(job_type.source, Subscription())
        first_on, last_on = reach(subscription, known.learnt, job_type.dataset, at)
        subscription = replace(subscription, refused=known.learnt.refused)
        view = PlanView(at, known.calendar, known.covered, first_on, last_on, subscription, listings=known.listings)
        scope = {name: value for name, value in group.scope.items() if name not in ("from", "reverify")}
        if job_type.source == "jquants":
            scope["newest"] = NEWEST_DAYS
        elif first := date_of(group.scope, "from"):
            scope["from"] = first.isoformat()
        planned = [_expected(job.parameters, at) for job in job_type.plan(view, scope)]
        missing = [part for part in planned if part is not None]
        return newest_missing(missing, known.covered, date_of(group.scope, "from"))


def _behind(
    names: tuple[int, str, str, str],
    state: State,
    missing: list[Expected],
    have_on: date | None,
    since: datetime | None = None,
) -> Freshness:
    keys = tuple(sorted({part.key for part in missing} - {ALL}))
    return Freshness(*names, state, max(part.to_on for part in missing), have_on, since, keys)


def _expected(parameters: Mapping[str, Any], at: datetime) -> Expected | None:
    """The partition that a planned job would fetch; None where it fetches none."""
    try:
        first, last = (date.fromisoformat(str(parameters[name])) for name in ("from", "to"))
        return Expected(str(parameters["key"]), first, last, at)
    except (KeyError, ValueError):
        return None


def _issues(scope: Mapping[str, object]) -> list[str]:
    """The codes of a scope as lists of issues write them; none where the scope makes no sense, which is told later."""
    try:
        return [issue_code(code) for code in codes_of(scope)]
    except InvalidInput:
        return []


def _symbols(scope: Mapping[str, object]) -> tuple[str, ...]:
    given = scope.get("symbols")
    return tuple(map(str, given)) if isinstance(given, list) else ()
