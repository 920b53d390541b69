"""Looks at one dataset by what is asked of it, or by what the groups in force keep of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from moomarkets.domain.coverage import ALL, Expected
from moomarkets.domain.errors import AttemptError, InvalidInput
from moomarkets.domain.gap_list import ranges_of
from moomarkets.domain.group_scope import job_types, own_scope
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.source import Endpoint
from moomarkets.domain.ways import AUTO
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import JobType, PlanView
from moomarkets.jobtypes.plan_view import CALENDAR_SOURCE, Sources, plan_view
from moomarkets.jobtypes.scope import way_of
from moomarkets.jobtypes.survey import Survey, survey
from moomarkets.store.coverage import Owner
from moomarkets.store.coverage_report import Keeping
from moomarkets.store.listings import known_codes

Scope = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a dataset somebody asks about; nothing given: what the groups in force keep."""

    from_on: date | None = None
    to_on: date | None = None
    codes: tuple[str, ...] = ()
    way: str = AUTO

    def __post_init__(self) -> None:
        if self.from_on is not None and self.to_on is not None and self.from_on > self.to_on:
            raise InvalidInput("from", f"a date up to that of `to`, {self.to_on}", self.from_on.isoformat())
        try:
            way_of({"way": self.way})
        except InvalidInput as error:
            raise InvalidInput("way", error.expected, error.got) from None

    @property
    def is_narrowed(self) -> bool:
        """Whether dates or codes are given."""
        return bool(self.from_on or self.to_on or self.codes)

    def scope(self, job_type: JobType) -> dict[str, object]:
        """The same as the scope of a group."""
        given: dict[str, object] = {}
        if self.from_on is not None:
            given["from"] = self.from_on.isoformat()
        if self.to_on is not None:
            given["to"] = self.to_on.isoformat()
        if self.codes:
            given["codes" if isinstance(job_type, DatasetUpkeep) else "symbols"] = list(self.codes)
        return given | self.way_scope

    @property
    def way_scope(self) -> dict[str, object]:
        """The way, where one was asked for."""
        return {} if self.way == AUTO else {"way": self.way}


@dataclass(frozen=True, slots=True)
class Seen:
    """A dataset as it was looked at: the scopes that say what is wanted of it, with what each of them shows."""

    job_type: JobType
    view: PlanView
    groups: tuple[str, ...]
    surveys: tuple[tuple[Scope, Survey], ...]
    note: str = ""

    @property
    def expected(self) -> dict[tuple[str, date, date], Expected]:
        """Every expected partition once."""
        return {(one.key, one.from_on, one.to_on): one for _, found in self.surveys for one in found.expected}

    @property
    def gaps(self) -> dict[tuple[str, date, date], Expected]:
        """Every missing partition once."""
        return {(one.key, one.from_on, one.to_on): one for _, found in self.surveys for one in found.gaps}

    @property
    def beyond(self) -> list[date]:
        """Days that are wanted and out of reach."""
        return sorted({day for _, found in self.surveys for day in found.beyond})

    @property
    def coming(self) -> list[date]:
        """Days that are wanted and not published yet."""
        return sorted({day for _, found in self.surveys for day in found.coming})

    def has_data(self, day: date) -> bool:
        """Whether the provider has data of that day."""
        endpoint = endpoint_of(self.job_type)
        if endpoint is None or endpoint.upkeep is None:
            return True
        return endpoint.upkeep.has_data(day, self.view.calendar)


def endpoint_of(job_type: JobType) -> Endpoint | None:
    """The endpoint that the job type keeps, where it is one of those that keep a single endpoint."""
    return job_type.endpoint if isinstance(job_type, DatasetUpkeep) else None


def _as_asked(scope: Scope, asked: Asked) -> Scope:
    """The scope without what a group says of how it asks: a fill takes the cheapest way, or that which is asked for."""
    return {name: value for name, value in scope.items() if name not in ("way", "max_requests")} | asked.way_scope


def _containing(job_type: JobType) -> str:
    endpoint = endpoint_of(job_type)
    needs = f" (it needs {endpoint.plan})" if endpoint is not None else ""
    return f"one that the subscription contains{needs}"


class Surveyor:
    """Looks at datasets for one user, within one transaction."""

    def __init__(self, connection: Connection, user_id: int, sources: Sources, now: datetime) -> None:
        self._connection, self._user_id, self._sources, self._now = connection, user_id, sources, now

    def look(self, job_type: JobType, asked: Asked, kept: Sequence[Keeping], *, by_default: bool = False) -> Seen:
        """The dataset of that job type by what is asked, else by the groups that keep it; `by_default` else as new.

        A plan that does not contain the dataset is a note, unless somebody asks for it.
        """
        groups = [keeping for keeping in kept if job_type.name in job_types(keeping.scope)]
        names = tuple(keeping.group for keeping in groups)
        scopes: list[Scope] = [own_scope(keeping.scope) for keeping in groups]
        if asked.is_narrowed:
            scopes = [asked.scope(job_type)]
            self._check_codes(job_type, asked)
        elif not scopes and by_default:
            scopes = [asked.way_scope]
        view = self.view(job_type, scopes[0] if len(scopes) == 1 else {})
        try:
            surveys = tuple((scope, self.survey(job_type, scope)) for scope in scopes)
        except AttemptError as error:
            if asked.is_narrowed or by_default:
                raise InvalidInput("dataset", _containing(job_type), job_type.dataset) from None
            return Seen(job_type, view, names, (), error.detail)
        return Seen(job_type, view, names, surveys)

    def view(self, job_type: JobType, scope: Scope) -> PlanView:
        """What plans of the job type are made from."""
        return plan_view(self._connection, self._user_id, job_type, scope, self._sources, self._now)

    def survey(self, job_type: JobType, scope: Scope) -> Survey:
        """What the scope shows."""
        return survey(job_type, self.view(job_type, scope), scope)

    def orders(self, seen: Seen, asked: Asked) -> list[tuple[Scope, Survey]]:
        """What has to be ordered to close the gaps: one scope for whole days, others for single codes."""
        if asked.is_narrowed or len(seen.surveys) <= 1 or not isinstance(seen.job_type, DatasetUpkeep):
            scopes: list[Scope] = [_as_asked(scope, asked) for scope, one in seen.surveys if one.gaps]
        else:
            days = {gap.from_on for gap in seen.gaps.values() if gap.key == ALL}
            pairs = [[first.isoformat(), last.isoformat()] for first, last in ranges_of(days, seen.has_data)]
            scopes = [{"ranges": pairs, **asked.way_scope}] if pairs else []
            scopes += [_as_asked(scope, asked) for scope, one in seen.surveys if "codes" in scope and one.gaps]
        return [(scope, self.survey(seen.job_type, scope)) for scope in scopes]

    def _check_codes(self, job_type: JobType, asked: Asked) -> None:
        """Refuse codes that no list of issues knows; without any list everybody's word is taken."""
        endpoint = endpoint_of(job_type)
        if not asked.codes or endpoint is None or endpoint.upkeep is None or not endpoint.upkeep.has_issue_codes:
            return
        owner = Owner(self._user_id, self._sources.ids.get(CALENDAR_SOURCE, 0))
        known = known_codes(self._connection, owner)
        for code in job_type.codes_of({"codes": list(asked.codes)}) if isinstance(job_type, DatasetUpkeep) else ():
            if known and code not in known:
                raise InvalidInput("code", f"one that a list of issues knows{did_you_mean(code, known)}", code)
