"""Places in the code at which a test can have the process die, freeze, wait or fail, exactly there."""

from __future__ import annotations

import builtins
import hashlib
import os
import re
import signal
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from moomarkets.domain import errors
from moomarkets.domain.errors import SettingsError
from moomarkets.domain.events import Events
from moomarkets.domain.nearest import did_you_mean

VARIABLE = "MOOMARKETS_FAILPOINTS"
PLACES: Mapping[str, str] = {
    "job_created": "the jobs of a plan are inserted, not committed",
    "occurrence_inserted": "a due instant is booked, not committed",
    "claimed": "the claim of some jobs is committed, nobody knows of it yet",
    "lease_renewed": "leases are extended, not committed",
    "permit_reserved": "a permit is committed, its request has not begun",
    "request_sending": "the next byte that leaves is the first of a request",
    "request_sent": "a request has left, its answer has not begun",
    "response_received": "an answer is there as a whole",
    "response_parsed": "the answer's rows are read, nothing is stored",
    "rows_written": "rows and coverage are written, not committed",
    "finish_before_commit": "all that ends an attempt is written, not committed",
    "finish_after_commit": "the end of an attempt is committed, the manager does not know it",
    "finish_acknowledged": "the manager knows that an attempt has ended",
    "permit_done": "the end of a request is noted, not committed",
    "run_finished": "the end of a run is written, not committed",
    "rescue_before_commit": "the work of a dead process is taken back, not committed",
    "rescue_after_commit": "it is committed that the work of a dead process is taken back",
    "silence_stored": "it is committed that a source said 429",
    "migration_step": "a migration has run, not committed",
    "pruned_batch": "some old history is forgotten, committed",
    "drain_started": "the drain has begun, nothing is given back yet",
    "drain_released": "everything has finished or was given back, the stop goes on",
}
"""Every failpoint that exists, in the order of an attempt, then those beside it; and what has happened there."""

_SPEC = re.compile(
    r"(?P<name>\w+)=(?P<action>[a-z]+)(?::(?P<argument>[\w.]+))?(?:@(?P<nth>[1-9]\d{0,8}))?(?:%(?P<chance>[\d.]+))?",
    re.ASCII,
)
_FORM = "name=action[@n][%p] with an action kill, exit:<code>, raise:<Class>, sleep:<seconds> or freeze"
_LONGEST_SLEEP_S = 86400.0


class Action(StrEnum):
    """What happens at a failpoint."""

    KILL = "kill"
    EXIT = "exit"
    RAISE = "raise"
    SLEEP = "sleep"
    FREEZE = "freeze"


@dataclass(frozen=True, slots=True)
class Failpoint:
    """One armed failpoint: acts at its `nth` pass, or at each where that is None, with the probability `chance`.

    Example:
        >>> parse("claimed=kill@3")[0].acts(3, seed=0), parse("claimed=kill@3")[0].acts(4, seed=0)
        (True, False)
    """

    name: str
    action: Action
    argument: float | type[BaseException] = 0.0
    nth: int | None = None
    chance: float = 1.0

    def acts(self, number: int, seed: int) -> bool:
        """Whether pass `number` (from 1) is one at which something happens; the same for the same seed."""
        if self.nth is not None and number != self.nth:
            return False
        drawn = hashlib.blake2b(f"{seed}/{self.name}/{number}".encode(), digest_size=8).digest()
        return int.from_bytes(drawn) < self.chance * 2**64


class _Armed:
    """A failpoint that is armed in this process, and how often it was passed."""

    def __init__(self, point: Failpoint, seed: int) -> None:
        self._point, self._seed = point, seed
        self._lock = threading.Lock()
        self._passes = 0

    def act(self) -> None:
        with self._lock:
            self._passes += 1
            number = self._passes
        if self._point.acts(number, self._seed):
            _do(self._point)


# The one table of a process, and mutable: what it does (kill, freeze, exit) happens to the whole process too.
_armed: dict[str, _Armed] = {}


