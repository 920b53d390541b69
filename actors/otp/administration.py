"""What a supervisor is asked to do with its children while it runs, in OTP's words.

For static and dynamic supervisors alike; a dynamic one knows `start_child`, `terminate_child` by ref,
`which_children` and `count_children`. A dead or unknown supervisor is `NoProc` at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actors.otp.calls import call
from actors.otp.child import ChildSpec
from actors.otp.nursery import ChildCounts, ChildInfo
from actors.otp.ref import Dest, Ref
from moomarkets.domain.errors import InvalidInput

PATIENCE_S: Final = 60.0
"""How long the functions below wait by default: a supervisor answers only after the child it is at."""


@dataclass(frozen=True, slots=True)
class StartChild:
    """Add a child and start it."""

    spec: ChildSpec

    def __post_init__(self) -> None:
        # Refused here, at whoever asks: in the supervisor it would be a crash.
        if not isinstance(self.spec, ChildSpec):
            raise InvalidInput("start_child", "a child spec", type(self.spec).__name__)


@dataclass(frozen=True, slots=True)
class RestartChild:
    """Start a child that was terminated."""

    id: str


@dataclass(frozen=True, slots=True)
class CycleChild:
    """End a child that runs and start it again, with those who would fall with it."""

    id: str


@dataclass(frozen=True, slots=True)
class TerminateChild:
    """End a child."""

    child: str | Ref


@dataclass(frozen=True, slots=True)
class DeleteChild:
    """Forget a child that was terminated."""

    id: str


@dataclass(frozen=True, slots=True)
class GetChildSpec:
    """Tell the spec of a child."""

    id: str


@dataclass(frozen=True, slots=True)
class WhichChildren:
    """List the children."""


@dataclass(frozen=True, slots=True)
class CountChildren:
    """Count the children."""


def start_child(supervisor: Dest, spec: ChildSpec, timeout_s: float = PATIENCE_S) -> Ref | None:
    """Add a child and start it; its ref, None if its `init` ignored.

    Raises `ChildRefused` (already_started, already_present, max_children) or `StartError`; a spec whose start
    failed is not kept.
    """
    ref: Ref | None = call(supervisor, StartChild(spec), timeout_s)
    return ref


def restart_child(supervisor: Dest, child_id: str, timeout_s: float = PATIENCE_S) -> Ref | None:
    """Start a child that was terminated; `ChildRefused`: running, restarting, not_found. Costs no budget."""
    ref: Ref | None = call(supervisor, RestartChild(child_id), timeout_s)
    return ref


def cycle_child(supervisor: Dest, child_id: str, timeout_s: float = PATIENCE_S) -> list[str]:
    """End a child in order and start it again, with whom its crash would take along; costs no budget.

    OTP has only the two halves, `terminate_child` and `restart_child`, which leave the siblings alone: with
    rest_for_one those after the child would go on with what the old one knew. Returns the paths, in start order.
    A start that fails is tried again as after a crash. Static supervisors only; `ChildRefused`: not_found,
    temporary.
    """
    paths: list[str] = call(supervisor, CycleChild(child_id), timeout_s)
    return paths


def terminate_child(supervisor: Dest, child: str | Ref, timeout_s: float = PATIENCE_S) -> None:
    """End a child, by id or ref, also while it is restarting; twice is no error.

    A static supervisor keeps its spec, unless it is temporary; a dynamic one forgets it.
    """
    call(supervisor, TerminateChild(child), timeout_s)


def delete_child(supervisor: Dest, child_id: str, timeout_s: float = PATIENCE_S) -> None:
    """Forget a child that was terminated; `ChildRefused`: running, restarting, not_found."""
    call(supervisor, DeleteChild(child_id), timeout_s)


def get_childspec(supervisor: Dest, child_id: str, timeout_s: float = PATIENCE_S) -> ChildSpec:
    """The spec of a child, without arguments if it is temporary."""
    spec: ChildSpec = call(supervisor, GetChildSpec(child_id), timeout_s)
    return spec


def which_children(supervisor: Dest, timeout_s: float = PATIENCE_S) -> list[ChildInfo]:
    """The children in start order."""
    children: list[ChildInfo] = call(supervisor, WhichChildren(), timeout_s)
    return children


def count_children(supervisor: Dest, timeout_s: float = PATIENCE_S) -> ChildCounts:
    """How many children there are."""
    children: ChildCounts = call(supervisor, CountChildren(), timeout_s)
    return children
