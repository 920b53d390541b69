"""The names under which servers find each other; they survive restarts."""

from __future__ import annotations

FUSE = "fuse"
MANAGER = "manager"
CLAIMER = "claimer"
WRITER = "writer"
LEASES = "leases"
PERMITS = "permits"
RESCUE_WRITER = "rescue_writer"
LIMITERS = "limiters"
SCHEDULER = "scheduler"
RESCUER = "rescuer"
PRUNER = "pruner"
CUSTODIAN = "custodian"
ALERTER = "alerter"
LISTENER = "listener"
WEB = "web"


def limiter(source: str, user_id: int) -> str:
    """The name of the rate limiter of one user's credential for one source."""
    return f"limiter:{source}:{user_id}"


def executor(slot: str) -> str:
    """The name of the executor of one slot."""
    return f"executor:{slot}"
