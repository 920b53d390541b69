"""Notices what is late: looks at the freshness of all datasets once a minute, and tells of each day exactly once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from actors.otp.gen_server import GenServer
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.domain.freshness import Freshness, State
from moomarkets.store import alerts
from moomarkets.store.alerts import OVERDUE, Alert
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage

Look = Callable[[Connection, datetime], Sequence[Freshness]]
"""How fresh all datasets are at that instant."""

SOON_S = 20.0
"""A node that has just started lets what was waiting begin before it says that something is late."""


@dataclass(frozen=True, slots=True)
class AlertRules:
    """Look every `every_s`."""

    every_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Watch:
    """Look now."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What one look has brought to light."""

    overdue: Sequence[Freshness]
    recovered: Sequence[Freshness]


class Alerter(GenServer):
    """Any node may: what is told is a row, and the first to write it down is the one who tells."""

    def init(self, database: Database, look: Look, rules: AlertRules) -> None:
        self._database, self._look, self._rules = database, look, rules
        self._outage = Outage(self.events, self.clock, path=self.path)
        self.send_after(min(rules.every_s, SOON_S), Watch())

    def handle_info(self, message: object) -> None:
        match message:
            case Watch():
                self._watch()
                self.send_after(self._rules.every_s, Watch())
            case _:
                super().handle_info(message)

    def _watch(self) -> None:
        now = self.clock.now()
        try:
            told = self._database.perform(lambda connection: _tell(connection, self._look(connection, now), now))
        except StoreUnavailable as error:
            self._outage.failed(error)
            return
        self._outage.worked()
        for found in told.overdue:
            self.events.emit("dataset.overdue", **_fields(found))
        for found in told.recovered:
            self.events.emit("dataset.recovered", **_fields(found))


def _tell(connection: Connection, looked: Sequence[Freshness], now: datetime) -> _Told:
    """Write down what is overdue and what is over, and say what of that is new."""
    open_ones = alerts.open_subjects(connection, OVERDUE)
    late = [found for found in looked if found.state is State.OVERDUE and found.expected_on is not None]
    late_subjects = {(found.user_id, found.subject) for found in late}
    overdue = [found for found in late if alerts.tell(connection, _alert(found), now)]
    recovered = []
    for found in looked:
        about = (found.user_id, found.subject)
        # One that rests, or that another group is late with, has not recovered.
        if about not in open_ones or about in late_subjects or found.state is State.RESTING or found.have_on is None:
            continue
        if alerts.recover(connection, found.user_id, OVERDUE, found.subject, found.have_on, now):
            recovered.append(found)
    return _Told(overdue, recovered)


def _alert(found: Freshness) -> Alert:
    assert found.expected_on is not None
    here = f"the newest that is here is {found.have_on}" if found.have_on else "nothing is here"
    detail = f"group {found.group}: expected data of {found.expected_on}, {here}"
    return Alert(found.user_id, OVERDUE, found.subject, found.expected_on, detail)


def _fields(found: Freshness) -> dict[str, object]:
    return {
        "source": found.source,
        "dataset": found.dataset,
        "group": found.group,
        "expected_on": None if found.expected_on is None else found.expected_on.isoformat(),
        "have_on": None if found.have_on is None else found.have_on.isoformat(),
        "missing": list(found.missing[:20]),
    }
