"""A server that starts, watches, restarts and ends other servers: OTP's supervisor."""

from __future__ import annotations

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
from actors.otp.messages import IGNORE, Exit, Leave, Reply
from actors.otp.nursery import (
    Child,
    Nursery,
    TryAgain,
    counts,
    listing,
    should_restart,
)
from actors.otp.reasons import SHUTDOWN, ExitReason
from actors.otp.ref import Ref
from actors.otp.supervision import affected, give_up, is_finished, leave_with_report
from actors.otp.supervisor_spec import SupervisorSpec, check_significant
from moomarkets.domain.errors import InvalidInput


class Supervisor(GenServer):
    """Starts its children left to right, restarts them by strategy, ends them right to left.

    Started from data, or subclassed with an `init` that returns a `SupervisorSpec`. When its budget of
    restarts is spent it ends all its children and itself with reason `shutdown`, which its own supervisor
    then judges.

    Example:
        >>> from actors.otp.thread_runtime import ThreadRuntime
        >>> runtime = ThreadRuntime()
        >>> spec = SupervisorSpec(children=(ChildSpec("clerk", GenServer),))
        >>> root = runtime.start(Supervisor, spec, name="root")
        >>> [info.path for info in runtime.tree()], runtime.stop(root, "shutdown")
        (['root', 'root/clerk'], 'shutdown')
    """

    child_type: ClassVar[ChildType] = ChildType.SUPERVISOR

    def init(self, *args: Any, **kwargs: Any) -> object:
        """The `SupervisorSpec`, or IGNORE."""
        return args[0] if len(args) == 1 and not kwargs else None

    def handle_call(self, message: object) -> object:
        match message:
            case StartChild(spec):
                return self._start_child(spec)
            case RestartChild(child_id):
                return self._restart_child(self._find(child_id))
            case CycleChild(child_id):
                return self._cycle_child(self._find(child_id))
            case TerminateChild(child_id):
                self._terminate_child(self._find(child_id))
            case DeleteChild(child_id):
                self._delete_child(self._find(child_id))
            case GetChildSpec(child_id):
                return self._find(child_id).spec
            case WhichChildren():
                return listing(list(self._children.values()))
            case CountChildren():
                return counts(list(self._children.values()))
            case _:
                return super().handle_call(message)
        return None

    def handle_info(self, message: object) -> None:
        match message:
            case Exit(ref, reason):
                self._child_exited(ref, reason)
            case TryAgain(child, restarts):
                # Only if nobody has ended, deleted or started it meanwhile.
                if child.is_restarting and child.restarts == restarts:
                    self._spend(child)
                    self._restart(child)
            case _:
                super().handle_info(message)

    def terminate(self, reason: ExitReason) -> None:
        for child in reversed(self._children.values()):
            self._nursery.stop(child)

    def format_state(self) -> dict[str, object]:
        spec, now = self._spec, self.clock.monotonic()
        return {
            "strategy": str(spec.strategy),
            "max_restarts": spec.max_restarts,
            "max_seconds": spec.max_seconds,
            "restarts_spent": sum(now - at <= spec.max_seconds for at in self._restarts),
            "children": listing(list(self._children.values())),
        }

    def _accept(self, result: object) -> object:
        if result is IGNORE:
            return result
        if not isinstance(result, SupervisorSpec):
            raise InvalidInput(f"{self.path} init", "a SupervisorSpec or IGNORE", type(result).__name__)
        self._spec = result
        self._nursery = Nursery(self._process)
        self._restarts: tuple[float, ...] = ()
        self._children: dict[str, Child] = {}
        for spec in result.children:
            child = self._children[spec.id] = self._new_child(spec)
            try:
                self._nursery.start(child)
            except StartError as error:
                self.terminate(SHUTDOWN)
                raise Leave((SHUTDOWN, ("failed_to_start_child", spec.id, error.reason))) from None
            self._drop_if_ignored(child)
        return None

    # Administration.

    def _start_child(self, spec: ChildSpec) -> Ref | None:
        known = self._children.get(spec.id)
        if known is not None:
            is_present = known.ref is None and not known.is_restarting
            problem = ChildProblem.ALREADY_PRESENT if is_present else ChildProblem.ALREADY_STARTED
            raise Reply(ChildRefused(known.path, problem, known.ref))
        try:
            check_significant(spec, self._spec.auto_shutdown)
        except InvalidInput as error:
            raise Reply(error) from None
        child = self._new_child(spec)
        try:
            self._nursery.start(child)
        except StartError as error:
            self._nursery.forget(child)
            raise Reply(error) from None
        self._children[spec.id] = child
        self._drop_if_ignored(child)
        return child.ref

    def _restart_child(self, child: Child) -> Ref | None:
        self._refuse_if_up(child)
        try:
            self._nursery.start(child)
        except StartError as error:
            raise Reply(error) from None
        return child.ref

    def _cycle_child(self, child: Child) -> list[str]:
        if not child.is_kept:
            raise Reply(ChildRefused(child.path, ChildProblem.TEMPORARY, child.ref))
        group = affected(self._spec.strategy, list(self._children.values()), child)
        self._nursery.note_restart(child)
        self._restart(child)
        return [member.path for member in group if member.is_kept]

    def _terminate_child(self, child: Child) -> None:
        self._nursery.stop(child)
        if not child.is_kept:
            self._drop(child)

    def _delete_child(self, child: Child) -> None:
        self._refuse_if_up(child)
        self._drop(child)

    def _find(self, wanted: str | Ref) -> Child:
        for child_id, child in self._children.items():
            if wanted == child_id or (child.ref is not None and wanted is child.ref):
                return child
        shown = wanted.path if isinstance(wanted, Ref) else f"{self.path}/{wanted}"
        raise Reply(ChildRefused(shown, ChildProblem.NOT_FOUND))

    def _refuse_if_up(self, child: Child) -> None:
        if child.is_restarting:
            raise Reply(ChildRefused(child.path, ChildProblem.RESTARTING))
        if child.ref is not None:
            raise Reply(ChildRefused(child.path, ChildProblem.RUNNING, child.ref))

    def _new_child(self, spec: ChildSpec) -> Child:
        return Child(spec, f"{self.path}/{spec.id}")

    def _drop(self, child: Child) -> None:
        self._nursery.forget(child)
        self._children.pop(child.spec.id, None)

    def _drop_if_ignored(self, child: Child) -> None:
        if child.ref is None and not child.is_kept:
            self._drop(child)

    # Restarts.

    def _child_exited(self, ref: Ref, reason: ExitReason) -> None:
        child = next((child for child in self._children.values() if child.ref is ref), None)
        if child is None:
            # An incarnation that was ended on purpose, or that never counted as started.
            return
        self._nursery.note_exit(child, reason)
        if should_restart(child.spec.restart, reason):
            self._restart_or_wait(child)
            return
        if not child.is_kept:
            self._drop(child)
        if is_finished(self._spec.auto_shutdown, child, list(self._children.values())):
            leave_with_report(self, "supervisor.finished", f"{child.path} ended", child=child.path)

    def _restart_or_wait(self, child: Child) -> None:
        delay_s = self._nursery.backoff_s(child)
        if delay_s is None:
            self._nursery.note_restart(child)
            self._spend(child)
            self._restart(child)
            return
        self._end_group(child)
        self._nursery.note_restart(child)
        self.send_after(delay_s, TryAgain(child, child.restarts))

    def _restart(self, child: Child) -> None:
        for member in self._end_group(child):
            if member is not child:
                self._nursery.note_restart(member)
            try:
                self._nursery.start(member)
            except StartError:
                self._try_again(member)
                return

    def _try_again(self, child: Child) -> None:
        self._nursery.note_restart(child)
        delay_s = self._nursery.backoff_s(child)
        # A message, not a loop: between two attempts the supervisor answers.
        self.send_after(delay_s or 0.0, TryAgain(child, child.restarts))

    def _end_group(self, child: Child) -> list[Child]:
        """End whoever falls with `child`, right to left; those to be started, left to right."""
        group = affected(self._spec.strategy, list(self._children.values()), child)
        for member in reversed(group):
            self._nursery.stop(member)
            if not member.is_kept:
                self._drop(member)
        return [member for member in group if member.is_kept]

    def _spend(self, child: Child) -> None:
        """Count one restart; end this supervisor if it is one too many."""
        if child.spec.backoff is not None:
            return
        spec = self._spec
        now = self.clock.monotonic()
        restarts = spend(self._restarts, now, spec.max_restarts, spec.max_seconds)
        if restarts is None:
            give_up(self, child, spec.max_restarts, spec.max_seconds)
        self._restarts = restarts
