"""The RateLimiter of one credential: a request leaves only with a permit that is durable, and no window ever overflows.

The store decides (it knows the other nodes' permits too); this server keeps the queue, asks for many at once, and
knows when asking again is worth it. Waiting is a deferred reply: the server itself never waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from actors import names
from actors.otp.calls import cast
from actors.otp.gen_server import GenServer
from actors.otp.mailbox import Timer
from actors.otp.messages import NOREPLY, Continue, ReplyTo
from actors.store_writer import NotWritten, Write, Written
from moomarkets.domain import failpoints
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.limits import Window
from moomarkets.store import permits
from moomarkets.store.permits import Bucket, Look, Reservation

MOST_AT_ONCE = 20
LONGEST_WAIT_S = 2.0
"""Other nodes may finish their requests earlier than their deadlines say: look again at least that often."""
PRUNE_EVERY_S = 60.0
REPORTED_STEP_S = 1.0
"""Smaller ones are allowed for, but may be readings that came late."""


@dataclass(frozen=True, slots=True)
class LimiterRules:
    """What one limiter guards: a credential's windows, and how long a request and an unused permit may last.

    `boot_id` tells for which limiters the boot time of this machine means the same; empty: for none.
    """

    source: str
    source_id: int
    user_id: int
    windows: tuple[Window, ...]
    endpoint_windows: dict[str, tuple[Window, ...]]
    node_id: UUID
    deadline_s: float
    use_within_s: float
    default_silence_s: float
    boot_id: str = ""


@dataclass(frozen=True, slots=True)
class Acquire:
    """A permit for one request to that endpoint, please; the reply is a `Grant`, when there is one."""

    endpoint: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A reserved permit; `asked_at` (boot time) and `deadline` (monotonic) count from before it was reserved."""

    permit_id: UUID
    asked_at: float
    deadline: float


class SourcePaused(AttemptError):
    """The source rests: whoever asks gets no permit, and costs no attempt."""


@dataclass(frozen=True, slots=True)
class Release:
    """The request is over (`is_sent`), or certainly never left."""

    permit_id: UUID
    is_sent: bool


@dataclass(frozen=True, slots=True)
class Silence:
    """A 429 was read; the reply comes when the silence is durable, with its seconds."""

    retry_after_s: float | None


@dataclass(frozen=True, slots=True)
class _Waiter:
    endpoint: str
    reply_to: ReplyTo


