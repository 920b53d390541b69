"""Claims due jobs for this node, as many as the manager has room for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from actors.dispatch_messages import Claimed, ClaimerReady, ClaimsOver, Resting
from actors.names import MANAGER
from actors.otp.calls import cast, send
from actors.otp.gen_server import GenServer
from actors.otp.ref import Ref
from moomarkets.domain import failpoints
from moomarkets.domain.errors import StoreUnavailable
from moomarkets.domain.job import Attempt
from moomarkets.store import jobs, switches
from moomarkets.store.database import Database
from moomarkets.store.outage import Outage


@dataclass(frozen=True, slots=True)
class Want:
    """`manager` has room for `count` more attempts after the first `received`; replaces what was said before."""

    count: int
    received: int
    manager: Ref


@dataclass(frozen=True, slots=True)
class Stop:
    """Claim nothing more, and tell the manager so; it wants nothing more after this."""


@dataclass(frozen=True, slots=True)
class Wake:
    """There may be due jobs now: a hint, from the listener or from somebody who has just stored some."""


@dataclass(frozen=True, slots=True)
class Review:
    """Say which of these attempts, which wait in the manager, would not be claimed now."""

    attempts: Sequence[Attempt]


@dataclass(frozen=True, slots=True)
class _Look:
    """Look for due jobs; `is_poll` marks the one that comes by itself and sets the next."""

    is_poll: bool = False


@dataclass(frozen=True, slots=True)
class ClaimRules:
    """What this node claims: which job types, at most `at_once` in one statement, with a lease of `lease_s`.

    `sources` has for job types the source that they ask: they are not claimed while it rests.
    """

    node_id: UUID
    job_types: Sequence[str]
    lease_s: float
    poll_s: float
    at_once: int = 100
    sources: Mapping[str, str] = field(default_factory=dict)


class Claimer(GenServer):
    """Looks for due jobs when the manager has room and somebody says that there may be some, else every `poll_s`."""

    def init(self, database: Database, rules: ClaimRules) -> None:
        self._database, self._rules = database, rules
        self._outage = Outage(self.events, self.clock, path=self.path)
        self.wanted = 0
        self._manager: Ref | None = None
        self._sent = 0
        self._is_look_due = False
        self._claim_id: UUID | None = None
        self.send_after(rules.poll_s, _Look(is_poll=True))
        cast(MANAGER, ClaimerReady())

    def handle_cast(self, message: Want | Wake | Review | Stop) -> None:
        match message:
            case Want():
                self._want(message)
            case Wake():
                self._look_soon()
            case Review():
                self._review(message)
            case Stop():
                self._stop()

    def handle_info(self, message: object) -> None:
        if isinstance(message, Review):
            self._review(message)
            return
        if not isinstance(message, _Look):
            super().handle_info(message)
            return
        if message.is_poll:
            self.send_after(self._rules.poll_s, _Look(is_poll=True))
        else:
            self._is_look_due = False
        # What a claim whose answer was lost has taken is ours, wanted or not.
        if self.wanted > 0 or self._claim_id is not None:
            self._claim()

    def _want(self, want: Want) -> None:
        """Take away what the manager had not received yet when it said this, else that would be claimed twice."""
        if want.manager is not self._manager or want.received > self._sent:
            # One of us is new: what was on its way to or from the one before is not waited for.
            self._manager, self._sent = want.manager, want.received
        room = max(want.count - (self._sent - want.received), 0)
        grows, self.wanted = room > self.wanted, room
        if grows:
            self._look_soon()

    def _stop(self) -> None:
        """Say that nothing comes any more, once that is so: a claim whose answer was lost may have taken jobs.

        While the store is away nothing is said: the manager asks again.
        """
        self.wanted = 0
        if self._claim_id is not None:
            self._claim()
        if self._claim_id is None:
            cast(MANAGER, ClaimsOver())

    def _review(self, review: Review) -> None:
        """While the store is away it is asked again later."""
        executions = {attempt.lease.job_id: attempt.lease.execution_id for attempt in review.attempts}
        sources = {attempt.lease.job_id: self._rules.sources.get(attempt.job_type, "") for attempt in review.attempts}
        try:
            resting = self._database.perform_statement(lambda connection: switches.resting(connection, sources))
        except StoreUnavailable as error:
            self._outage.failed(error)
            self.send_after(self._rules.poll_s, review)
            return
        if resting:
            cast(MANAGER, Resting(frozenset(executions[job_id] for job_id in resting)))

    def _look_soon(self) -> None:
        """One look for all that has come in by then."""
        if not self._is_look_due:
            self._is_look_due = True
            send(self.ref, _Look())

    def _claim(self) -> None:
        rules = self._rules
        count = min(self.wanted, rules.at_once)
        # Kept until the answer is here: a claim whose answer was lost is asked for again, not made again.
        claim_id = self._claim_id = self._claim_id or self.runtime.new_id()
        try:
            attempts = self._database.perform_statement(
                lambda connection: jobs.claim(
                    connection,
                    node_id=rules.node_id,
                    claim_id=claim_id,
                    count=count,
                    job_types=rules.job_types,
                    lease_s=rules.lease_s,
                    sources=rules.sources,
                    now=self.clock.sql_now(),
                )
            )
        except StoreUnavailable as error:
            self._outage.failed(error)
            return
        self._outage.worked()
        self._claim_id = None
        if not attempts:
            return
        failpoints.hit("claimed")
        self.wanted = max(self.wanted - len(attempts), 0)
        self._sent += len(attempts)
        cast(MANAGER, Claimed(tuple(attempts)))
        if self.wanted > 0 and len(attempts) == count:
            self._look_soon()
