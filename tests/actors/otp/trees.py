"""Supervision trees for the tests, and how to make them restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from actors.otp.administration import (
    which_children,
)
from actors.otp.child import ChildSpec, ChildType
from actors.otp.ref import Ref
from actors.otp.supervisor import Supervisor
from actors.otp.supervisor_spec import SupervisorSpec
from actors.otp.thread_runtime import ThreadRuntime
from tests.actors.otp.recorder import Recorder
from tests.actors.otp.servers import Counter, Crash


def child(child_id: str, **fields: Any) -> ChildSpec:
    return ChildSpec(**{"id": child_id, "start": Counter, **fields})


def subtree(child_id: str, *children: ChildSpec, **fields: Any) -> ChildSpec:
    spec = SupervisorSpec(children=children, **fields)
    return ChildSpec(child_id, Supervisor, (spec,), type=ChildType.SUPERVISOR)


def start(runtime: ThreadRuntime, *children: ChildSpec, **fields: Any) -> Ref:
    root = runtime.start(Supervisor, SupervisorSpec(children=children, **fields), name="root")
    assert root is not None
    return root


def refs(supervisor: Ref) -> dict[str, Ref | None]:
    return {info.id: info.ref for info in which_children(supervisor)}


def crash(runtime: ThreadRuntime, ref: Ref | None, end: object = None) -> None:
    assert ref is not None
    runtime.cast(ref, end or Crash())
    runtime.wait(ref, 5)


def restarted(events: Recorder, path: str, restarts: int = 1) -> None:
    events.wait_for("child.started", path=path, restarts=restarts)


def scripted(*outcomes: Any) -> Callable[[], Any]:
    """What each `init` in turn returns or raises; the last one for ever."""
    left = list(outcomes)
    return lambda: left.pop(0) if len(left) > 1 else left[0]
