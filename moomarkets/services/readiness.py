"""Whether this node can do its work: its database answers and is up to date, and its tree runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from moomarkets.domain.errors import MoomarketsError
from moomarkets.store import migrate
from moomarkets.store.database import Database

PATIENCE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it has to be: `what` is it (database, migrations, tree), `why` in a sentence."""

    what: str
    why: str


class Readiness:
    """Looks at the database on a thread of its own, one look at a time, and never waits long for it.

    Example: `Readiness(runtime, database).faults()`
    """

    def __init__(self, runtime: Runtime, database: Database) -> None:
        self._runtime, self._database = runtime, database
        self._asked_at = 0.0
        self._found: list[Fault] = []
        self._look: Promise[None] | None = None

    def faults(self) -> list[Fault]:
        """What is wrong with the database; a look that does not come back is a fault itself."""
        clock = self._runtime.clock
        look = self._look
        if look is None or look.is_done:
            self._asked_at = clock.monotonic()
            look = self._look = self._runtime.spawn(self._ask, "readiness")
        if self._runtime.wait_for(look, PATIENCE_S):
            return list(self._found)
        return [Fault("database", f"expected an answer, got none for {clock.monotonic() - self._asked_at:.1f} s")]

    def _ask(self) -> None:
        self._found = [Fault("database", "the look at it has failed")]
        try:
            version = self._database.perform(migrate.current)
        except MoomarketsError as error:
            self._found = [Fault("database", str(error))]
            return
        newest = migrate.versions()[-1]
        is_current = version == newest
        self._found = [] if is_current else [Fault("migrations", f"expected version {newest}, got {version}")]
