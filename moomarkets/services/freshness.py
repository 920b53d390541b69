"""How fresh the data are: for `check`, `status`, the API and shells; needs no running system."""

from __future__ import annotations

import builtins

from moomarkets.domain.clock import Clock
from moomarkets.jobtypes.freshness import Watch
from moomarkets.services.jobs import check_limit
from moomarkets.store import alerts
from moomarkets.store.database import Database
from moomarkets.store.reports import Record


class FreshnessDesk:
    """Tells of each dataset that a group keeps whether the newest data are here, and what was told of that.

    Example: `system.freshness.list()`
    """

    def __init__(self, database: Database, user_id: int, watch: Watch, clock: Clock) -> None:
        self._database, self._user_id, self._watch, self._clock = database, user_id, watch, clock

    def list(self) -> builtins.list[Record]:
        """One record for each dataset of each group: `state` is fresh, due, overdue (`since`) or resting (`reason`)."""
        now = self._clock.now()
        found = self._database.perform(lambda connection: self._watch.look(connection, now, self._user_id))
        return [one.to_json() for one in found]

    def alerts(self, limit: int = 50) -> builtins.list[Record]:
        """What was told, the newest first, at most `limit` (1-500)."""
        check_limit(limit)
        return self._database.perform(lambda connection: alerts.page(connection, self._user_id, limit=limit))

    __call__ = list
