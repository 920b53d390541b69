"""Forgets old history once in a while, a few rows at a time; any node may: what one has locked the others leave out."""

from __future__ import annotations

from dataclasses import dataclass

from actors.otp.gen_server import GenServer
from moomarkets.domain import failpoints
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.store import pruning
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage

SOON_S = 60.0
"""A node that is often restarted must get there too."""


@dataclass(frozen=True, slots=True)
class PruneRules:
    """Look every `every_s`; history is kept for `keep_days`, where a group says nothing else; `size` rows at a time."""

    every_s: float
    keep_days: int
    size: int = 1000


@dataclass(frozen=True, slots=True)
class Prune:
    """Begin a round, unless one is under way."""


@dataclass(frozen=True, slots=True)
class _Step:
    """Look at the next rows of that kind, after that id."""

    kind: str
    after: int = 0


class Pruner(GenServer):
    """Goes through all kinds of history, one short transaction after the other, and rests until the next round."""

    def init(self, database: Database, rules: PruneRules) -> None:
        self._database, self._rules = database, rules
        self._outage = Outage(self.events, self.clock, path=self.path)
        self.is_pruning = False
        self.pruned: dict[str, int] = {}
        self.send_after(min(rules.every_s, SOON_S), Prune())

    def handle_info(self, message: object) -> None:
        match message:
            case Prune():
                self._begin()
            case _Step():
                self._step(message)
            case _:
                super().handle_info(message)

    def _begin(self) -> None:
        if not self.is_pruning:
            self.is_pruning, self.pruned = True, {}
            self.send_after(0, _Step(next(iter(pruning.KINDS))))

    def _step(self, step: _Step) -> None:
        rules, now = self._rules, self.clock.sql_now()
        try:
            done = self._database.perform(
                lambda connection: pruning.prune(
                    connection, step.kind, keep_days=rules.keep_days, size=rules.size, after=step.after, now=now
                )
            )
        except StoreUnavailable as error:
            self._outage.failed(error)
            self._end()
            return
        self._outage.worked()
        if done.count:
            failpoints.hit("pruned_batch")
        self.pruned[step.kind] = self.pruned.get(step.kind, 0) + done.count
        following = _Step(step.kind, done.last_id) if not done.is_over else _next(step.kind)
        if following is None:
            self._end()
        else:
            self.send_after(0, following)

    def _end(self) -> None:
        if any(self.pruned.values()):
            self.events.emit("history.pruned", **self.pruned)
        self.is_pruning = False
        self.send_after(self._rules.every_s, Prune())


def _next(kind: str) -> _Step | None:
    kinds = list(pruning.KINDS)
    place = kinds.index(kind) + 1
    return _Step(kinds[place]) if place < len(kinds) else None
