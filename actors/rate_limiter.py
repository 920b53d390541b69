"""The RateLimiter of one credential: a request leaves only with a permit that is durable, and no window ever overflows.

The store decides (it knows the other nodes' permits too); this server keeps the queue, the most urgent first, asks for
many at once, and knows when asking again is worth it. Waiting is a deferred reply: the server itself never waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from uuid import UUID

from sqlalchemy import Connection

from actors import names
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.otp.messages import NOREPLY, Continue, ReplyTo
from actors.otp.runtime import Runtime
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain import failpoints
from moomarkets.domain.cancel import DEFAULT_PRIORITY
from moomarkets.domain.errors import AttemptError, InvalidInput, Reason
from moomarkets.domain.limits import USUAL_SILENCES, SilenceRule, Window
from moomarkets.store import buckets, permits
from moomarkets.store.buckets import Bucket, Silenced
from moomarkets.store.clock_steps import Look
from moomarkets.store.permits import Ask, Reservation

MOST_AT_ONCE = 20
"""For each endpoint: behind a full window of one, those who want another are asked for as well."""

PRIORITY_STEP_S = 60.0
"""A step of priority is worth a minute of waiting: the least urgent goes at most nine behind the most urgent."""

LONGEST_WAIT_S = 2.0
"""Other nodes may finish their requests earlier than their deadlines say: look again at least that often."""
PRUNE_EVERY_S = 60.0
REPORTED_STEP_S = 1.0
"""Smaller ones are allowed for, but may be readings that came late."""


@dataclass(frozen=True, slots=True)
class LimiterRules:
    """What one limiter guards: a credential's windows, and how long a request and an unused permit may last.

    `boot_id` tells for which limiters the boot time of this machine means the same; empty: for none. Requests to
    `apart` endpoints count in those endpoints' own windows alone. `asked` holds the ids of what a limiter has asked for
    and not handed out yet: after its death the next one gives that back.
    """

    source: str
    source_id: int
    user_id: int
    windows: tuple[Window, ...]
    endpoint_windows: dict[str, tuple[Window, ...]]
    node_id: UUID
    deadline_s: float
    use_within_s: float
    silences: SilenceRule = USUAL_SILENCES
    boot_id: str = ""
    apart: frozenset[str] = frozenset()
    asked: set[UUID] = field(default_factory=set, compare=False, repr=False)

    def bucket(self, bucket_id: int) -> Bucket:
        """The bucket of that id, with these windows."""
        return Bucket(bucket_id, self.windows, self.endpoint_windows, self.apart)


@dataclass(frozen=True, slots=True)
class Acquire:
    """A permit for one request to that endpoint, please; the reply is a `Grant`, when there is one.

    `since` is the monotonic second from which on the waiting counts; None: from now on.
    """

    endpoint: str
    priority: int = DEFAULT_PRIORITY
    since: float | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """A reserved permit; `asked_at` (boot time) and `deadline` (monotonic) count from before it was reserved."""

    permit_id: UUID
    asked_at: float
    deadline: float


class SourcePaused(AttemptError):
    """The source rests: whoever asks gets no permit, and costs no attempt."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A 429 was read; the reply comes when the silence is durable, with its seconds."""

    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class _Waiter:
    """`rank`: the lower, the sooner; it stays the same while all wait, so nobody is passed over for ever."""

    endpoint: str
    weight: int
    rank: tuple[float, int]
    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class _Opened:
    """Tag: the bucket's id is known."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Tag of a reservation: who gets what it grants, by the ids of the permits."""

    waiters: dict[UUID, _Waiter]
    asked_at: float
    asked_monotonic: float


@dataclass(frozen=True, slots=True)
class _Released:
    """Tag: a slot may be free sooner than was thought."""


@dataclass(frozen=True, slots=True)
class _Silenced:
    """Tag: the silence is durable."""

    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class _AskAgain:
    """It is worth asking again now."""


@dataclass(frozen=True, slots=True)
class _Prune:
    """Delete permits that no window counts any more."""


