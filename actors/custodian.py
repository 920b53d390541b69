"""Looks whether what is sealed opens with the keys as they are now, so that its groups wait, or go on by themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from actors.otp.gen_server import GenServer
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.store import readability
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage
from moomarkets.store.readability import Change
from moomarkets.store.seal import Place


@dataclass(frozen=True, slots=True)
class CustodyRules:
    """Whose looks these are, how a sealed value is opened, and how often: every `every_s`."""

    node_id: UUID
    open_one: Callable[[bytes, Place], object]
    every_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Inspect:
    """Have a look now."""


class Custodian(GenServer):
    """Opens every credential once in a while; what that gives is dropped at once, only whether it did is kept."""

    def init(self, database: Database, rules: CustodyRules) -> None:
        self._database, self._rules = database, rules
        self._outage = Outage(self.events, self.clock, path=self.path)
        self.send_after(0, Inspect())

    def handle_info(self, message: object) -> None:
        match message:
            case Inspect():
                self.send_after(self._rules.every_s, Inspect())
                self._inspect()
            case _:
                super().handle_info(message)

    def _inspect(self) -> None:
        try:
            changes = self._look()
        except StoreUnavailable as error:
            self._outage.failed(error)
            return
        self._outage.worked()
        for change in changes:
            name = "credential.readable" if change.is_readable else "credential.unreadable"
            self.events.emit(name, source=change.source, user=change.user)

    def _look(self) -> list[Change]:
        rules = self._rules
        judged = readability.judge(self._database.perform(readability.read), rules.open_one)
        if not judged:
            return []
        return self._database.perform(lambda connection: readability.note(connection, rules.node_id, judged))
