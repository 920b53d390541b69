"""What a supervisor decides when a child has ended, and how it leaves when it gives up or is finished."""

from __future__ import annotations

from typing import NoReturn

from actors.otp.gen_server import GenServer
from actors.otp.messages import Leave
from actors.otp.nursery import Child
from actors.otp.reasons import SHUTDOWN
from actors.otp.supervisor_spec import AutoShutdown, Strategy


def affected(strategy: Strategy | str, children: list[Child], fallen: Child) -> list[Child]:
    """Whom the fall of one child takes along, itself included, in start order."""
    if strategy == Strategy.ONE_FOR_ALL:
        return children
    if strategy == Strategy.REST_FOR_ONE:
        return children[children.index(fallen) :]
    return [fallen]


def is_finished(auto_shutdown: AutoShutdown | str, ended: Child, children: list[Child]) -> bool:
    """Whether a supervisor ends because `ended`, which had the chance to, ended for good by itself.

    A significant child that is being restarted still runs, in this sense; one that was terminated does not.
    """
    if not ended.spec.significant or auto_shutdown == AutoShutdown.NEVER:
        return False
    if auto_shutdown == AutoShutdown.ANY_SIGNIFICANT:
        return True
    return not any(child.spec.significant and (child.ref is not None or child.is_restarting) for child in children)


def give_up(supervisor: GenServer, child: Child, max_restarts: int, max_seconds: float) -> NoReturn:
    """Report that the budget is spent and end the supervisor with `shutdown`."""
    reason = f"more than {max_restarts} restarts in {max_seconds:g} s, the last one of {child.path}"
    fields = {"child": child.path, "max_restarts": max_restarts, "max_seconds": max_seconds}
    leave_with_report(supervisor, "supervisor.gave_up", reason, **fields)


def leave_with_report(supervisor: GenServer, event: str, reason: str, **fields: object) -> NoReturn:
    """Report why and end the supervisor with `shutdown`."""
    runtime, process = supervisor.runtime, supervisor.ref.process
    runtime.supervision.add(event, process.path, process.restarts, reason, **fields)
    raise Leave(SHUTDOWN)