def release(runtime: Runtime, limiter: str, permit_id: UUID, *, is_sent: bool, weight: int | None = None) -> None:
    """Say that a request is over (`is_sent`), or certainly never left; `weight`: what it has really used, if known.

    That goes to the store without the limiter, which may just have died, and is told when it is durable.
    """
    now = runtime.clock.sql_now()

    def end(connection: Connection) -> None:
        if is_sent:
            permits.done(connection, [permit_id], now, weight)
        else:
            permits.give_back(connection, [permit_id])

    runtime.cast(names.PERMITS, Write(end, runtime.named(limiter), _Released()))


class RateLimiter(GenServer):
    """Queues those who want a permit and reserves for them; a restart finds all that was spent in the store."""

    def init(self, rules: LimiterRules) -> Continue:
        self._rules = rules
        self._bucket: Bucket | None = None
        self._queue: list[_Waiter] = []
        self._closed: frozenset[str] = frozenset()
        self._serials = count()
        self._chance = self.runtime.random()
        self._is_asking = False
        self._last_look: Look | None = None
        self._again: Timer | None = None
        return Continue()

    def handle_continue(self, arg: object) -> None:
        self._write(self._bucket_in, _Opened())
        # Whatever the limiter before this one had asked for and not handed out: nobody will ever use it.
        if lost := list(self._rules.asked):
            self._write(lambda connection: permits.give_back(connection, lost), None)
            self._rules.asked.difference_update(lost)
        self.send_after(PRUNE_EVERY_S, _Prune())

    def handle_call(self, message: object) -> object:
        match message:
            case Acquire():
                self._line_up(message, self.defer())
                return NOREPLY
            case Silence(retry_after_s):
                self._silence(retry_after_s, self.defer())
                return NOREPLY
            case _:
                return super().handle_call(message)

    def handle_info(self, message: object) -> None:
        match message:
            case Written(_Opened(), Bucket() as bucket):
                self._bucket = bucket
                self._ask()
            case Written(_Asked() as asked, Reservation() as reservation):
                self._hand_out(asked, reservation)
            case Written(_Released(), _) | _AskAgain():
                self._ask_now()
            case Written(_Silenced(reply_to), Silenced() as silenced):
                self._report(silenced)
                failpoints.hit("silence_stored")
                reply_to.reply(silenced.seconds)
            case NotWritten(_, error):
                raise error
            case _Prune():
                self.send_after(PRUNE_EVERY_S, _Prune())
                if self._bucket is not None and self._last_look is not None:
                    self._prune(self._bucket, self._last_look.at)
            case Written():
                return
            case _:
                super().handle_info(message)

    def _line_up(self, acquire: Acquire, reply_to: ReplyTo) -> None:
        most = self._rules.bucket(0).most_weight(acquire.endpoint)
        if not 1 <= acquire.weight <= most:
            fault = InvalidInput("weight of a permit", f"1 to {most:,}, the narrowest window", acquire.weight)
            reply_to.fail(AttemptError(Reason.INVALID, str(fault)))
            return
        since = self.clock.monotonic() if acquire.since is None else acquire.since
        rank = (since - acquire.priority * PRIORITY_STEP_S, next(self._serials))
        self._queue.append(_Waiter(acquire.endpoint, acquire.weight, rank, reply_to))
        # With a timer set, nothing is free before it fires, for those endpoints.
        if self._again is None or acquire.endpoint not in self._closed:
            self._ask()

    def _ask_now(self) -> None:
        if self._again is not None:
            self.cancel_timer(self._again)
            self._again = None
        self._ask()

    def _ask(self) -> None:
        """Reserve for those who wait, the most urgent first; one ask at a time."""
        for waiter in self._queue:
            if waiter.reply_to.promise.is_done:
                waiter.reply_to.reply(None)  # he has given up: nobody owes him anything
        self._queue = [waiter for waiter in self._queue if not waiter.reply_to.promise.is_done]
        if self._is_asking or self._bucket is None or not self._queue:
            return
        bucket, rules, waiters = self._bucket, self._rules, self._take_foremost()
        asks = [Ask(permit_id, waiter.endpoint, waiter.weight) for permit_id, waiter in waiters.items()]
        rules.asked.update(waiters)
        self._is_asking = True
        now, boottime, last = self.clock.sql_now(), self.clock.boottime, self._last_look
        self._write(
            lambda connection: permits.reserve(
                connection,
                bucket,
                asks,
                node_id=rules.node_id,
                deadline_s=rules.deadline_s,
                now=now,
                boottime=boottime,
                boot_id=rules.boot_id,
                last=last,
            ),
            _Asked(waiters, self.clock.boottime(), self.clock.monotonic()),
        )

    def _take_foremost(self) -> dict[UUID, _Waiter]:
        """Take those from the queue who are asked for now, each with the id of his permit."""
        counts: Counter[str] = Counter()
        taken: dict[UUID, _Waiter] = {}
        left: list[_Waiter] = []
        for waiter in sorted(self._queue, key=lambda waiter: waiter.rank):
            counts[waiter.endpoint] += 1
            if counts[waiter.endpoint] <= MOST_AT_ONCE:
                taken[self.runtime.new_id()] = waiter
            else:
                left.append(waiter)
        self._queue = left
        return taken

    def _hand_out(self, asked: _Asked, reservation: Reservation) -> None:
        self._is_asking = False
        self._last_look = reservation.look
        if reservation.granted:
            failpoints.hit("permit_reserved")
        if abs(reservation.step_s) > REPORTED_STEP_S:
            self.events.emit("clock.stepped", source=self._rules.source, seconds=round(reservation.step_s, 3))
        deadline = asked.asked_monotonic + self._rules.deadline_s
        granted = set(reservation.granted)
        unwanted: list[UUID] = []
        for permit_id, waiter in asked.waiters.items():
            self._rules.asked.discard(permit_id)
            if permit_id not in granted:
                self._queue.append(waiter)
            elif not waiter.reply_to.reply(Grant(permit_id, asked.asked_at, deadline)):
                unwanted.append(permit_id)
        if unwanted:
            # Who has given up waiting takes none: the permits go to the next.
            self._write(lambda connection: permits.give_back(connection, unwanted), _Released())
        self._closed = frozenset(asked.waiters[left].endpoint for left in asked.waiters.keys() - granted)
        if reservation.is_paused:
            self._refuse_all()
        elif self._queue:
            self._look_again(reservation.wait_s)

    def _look_again(self, wait_s: float | None) -> None:
        """Ask at once for those who may find room; else when there may be room for those who found none."""
        if self._again is not None:
            self.cancel_timer(self._again)
            self._again = None
        if any(waiter.endpoint not in self._closed for waiter in self._queue):
            self._ask()
        elif self._queue:
            wait_s = LONGEST_WAIT_S if wait_s is None else min(max(wait_s, 0.0), LONGEST_WAIT_S)
            self._again = self.send_after(wait_s, _AskAgain())

    def _refuse_all(self) -> None:
        """While the source is paused nobody waits for it: the jobs go back, and are not claimed until it goes on."""
        waiters, self._queue = self._queue, []
        for waiter in waiters:
            waiter.reply_to.fail(SourcePaused(Reason.INTERRUPTED, f"{self._rules.source} is paused"))

    def _prune(self, bucket: Bucket, at: datetime) -> None:
        """Forget what was over at the last look: should the clock have been set since, the next look has to see it."""
        self._write(lambda connection: permits.prune(connection, bucket, at), None)

    def _silence(self, retry_after_s: float | None, reply_to: ReplyTo) -> None:
        rule, luck, now = self._rules.silences, self._chance.random(), self.clock.sql_now()
        self._write(
            lambda connection: buckets.silence(connection, self._bucket_in(connection), retry_after_s, rule, now, luck),
            _Silenced(reply_to),
        )

    def _report(self, silenced: Silenced) -> None:
        source = self._rules.source
        self.events.emit("source.silenced", source=source, seconds=silenced.seconds)
        if silenced.has_learnt:
            percent = round(silenced.share * 100)
            self.events.emit("source.allowance_learnt", source=source, percent=percent)

    def _bucket_in(self, connection: Connection) -> Bucket:
        """The bucket; looked up where this incarnation does not know it yet, but an earlier one's permits end."""
        if self._bucket is not None:
            return self._bucket
        return self._rules.bucket(buckets.bucket_id(connection, self._rules.source_id, self._rules.user_id))

    def _write(self, work: Callable[[Connection], object], tag: object) -> None:
        cast(names.PERMITS, Write(work, self.ref, tag))