def hit(name: str) -> None:
    """Pass the failpoint `name`; costs a look into an empty table where none is armed."""
    armed = _armed.get(name)
    if armed is not None:
        armed.act()


def arm(text: str, events: Events, seed: int) -> None:
    """Arm the failpoints of a specification in this process, in place of all others, and say so.

    For entry points only, once at the start. An empty text arms nothing.

    Raises:
        SettingsError: the specification makes no sense.
    """
    points = parse(text)
    _armed.clear()
    _armed.update({point.name: _Armed(point, seed) for point in points})
    if points:
        events.emit("failpoints.armed", points=text, seed=seed, note="for tests: this process fails on purpose")


def parse(text: str) -> tuple[Failpoint, ...]:
    """The failpoints of a specification such as `claimed=kill@3,request_sent=sleep:0.5%0.1`.

    Raises:
        SettingsError: it makes no sense; says all faults at once, and what is known.
    """
    faults: list[str] = []
    points: dict[str, Failpoint] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        try:
            point = _read(part)
        except ValueError as fault:
            faults.append(f"{VARIABLE}: {fault}")
            continue
        if point.name in points:
            faults.append(f"{VARIABLE}: expected each name once, got {point.name} twice")
        points[point.name] = point
    if faults:
        raise SettingsError(faults)
    return tuple(points.values())


def _read(part: str) -> Failpoint:
    found = _SPEC.fullmatch(part)
    if found is None or found["action"] not in set(Action):
        raise ValueError(f"expected {_FORM}, got {part!r}")
    if found["name"] not in PLACES:
        hint = did_you_mean(found["name"], PLACES)
        raise ValueError(f"expected one of {', '.join(PLACES)}{hint}, got {found['name']!r}")
    action = Action(found["action"])
    return Failpoint(
        found["name"],
        action,
        _argument(action, found["argument"], part),
        None if found["nth"] is None else int(found["nth"]),
        1.0 if found["chance"] is None else _number(found["chance"], 0.0, 1.0, "a probability from 0 to 1", part),
    )


def _argument(action: Action, text: str | None, part: str) -> float | type[BaseException]:
    match action:
        case Action.EXIT:
            return _number(text or "", 0, 255, "an exit code from 0 to 255", part) // 1
        case Action.SLEEP:
            return _number(text or "", 0.0, _LONGEST_SLEEP_S, "seconds from 0 to a day", part)
        case Action.RAISE:
            return _error_class(text or "", part)
        case _ if text is not None:
            raise ValueError(f"expected {action} without an argument, got {part!r}")
        case _:
            return 0.0


def _number(text: str, low: float, high: float, expected: str, part: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not low <= number <= high:
        raise ValueError(f"expected {expected}, got {part!r}")
    return number


def _error_class(name: str, part: str) -> type[BaseException]:
    """A class by its name, ours or Python's own, that can be raised with one text."""
    found = getattr(errors, name, None) or getattr(builtins, name, None)
    if not (isinstance(found, type) and issubclass(found, BaseException)):
        raise ValueError(f"expected raise: with the name of an error such as StoreUnavailable or OSError, got {part!r}")
    try:
        found("a failpoint")
    except TypeError:
        raise ValueError(f"expected an error that takes one text, got {part!r}") from None
    return found


def _do(point: Failpoint) -> None:
    match point.action:
        case Action.KILL:
            os.kill(os.getpid(), signal.SIGKILL)
        case Action.FREEZE:
            os.kill(os.getpid(), signal.SIGSTOP)
        case Action.EXIT:
            assert isinstance(point.argument, float)
            os._exit(int(point.argument))
        case Action.SLEEP:
            assert isinstance(point.argument, float)
            threading.Event().wait(point.argument)
        case Action.RAISE:
            assert isinstance(point.argument, type)
            raise point.argument(f"failpoint {point.name}")
