"""What is subscribed to at the sources: what the settings say, what the providers say, and where they disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date

from sqlalchemy import Connection

from moomarkets.domain.calendar import TOKYO
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.learnt import WHOLE, Learnt
from moomarkets.domain.source import DataSource, Detected, DetectsPlan, SourceSpec, Subscription
from moomarkets.store import learnt
from moomarkets.store.coverage import Owner
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

WithClient = Callable[[int, str, Callable[[DataSource], Detected]], Detected]


class Subscriptions:
    """The subscriptions of one user; `with_client` opens a client for a moment, within the source's limits.

    Example: `system.sources.detect("jquants")`
    """

    def __init__(
        self,
        database: Database,
        user_id: int,
        specs: Mapping[str, SourceSpec],
        chosen: Mapping[str, Subscription],
        source_ids: Mapping[str, int],
        clock: Clock,
        with_client: WithClient,
    ) -> None:
        self._database, self._user_id, self._specs, self._chosen = database, user_id, specs, chosen
        self._source_ids, self._clock, self._with_client = source_ids, clock, with_client

    def detect(self, code: str) -> Record:
        """Ask the provider what the credential is subscribed to, and keep what it says.

        Raises:
            NotFound: there is no such source.
            InvalidInput: it has no plans that could be told apart.
            CredentialsMissing: there is nothing to ask with.
            SourceError: the provider refuses the credential, or cannot be asked.
        """
        if code not in self._specs:
            raise NotFound("source", code, sorted(self._specs))
        found = self._with_client(self._user_id, code, lambda client: _detected(client, code))
        self._database.perform(lambda connection: self._keep(connection, code, found))
        return {
            "source": code,
            "plan": found.plan,
            "first_on": found.readable.first_on,
            "last_on": found.readable.last_on,
            "add_ons": list(found.add_ons),
            "requests": found.requests,
            "plan_set": self._plan_set(code),
            "settings": _settings(code, found),
        }

    def learnt(self, code: str) -> Learnt:
        """What the provider has said within the last week, with the subscription as it is set."""
        owner = Owner(self._user_id, self._source_ids[code])
        label, now = self._chosen[code].label, self._clock.now()
        return self._database.perform(lambda connection: learnt.read(connection, owner, label, now))

    def disagreements(self, code: str) -> Iterator[str]:
        """One sentence for each thing in which the provider does not say what the settings say."""
        chosen, found, spec = self._chosen[code], self.learnt(code), self._specs[code]
        window = found.window_at(self._clock.now(), WHOLE)
        if chosen.plan is not None and window is not None and not window.is_about(*chosen.reach(self._today())):
            fitting = next((plan.name for plan in spec.plans if window.is_about(*plan.reach(self._today()))), None)
            is_plan = f", which is the plan {fitting}" if fitting else ""
            remedy = f"sources.{code}.plan" if fitting else f"`moomarkets sources detect {code}`"
            yield (
                f"{code}: the plan {chosen.plan.name} is set, but the provider lets this credential read "
                f"{window}{is_plan}; see {remedy}"
            )
        if found.refused:
            names = ", ".join(sorted(found.refused))
            yield (
                f"{code}: the provider says that the subscription does not include {names}; "
                f"find out what it is with `moomarkets sources detect {code}`"
            )

    def _keep(self, connection: Connection, code: str, found: Detected) -> None:
        owner = Owner(self._user_id, self._source_ids[code])
        learnt.forget(connection, owner)
        learnt.keep_window(connection, owner, WHOLE, found.readable, self._chosen[code].label, self._clock.now())

    def _plan_set(self, code: str) -> str | None:
        plan = self._chosen[code].plan
        return plan.name if plan else None

    def _today(self) -> date:
        return self._clock.now().astimezone(TOKYO).date()


def _detected(client: DataSource, code: str) -> Detected:
    if not isinstance(client, DetectsPlan):
        raise InvalidInput("source", "one with plans that can be told apart", code)
    return client.detect_plan(CancelToken())


def _settings(code: str, found: Detected) -> str:
    """The lines for the file of settings."""
    lines = [f"[sources.{code}]", f'plan = "{found.plan}"']
    if found.add_ons:
        lines.append(f"add_ons = [{', '.join(f'{chr(34)}{name}{chr(34)}' for name in found.add_ons)}]")
    return "\n".join(lines)
