"""The supervisor processes that share this database, and the proof that one of them is dead."""

from __future__ import annotations

import os
import socket
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, text

from moomarkets.domain.job import NodeIdentity


def identify(node_id: UUID, version: str) -> NodeIdentity:
    """This process, described so that others on the same machine can prove its death later."""
    pid = os.getpid()
    return NodeIdentity(node_id, socket.gethostname(), pid, boot_id(), process_start(pid) or "", version)


def register(connection: Connection, node: NodeIdentity) -> None:
    """Write the node's row; repeating it is harmless."""
    connection.execute(
        text(
            """
            INSERT INTO nodes (id, host, pid, boot_id, process_start, version)
            VALUES (:id, :host, :pid, :boot_id, :process_start, :version) ON CONFLICT (id) DO NOTHING
            """
        ),
        {
            "id": node.id,
            "host": node.host,
            "pid": node.pid,
            "boot_id": node.boot_id,
            "process_start": node.process_start,
            "version": node.version,
        },
    )


def learn(connection: Connection, node_id: UUID, job_types: Collection[str]) -> None:
    """Record which job types the node knows."""
    connection.execute(
        text("UPDATE nodes SET job_types = :job_types WHERE id = :id"), {"id": node_id, "job_types": sorted(job_types)}
    )


def known_job_types(connection: Connection) -> frozenset[str]:
    """The job types of the nodes that live, or have lived lately; empty where none has ever started."""
    known = connection.execute(text("SELECT DISTINCT unnest(job_types) FROM nodes"))
    return frozenset(known.scalars())


def see(connection: Connection, node_id: UUID) -> None:
    """Record that the node is alive."""
    connection.execute(text("UPDATE nodes SET seen_at = clock_timestamp() WHERE id = :id"), {"id": node_id})


def leave(connection: Connection, node_id: UUID) -> None:
    """Record that the node has stopped in order; it holds nothing any more."""
    connection.execute(
        text("UPDATE nodes SET stopped_at = clock_timestamp(), seen_at = clock_timestamp() WHERE id = :id"),
        {"id": node_id},
    )


def proven_dead(connection: Connection, node: NodeIdentity) -> list[UUID]:
    """The nodes of this boot of this machine that never said they stopped and whose process is gone.

    A pid alone proves nothing: it may have been given to somebody else, hence the start time of the process. The name
    of a host proves nothing either: two may share one. Who died with another boot loses its leases by time.
    """
    if not node.boot_id:
        return []
    rows = connection.execute(
        text(
            """
            SELECT id, pid, process_start FROM nodes
            WHERE stopped_at IS NULL AND boot_id = :boot_id AND process_start <> '' AND id <> :id
            """
        ),
        {"boot_id": node.boot_id, "id": node.id},
    )
    return [row.id for row in rows if not _may_live(row.pid, row.process_start)]


def bury(connection: Connection, dead: list[UUID]) -> None:
    """Record that those nodes are gone, once nothing runs under their name any more."""
    connection.execute(
        text(
            """
            UPDATE nodes SET stopped_at = clock_timestamp()
            WHERE id = ANY (:dead) AND NOT EXISTS (
                SELECT 1 FROM executions WHERE executions.node_id = nodes.id AND executions.status = 'running')
            """
        ),
        {"dead": dead},
    )


def boot_id() -> str:
    """A text that is the same only where pids mean the same: one boot, one container; "" where nothing tells.

    It changes at every boot of the machine, and containers that count pids of their own differ in it.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def process_start(pid: int) -> str | None:
    """When the process with that pid started, in ticks since boot; "" once it has ended, None where nothing tells."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field is the program's name in parentheses and may itself hold spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _may_live(pid: int, started: str) -> bool:
    """Whether the process with that pid may still be the one that started then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another account's: it exists, but may be hidden from the look that follows.
        pass
    return process_start(pid) in (None, started)
