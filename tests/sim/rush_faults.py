"""What goes wrong in a rush for permits, and mistakes to plant in the limiter: whoever judges it must find those."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from actors.otp.errors import OtpError
from actors.rate_limiter import RateLimiter
from moomarkets.store import permits
from moomarkets.store.permits import Ask, Key, Room
from moomarkets.store.sql import statement
from tests.sim.rush import Rush, RushNode

EVERY_S = 4.0
"""How long it is from one fault to the next, on average."""

FAULTS: dict[str, Callable[[Rush, RushNode], None]] = {}


def _fault(strike: Callable[[Rush, RushNode], None]) -> Callable[[Rush, RushNode], None]:
    FAULTS[strike.__name__] = strike
    return strike


def storm(rush: Rush, seconds: float, kinds: Iterable[str] = FAULTS) -> None:
    """Have faults of these kinds strike for so long."""
    names, until_s = list(kinds), rush.world.now_s + seconds
    while rush.world.now_s < until_s:
        rush.world.run_for(rush.world.chance.expovariate(1 / EVERY_S))
        name = rush.world.chance.choice(names)
        rush.world.note(f"fault: {name}")
        FAULTS[name](rush, rush.world.chance.choice(rush.nodes))


@_fault
def kill(rush: Rush, node: RushNode) -> None:
    """The limiter is killed."""
    if (ref := node.runtime.whereis(node.limiter)) is not None:
        node.runtime.kill(ref)


@_fault
def crash(rush: Rush, node: RushNode) -> None:
    """The limiter raises at its next step."""
    if (ref := node.runtime.whereis(node.limiter)) is not None:
        node.runtime.crash(ref)


@_fault
def cut(rush: Rush, node: RushNode) -> None:
    """The writer of permits dies, with whatever it had not written."""
    try:
        node.restart_writer()
    except OtpError as error:
        rush.world.note(f"writer not restarted: {error}")


@_fault
def die(rush: Rush, node: RushNode) -> None:
    """The process is gone, and another one comes."""
    rush.replace(node)


@_fault
def cancel(rush: Rush, node: RushNode) -> None:
    """Half of those who wait give up."""
    for token in list(node.waiting):
        if rush.world.chance.random() < 0.5:
            token.cancel()


@_fault
def freeze(rush: Rush, node: RushNode) -> None:
    """The process stands still."""
    node.runtime.freeze(rush.world.chance.expovariate(1 / 8))


@_fault
def lose(rush: Rush, node: RushNode) -> None:
    """The answers to some commits are lost."""
    rush.weather.lost += rush.world.chance.randint(1, 3)


@_fault
def repeat(rush: Rush, node: RushNode) -> None:
    """Some commits are done twice."""
    rush.weather.repeated += rush.world.chance.randint(1, 3)


@_fault
def refuse(rush: Rush, node: RushNode) -> None:
    """The database cannot be reached."""
    rush.weather.down_until = rush.world.now_s + rush.world.chance.expovariate(1 / 4)


@_fault
def drag(rush: Rush, node: RushNode) -> None:
    """The database becomes slow, or fast again."""
    rush.weather.latency_s = rush.world.chance.choice([0.003, 0.05, 0.3])


@_fault
def step(rush: Rush, node: RushNode) -> None:
    """The database's clock is set."""
    rush.world.database_skew_s += rush.world.chance.choice([-90.0, -5.0, -0.5, 0.5, 5.0, 90.0])


@_fault
def limit(rush: Rush, node: RushNode) -> None:
    """The server begins to answer some requests with 429, or no longer does."""
    rush.ledger.refusals = rush.world.chance.choice([0.0, 0.0, 0.1])


Plant = Callable[[], list[tuple[object, str, object]]]


def frees_a_window_after_the_send() -> list[tuple[object, str, object]]:
    """A slot is taken for free one window after its request was sent, however late that was counted."""

    def early(name: str) -> Any:
        return text(str(statement(name)).replace("coalesce(done_at, deadline_at)", "reserved_at"))

    return [(permits, "statement", early)]


def forgets_at_restart() -> list[tuple[object, str, object]]:
    """A limiter that has just started believes that nothing was spent."""
    original = RateLimiter.handle_continue

    def handle_continue(self: RateLimiter, arg: object) -> None:
        self._write(lambda connection: connection.execute(text("DELETE FROM permits")) and None, None)
        original(self, arg)

    return [(RateLimiter, "handle_continue", handle_continue)]


def is_a_bucket_that_refills() -> list[tuple[object, str, object]]:
    """A bucket of capacity N, refilled N a window: the way it is usually done."""
    levels: dict[Key, tuple[float, datetime]] = {}

    def rooms_of(
        connection: Connection,
        bucket: permits.Bucket,
        asks: Iterable[Ask],
        share: float,
        at: datetime,
        deadline_s: float,
    ) -> dict[Key, Room]:
        rooms: dict[Key, Room] = {}
        for ask in asks:
            for key in bucket.windows_of(ask.endpoint):
                window = key[1]
                level, since = levels.get(key, (float(window.count), at))
                refilled = level + (at - since).total_seconds() * window.count / window.seconds
                levels[key] = (min(refilled, float(window.count)), at)
                rooms[key] = _Counted(levels, key, int(levels[key][0]))
        return rooms

    return [(permits, "rooms_of", rooms_of)]


class _Counted(Room):
    """Room in a bucket that remembers what is taken from it."""

    def __init__(self, levels: dict[Key, tuple[float, datetime]], key: Key, free: int) -> None:
        super().__init__(free, 0.2, 0.2)
        self._levels, self._key = levels, key

    def take(self, weight: int) -> None:
        super().take(weight)
        level, since = self._levels[self._key]
        self._levels[self._key] = (level - weight, since)


PLANTS: dict[str, Plant] = {
    plant.__name__: plant for plant in (frees_a_window_after_the_send, forgets_at_restart, is_a_bucket_that_refills)
}
