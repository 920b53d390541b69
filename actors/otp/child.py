"""What a supervisor needs to know about a child, as validated data."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

from pykka import ThreadingActor

from actors.otp.keywords import known_fields_only
from moomarkets.domain.errors import InvalidInput

if TYPE_CHECKING:
    from actors.otp.gen_server import GenServer

E = TypeVar("E", bound=StrEnum)

_MOST_SECONDS: Final = sys.float_info.max


class Restart(StrEnum):
    """When an ended child is started again."""

    PERMANENT = "permanent"
    TRANSIENT = "transient"
    TEMPORARY = "temporary"


class Shutdown(StrEnum):
    """How a child is ended, where it is not a number of seconds."""

    INFINITY = "infinity"
    BRUTAL_KILL = "brutal_kill"


class ChildType(StrEnum):
    """Decides the default of `shutdown` and how the child is counted."""

    WORKER = "worker"
    SUPERVISOR = "supervisor"


@known_fields_only("backoff")
@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a crashed child stays down: `first_s`, doubled for each crash in a row, at most `most_s`."""

    first_s: float
    most_s: float

    def __post_init__(self) -> None:
        if not is_seconds(self.first_s) or self.first_s == 0:
            raise InvalidInput("backoff first_s", "more than 0 seconds", self.first_s)
        if not is_seconds(self.most_s) or self.most_s < self.first_s:
            raise InvalidInput("backoff most_s", f"at least first_s ({self.first_s:g}) seconds", self.most_s)

    def delay_s(self, failures: int) -> float:
        """Seconds to stay down after so many crashes in a row (1 or more).

        Example:
            >>> [Backoff(0.1, 30).delay_s(n) for n in (1, 2, 3, 20)]
            [0.1, 0.2, 0.4, 30.0]
        """
        return min(float(self.most_s), self.first_s * 2.0 ** min(failures - 1, 60))


@known_fields_only("child spec")
@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start, restart and end one child; checked completely when it is made.

    - `id` unique in its supervisor, and the last part of the child's path; no `/`.
    - `start` a server class; `args`, `kwargs` go to its `init`.
    - `restart` default permanent. A temporary child is forgotten, with its arguments, when it ends.
    - `shutdown` seconds that `terminate` may take, infinity, or brutal_kill; default 5, supervisors infinity.
    - `name` registered while the child lives; default none.
    - `backoff` (first, most) seconds to stay down after a crash; default none: restarted at once. A child
      with a backoff is paced by it instead of by its supervisor's budget of restarts, which it leaves alone.
    - `start_timeout_s` seconds that `init` may take; default 30, supervisors unlimited (their children's
      limits add up to theirs).
    - `significant` whether its own end counts for its supervisor's `auto_shutdown`; default not. For transient
      children, whose clean end counts, and temporary ones, any end of which does.

    Example:
        >>> from actors.otp.gen_server import GenServer
        >>> spec = ChildSpec("clerk", GenServer)
        >>> spec.restart.value, spec.shutdown, spec.type.value
        ('permanent', 5.0, 'worker')
    """

    id: str
    start: type[GenServer]
    args: tuple[object, ...] = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)
    restart: Restart = Restart.PERMANENT
    shutdown: float | Shutdown | None = None
    type: ChildType = ChildType.WORKER
    name: str | None = None
    backoff: Backoff | tuple[float, float] | None = None
    start_timeout_s: float | None = None
    significant: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.id, str) or not self.id or "/" in self.id:
            raise InvalidInput("child id", "a name without a slash", self.id)
        # A server is known by what a host's own actors lack: its class cannot be imported from here.
        if not (
            isinstance(self.start, type) and issubclass(self.start, ThreadingActor) and hasattr(self.start, "init")
        ):
            raise InvalidInput(self._field("start"), "a server class", self.start)
        self._check_arguments()
        if self.name is not None and (not isinstance(self.name, str) or not self.name):
            raise InvalidInput(self._field("name"), "a name or None", self.name)
        self._set("restart", one_of(Restart, self._field("restart"), self.restart))
        self._set("type", one_of(ChildType, self._field("type"), self.type))
        self._set("shutdown", self._checked_shutdown())
        self._set("backoff", self._checked_backoff())
        self._set("start_timeout_s", self._checked_start_timeout())
        self._check_significant()

    @property
    def is_supervisor(self) -> bool:
        """Whether the child has children of its own."""
        return self.type is ChildType.SUPERVISOR

    def _check_arguments(self) -> None:
        if not isinstance(self.args, tuple):
            raise InvalidInput(self._field("args"), "a tuple", type(self.args).__name__)
        if not isinstance(self.kwargs, Mapping):
            raise InvalidInput(self._field("kwargs"), "a mapping", type(self.kwargs).__name__)
        for name in self.kwargs:
            if not isinstance(name, str):
                raise InvalidInput(self._field("kwargs"), "names as keys", name)

    def _check_significant(self) -> None:
        if not isinstance(self.significant, bool):
            raise InvalidInput(self._field("significant"), "True or False", self.significant)
        if self.significant and self.restart is Restart.PERMANENT:
            expected = "False with restart permanent (a significant child is transient or temporary)"
            raise InvalidInput(self._field("significant"), expected, self.significant)

    def _checked_shutdown(self) -> float | Shutdown:
        if self.shutdown is None:
            return Shutdown.INFINITY if self.is_supervisor else 5.0
        if isinstance(self.shutdown, str):
            return one_of(Shutdown, self._field("shutdown"), self.shutdown)
        if not is_seconds(self.shutdown):
            raise InvalidInput(self._field("shutdown"), "0 or more seconds", self.shutdown)
        return float(self.shutdown)

    def _checked_backoff(self) -> Backoff | None:
        given = self.backoff
        if given is None or isinstance(given, Backoff):
            return given
        if not (isinstance(given, tuple) and len(given) == 2 and all(is_seconds(part) for part in given)):
            raise InvalidInput(self._field("backoff"), "(first, most) seconds", given)
        try:
            return Backoff(*given)
        except InvalidInput as error:
            raise InvalidInput(self._field(error.thing), error.expected, error.got) from None

    def _checked_start_timeout(self) -> float | None:
        if self.start_timeout_s is None:
            return None if self.is_supervisor else 30.0
        if not is_seconds(self.start_timeout_s) or self.start_timeout_s == 0:
            raise InvalidInput(self._field("start_timeout_s"), "more than 0 seconds", self.start_timeout_s)
        return float(self.start_timeout_s)

    def _field(self, name: str) -> str:
        return f"child {self.id} {name}"

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)


def one_of(enum: type[E], thing: str, value: object) -> E:
    """The member of `enum` that `value` is or names."""
    if isinstance(value, str) and value in list(enum):
        return enum(value)
    raise InvalidInput(thing, " | ".join(enum), value)


def is_seconds(value: object) -> bool:
    """Whether `value` is a finite number of seconds, 0 or more.

    Example:
        >>> is_seconds(0.5), is_seconds(float("nan")), is_seconds(True)
        (True, False, False)
    """
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _MOST_SECONDS