@dataclass(frozen=True, slots=True)
class _Opened:
    """Tag: the bucket's id is known."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """Tag of a reservation: who gets what it grants."""

    waiters: tuple[_Waiter, ...]
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


class RateLimiter(GenServer):
    """Queues those who want a permit and reserves for them; a restart finds all that was spent in the store."""

    def init(self, rules: LimiterRules) -> Continue:
        self._rules = rules
        self._bucket: Bucket | None = None
        self._queue: list[_Waiter] = []
        self._is_asking = False
        self._last_look: Look | None = None
        self._again: Timer | None = None
        return Continue()

    def handle_continue(self, arg: object) -> None:
        self._write(self._bucket_id, _Opened())
        self.send_after(PRUNE_EVERY_S, _Prune())

    def handle_call(self, message: object) -> object:
        match message:
            case Acquire(endpoint):
                self._queue.append(_Waiter(endpoint, self.defer()))
                # With a timer set, nothing is free before it fires.
                if self._again is None:
                    self._ask()
                return NOREPLY
            case Silence(retry_after_s):
                self._silence(retry_after_s, self.defer())
                return NOREPLY
            case _:
                return super().handle_call(message)

    def handle_cast(self, message: Release) -> None:
        permit_id, now = message.permit_id, self.clock.sql_now()
        if message.is_sent:
            self._write(
                lambda connection: permits.done(connection, self._bucket_id(connection), [permit_id], now), _Released()
            )
        else:
            self._write(lambda connection: permits.give_back(connection, [permit_id]), _Released())

    def handle_info(self, message: object) -> None:
        match message:
            case Written(_Opened(), int() as bucket_id):
                rules = self._rules
                self._bucket = Bucket(bucket_id, rules.windows, rules.endpoint_windows)
                self._ask()
            case Written(_Asked() as asked, Reservation() as reservation):
                self._hand_out(asked, reservation)
            case Written(_Released(), _) | _AskAgain():
                self._ask_now()
            case Written(_Silenced(reply_to), seconds):
                self.events.emit("source.silenced", source=self._rules.source, seconds=seconds)
                failpoints.hit("silence_stored")
                reply_to.reply(seconds)
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

    def _ask_now(self) -> None:
        if self._again is not None:
            self.cancel_timer(self._again)
            self._again = None
        self._ask()

    def _ask(self) -> None:
        """Reserve for the first in the queue, and those behind them who want the same endpoint; one ask at a time."""
        for waiter in self._queue:
            if waiter.reply_to.promise.is_done:
                waiter.reply_to.reply(None)  # he has given up: nobody owes him anything
        self._queue = [waiter for waiter in self._queue if not waiter.reply_to.promise.is_done]
        if self._is_asking or self._bucket is None or not self._queue:
            return
        bucket, rules, endpoint = self._bucket, self._rules, self._queue[0].endpoint
        count = 0
        while count < min(len(self._queue), MOST_AT_ONCE) and self._queue[count].endpoint == endpoint:
            count += 1
        waiters, self._queue = tuple(self._queue[:count]), self._queue[count:]
        ids = [self.runtime.new_id() for _ in waiters]
        self._is_asking = True
        now, boottime, last = self.clock.sql_now(), self.clock.boottime, self._last_look
        self._write(
            lambda connection: permits.reserve(
                connection,
                bucket,
                endpoint,
                ids,
                node_id=rules.node_id,
                deadline_s=rules.deadline_s,
                now=now,
                boottime=boottime,
                boot_id=rules.boot_id,
                last=last,
            ),
            _Asked(waiters, self.clock.boottime(), self.clock.monotonic()),
        )

    def _hand_out(self, asked: _Asked, reservation: Reservation) -> None:
        self._is_asking = False
        self._last_look = reservation.look
        if reservation.granted:
            failpoints.hit("permit_reserved")
        if abs(reservation.step_s) > REPORTED_STEP_S:
            self.events.emit("clock.stepped", source=self._rules.source, seconds=round(reservation.step_s, 3))
        deadline = asked.asked_monotonic + self._rules.deadline_s
        granted = list(reservation.granted)
        left = list(asked.waiters)
        while granted and left:
            grant = Grant(granted[0], asked.asked_at, deadline)
            # Who has given up waiting takes none: the permit goes to the next.
            if left.pop(0).reply_to.reply(grant):
                granted.pop(0)
        if granted:
            self._write(lambda connection: permits.give_back(connection, granted), None)
        self._queue = left + self._queue
        if reservation.is_paused:
            self._refuse_all()
        elif reservation.granted:
            self._ask()
        elif self._queue and self._again is None:
            wait_s = LONGEST_WAIT_S if reservation.wait_s is None else min(reservation.wait_s, LONGEST_WAIT_S)
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
        default_s, now = self._rules.default_silence_s, self.clock.sql_now()
        self._write(
            lambda connection: permits.silence(connection, self._bucket_id(connection), retry_after_s, default_s, now),
            _Silenced(reply_to),
        )

    def _bucket_id(self, connection: Connection) -> int:
        """The bucket's id; looked up where this incarnation does not know it yet, but an earlier one's permits end."""
        if self._bucket is not None:
            return self._bucket.id
        return permits.bucket_id(connection, self._rules.source_id, self._rules.user_id)

    def _write(self, work: Callable[[Connection], object], tag: object) -> None:
        cast(names.PERMITS, Write(work, self.ref, tag))
