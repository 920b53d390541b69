"""Pause and resume of the whole system and of its sources: lasting over restarts, on every node within a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from sqlalchemy import Connection

from moomarkets.domain.budget import SourceBudget
from moomarkets.domain.errors import NotFound
from moomarkets.services.budgets import Budgets
from moomarkets.store import switches
from moomarkets.store.database import Database
from moomarkets.store.reports import Record


class Switches:
    """The switch of the whole: while it is off, no node books, starts or claims anything; what runs finishes.

    Example: `system.switches.pause()`, `system.switches.is_enabled`
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def __repr__(self) -> str:
        return f"<Switches {'on' if self.is_enabled else 'off'}>"

    @property
    def is_enabled(self) -> bool:
        """Whether the system takes up work."""
        return self._database.perform(switches.is_enabled)

    def pause(self) -> None:
        """Take up nothing more until `resume`; running attempts finish."""
        self._set(False)

    def resume(self) -> None:
        """Take up work again; instants that were due meanwhile are dealt with as the catch-up of each schedule says."""
        self._set(True)

    def _set(self, is_enabled: bool) -> None:
        self._database.perform(lambda connection: switches.set_enabled(connection, is_enabled))


class Sources:
    """The sources: their switches and budgets. One that is paused or switched off is asked nothing; its jobs wait.

    Example: `system.sources.pause("jquants")`, `system.sources.list()`, `system.sources.budget("jquants")`
    """

    def __init__(
        self,
        database: Database,
        budgets: Budgets,
        detect: Callable[[str], Record],
        faults: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`detect` asks a provider for the plan; `faults` are the sources that cannot be used, and why."""
        self._database, self._budgets, self._detect, self._faults = database, budgets, detect, faults

    def __repr__(self) -> str:
        return f"<Sources {[row['code'] for row in self.list()]}>"

    def list(self) -> list[Record]:
        """Each source: its code, whether it is enabled and paused, address, rate limits, until when it is silent.

        With a `fault` it cannot be used, and is left out of everything else.
        """
        found = {row["code"]: {**row, "fault": None} for row in self._database.perform(switches.sources)}
        for code, fault in self._faults.items():
            blank: Record = {**dict.fromkeys(switches.SHOWN), "name": code, "is_enabled": False, "is_paused": False}
            found[code] = {**found.get(code, blank), "code": code, "fault": fault}
        return [found[code] for code in sorted(found, key=str)]

    def detect(self, code: str) -> Record:
        """Ask the provider what the credential is subscribed to: `plan`, `add_ons`, what may be read, `settings`.

        Raises:
            NotFound: there is no such source.
            InvalidInput: it has no plans.
            CredentialsMissing: there is nothing to ask with.
        """
        self._database.check_writable()
        return self._detect(code)

    def show(self, code: str) -> Record:
        """One source, as in the list.

        Raises:
            NotFound: there is no such source.
        """
        rows = self.list()
        found = next((row for row in rows if row["code"] == code), None)
        if found is None:
            raise NotFound("source", code, [str(row["code"]) for row in rows])
        return found

    def budget(self, code: str) -> SourceBudget:
        """What may still be asked of the source, what holds it back, and when the jobs that wait will be done.

        Raises:
            NotFound: there is no such source.
        """
        return self._budgets.show(code)

    def pause(self, code: str) -> None:
        """Ask nothing of the source until `resume`; an attempt that needs it is given back and costs nothing.

        Raises:
            NotFound: there is no such source.
        """
        self._turn(lambda connection: switches.set_source_paused(connection, code, True))

    def resume(self, code: str) -> None:
        """Let the source go on."""
        self._turn(lambda connection: switches.set_source_paused(connection, code, False))

    def enable(self, code: str) -> None:
        """Use the source; a setting that says otherwise wins at the next start."""
        self._turn(lambda connection: switches.set_source_enabled(connection, code, True))

    def disable(self, code: str) -> None:
        """Do not use the source: no run of its groups starts, none of its jobs is taken up."""
        self._turn(lambda connection: switches.set_source_enabled(connection, code, False))

    def _turn(self, work: Callable[[Connection], None]) -> None:
        self._database.perform(work)
