"""A supervisor of children that come and go while it runs: OTP's DynamicSupervisor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from actors.otp.administration import (
    CountChildren,
    CycleChild,
    DeleteChild,
    GetChildSpec,
    RestartChild,
    StartChild,
    TerminateChild,
    WhichChildren,
)
from actors.otp.child import ChildSpec, ChildType
from actors.otp.errors import ChildProblem, ChildRefused, StartError
from actors.otp.gen_server import GenServer
from actors.otp.intensity import spend
from actors.otp.keywords import known_fields_only
from actors.otp.messages import IGNORE, Exit, Reply
from actors.otp.nursery import Child, Nursery, TryAgain, counts, listing, should_restart
from actors.otp.reasons import ExitReason
from actors.otp.ref import Ref
from actors.otp.supervision import give_up
from actors.otp.supervisor_spec import Strategy, check_budget
from moomarkets.domain.errors import InvalidInput


@known_fields_only("dynamic spec")
@dataclass(frozen=True, slots=True)
class DynamicSpec:
    """A dynamic supervisor as data: at most `max_children` (default unlimited), and a budget of restarts.

    Children that are being restarted count. More than `max_restarts` in `max_seconds` end the supervisor.

    Example:
        >>> DynamicSpec(max_children=200).max_restarts
        3
    """

    max_children: int | None = None
    max_restarts: int = 3
    max_seconds: float = 5.0

    def __post_init__(self) -> None:
        check_budget(self.max_restarts, self.max_seconds)
        limit = self.max_children
        if limit is not None and (type(limit) is not int or limit < 0):
            raise InvalidInput("max_children", "a whole number, 0 or more, or None", limit)


class DynamicSupervisor(GenServer):
    """Starts each child on request, restarts it alone, and ends all children at the same time.

    Children are told apart by ref, so ids may repeat (the path of a repeated one gets a number). A child that
    ends for good is forgotten, as is one whose `init` ignored.

    Example:
        >>> from actors.otp.administration import start_child
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> runtime = ThreadRuntime()
        >>> slots = runtime.start(DynamicSupervisor, DynamicSpec(), name="slots")
        >>> start_child(slots, ChildSpec("x0", GenServer)).path, runtime.stop(slots, "shutdown")
        ('slots/x0', 'shutdown')
    """

    child_type: ClassVar[ChildType] = ChildType.SUPERVISOR

    def init(self, *args: Any, **kwargs: Any) -> object:
        """The `DynamicSpec` (default: no limit), or IGNORE."""
        if kwargs or len(args) > 1:
            return None
        return args[0] if args else DynamicSpec()

    def handle_call(self, message: object) -> object:
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case TerminateChild(child):
                self._terminate_child(child)
            case WhichChildren():
                return listing(list(self._children.values()))
            case CountChildren():
                return counts(list(self._children.values()))
            case RestartChild() | CycleChild() | DeleteChild() | GetChildSpec():
                expected = "start_child, terminate_child, which_children or count_children"
                raise Reply(InvalidInput(f"{self.path}, a dynamic supervisor", expected, type(message).__name__))
            case _:
                return super().handle_call(message)
        return None

    def handle_info(self, message: object) -> None:
        match message:
            case Exit(ref, reason):
                self._child_exited(ref, reason)
            case TryAgain(child, restarts):
                if child.is_restarting and child.restarts == restarts:
                    self._spend(child)
                    self._restart(child)
            case _:
                super().handle_info(message)

    def terminate(self, reason: ExitReason) -> None:
        self._nursery.stop_all(list(self._children.values()))

    def format_state(self) -> dict[str, object]:
        spec, now = self._spec, self.clock.monotonic()
        return {
            "strategy": str(Strategy.ONE_FOR_ONE),
            "max_children": spec.max_children,
            "max_restarts": spec.max_restarts,
            "max_seconds": spec.max_seconds,
            "restarts_spent": sum(now - at <= spec.max_seconds for at in self._restarts),
            "children": listing(list(self._children.values())),
        }

    def _accept(self, result: object) -> object:
        if result is IGNORE:
            return result
        if not isinstance(result, DynamicSpec):
            raise InvalidInput(f"{self.path} init", "a DynamicSpec or IGNORE", type(result).__name__)
        self._spec = result
        self._nursery = Nursery(self._process)
        self._restarts: tuple[float, ...] = ()
        self._children: dict[str, Child] = {}
        self._running: dict[Ref, Child] = {}
        # Under which ref those that wait to be started again were known last.
        self._down: dict[Child, Ref] = {}
        return None

    def _start_child(self, spec: ChildSpec) -> Ref | None:
        if spec.significant:
            expected = "False in a dynamic supervisor, which never ends because a child does"
            raise Reply(InvalidInput(f"child {spec.id} significant", expected, spec.significant))
        limit = self._spec.max_children
        path = self._free_path(spec.id)
        if limit is not None and len(self._children) >= limit:
            raise Reply(ChildRefused(path, ChildProblem.MAX_CHILDREN))
        child = Child(spec, path)
        try:
            self._nursery.start(child)
        except StartError as error:
            self._nursery.forget(child)
            raise Reply(error) from None
        if child.ref is None:
            self._nursery.forget(child)
            return None
        self._children[path] = child
        self._running[child.ref] = child
        return child.ref

    def _terminate_child(self, wanted: str | Ref) -> None:
        child = self._running.get(wanted) if isinstance(wanted, Ref) else None
        if child is None:
            child = next((child for child, ref in self._down.items() if ref is wanted), None)
        if child is None:
            raise Reply(ChildRefused(f"{self.path}: {wanted!r}", ChildProblem.NOT_FOUND))
        self._nursery.stop(child)
        self._drop(child, child.last)

    def _child_exited(self, ref: Ref, reason: ExitReason) -> None:
        child = self._running.get(ref)
        if child is None:
            # An incarnation that was ended on purpose.
            return
        self._nursery.note_exit(child, reason)
        del self._running[ref]
        self._down[child] = ref
        if not should_restart(child.spec.restart, reason):
            self._drop(child, ref)
            return
        self._nursery.note_restart(child)
        delay_s = self._nursery.backoff_s(child)
        if delay_s is None:
            self._spend(child)
            self._restart(child)
        else:
            self.send_after(delay_s, TryAgain(child, child.restarts))

    def _restart(self, child: Child) -> None:
        try:
            self._nursery.start(child)
        except StartError:
            self._nursery.note_restart(child)
            delay_s = self._nursery.backoff_s(child)
            self.send_after(delay_s or 0.0, TryAgain(child, child.restarts))
            return
        if child.ref is None:
            self._drop(child, None)
        else:
            self._running[child.ref] = child
            self._down.pop(child, None)

    def _drop(self, child: Child, ref: Ref | None) -> None:
        self._nursery.forget(child)
        self._children.pop(child.path, None)
        self._down.pop(child, None)
        if ref is not None:
            self._running.pop(ref, None)

    def _spend(self, child: Child) -> None:
        if child.spec.backoff is not None:
            return
        spec = self._spec
        restarts = spend(self._restarts, self.clock.monotonic(), spec.max_restarts, spec.max_seconds)
        if restarts is None:
            give_up(self, child, spec.max_restarts, spec.max_seconds)
        self._restarts = restarts

    def _free_path(self, child_id: str) -> str:
        path, number = f"{self.path}/{child_id}", 1
        while path in self._children:
            number += 1
            path = f"{self.path}/{child_id}~{number}"
        return path
