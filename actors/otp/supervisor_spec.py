"""A supervisor as validated data: whom it starts, whom it restarts, when it gives up and when it is finished."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from actors.otp.child import ChildSpec, is_seconds, one_of
from actors.otp.keywords import known_fields_only
from moomarkets.domain.errors import InvalidInput


class Strategy(StrEnum):
    """Who is started again when one child ends."""

    ONE_FOR_ONE = "one_for_one"
    ONE_FOR_ALL = "one_for_all"
    REST_FOR_ONE = "rest_for_one"


class AutoShutdown(StrEnum):
    """Which ends of significant children end their supervisor."""

    NEVER = "never"
    ANY_SIGNIFICANT = "any_significant"
    ALL_SIGNIFICANT = "all_significant"


@known_fields_only("supervisor spec")
@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """A supervisor as data: children in start order, and more than `max_restarts` in `max_seconds` end it.

    With an `auto_shutdown` (default never) it ends by itself, reason `shutdown`, once a significant child, or the
    last one of them that runs, has ended by itself for good. If it has a supervisor, it should be transient or
    temporary there: a permanent one would be started again.

    Example:
        >>> SupervisorSpec("rest_for_one").strategy, SupervisorSpec().max_restarts
        (<Strategy.REST_FOR_ONE: 'rest_for_one'>, 3)
    """

    strategy: Strategy | str = Strategy.ONE_FOR_ONE
    children: tuple[ChildSpec, ...] = ()
    max_restarts: int = 3
    max_seconds: float = 5.0
    auto_shutdown: AutoShutdown | str = AutoShutdown.NEVER

    def __post_init__(self) -> None:
        object.__setattr__(self, "strategy", one_of(Strategy, "strategy", self.strategy))
        object.__setattr__(self, "auto_shutdown", one_of(AutoShutdown, "auto_shutdown", self.auto_shutdown))
        check_budget(self.max_restarts, self.max_seconds)
        if not isinstance(self.children, list | tuple):
            raise InvalidInput("children", "a tuple of child specs", type(self.children).__name__)
        object.__setattr__(self, "children", tuple(self.children))
        ids: set[str] = set()
        names: set[str] = set()
        for child in self.children:
            if not isinstance(child, ChildSpec):
                raise InvalidInput("children", "child specs", type(child).__name__)
            check_significant(child, self.auto_shutdown)
            _note_once(ids, "ids", child.id)
            if child.name is not None:
                _note_once(names, "names", child.name)


def check_budget(max_restarts: int, max_seconds: float) -> None:
    """Refuse a budget of restarts that makes no sense."""
    if type(max_restarts) is not int or max_restarts < 0:
        raise InvalidInput("max_restarts", "a whole number, 0 or more", max_restarts)
    if not is_seconds(max_seconds) or max_seconds == 0:
        raise InvalidInput("max_seconds", "more than 0 seconds", max_seconds)


def check_significant(child: ChildSpec, auto_shutdown: AutoShutdown | str) -> None:
    """Refuse a significant child whose end its supervisor would not heed."""
    if child.significant and auto_shutdown == AutoShutdown.NEVER:
        expected = "False under auto_shutdown never (any_significant or all_significant heed it)"
        raise InvalidInput(f"child {child.id} significant", expected, child.significant)


def _note_once(known: set[str], what: str, value: str) -> None:
    if value in known:
        raise InvalidInput("children", f"{what} that differ", value)
    known.add(value)
