"""What an earlier owner may have left: servers that still run, and pid files of those that do not."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import Events
from moomarkets.store.embedded.directory import PORT

STEP_S = 30.0
PAUSE_S = 0.02


def clear(cluster: Path, clock: Clock, events: Events, stopping: threading.Event) -> None:
    """End every server process of `cluster`, orderly if possible, and remove a pid file nobody stands behind.

    Only for the owner of the data directory, before it starts a server. Gives up when `stopping` is set.
    """
    pid_file = cluster / "postmaster.pid"
    if not pid_file.exists():
        return
    for step in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        running = _signal_all(cluster, step)
        if running and step is signal.SIGINT:
            events.emit("database.leftover_found", directory=str(cluster), pids=running)
        if not running or _gone_within(STEP_S, cluster, clock, stopping):
            break
    else:
        raise EmbeddedServerError(
            f"database in {cluster}: expected the server of an earlier owner to end, got processes {running} "
            f"that do not"
        )
    if pid_file.exists() and os.path.exists("/proc/self/stat"):
        pid_file.unlink()
        events.emit("database.pid_file_removed", directory=str(cluster))


def clear_sockets(folder: Path) -> None:
    """Remove the socket that a killed server left; its lock would count if the pid in it lives again."""
    for name in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (folder / name).unlink(missing_ok=True)


def processes_of(cluster: Path) -> list[int]:
    """The pids of the Postgres processes of `cluster`; the proof is their working directory."""
    found = []
    for name in os.listdir("/proc") if os.path.exists("/proc/self/stat") else ():
        if not name.isdigit():
            continue
        try:
            command = Path("/proc", name, "comm").read_text().strip()
            if command == "postgres" and os.path.samefile(f"/proc/{name}/cwd", cluster):
                found.append(int(name))
        except OSError:
            continue
    return found


def _signal_all(cluster: Path, step: signal.Signals) -> list[int]:
    """Send `step` to the postmaster, or to what an ended one left; the pids that still run."""
    running = processes_of(cluster)
    postmaster = _pid_in(cluster / "postmaster.pid")
    for pid in [postmaster] if postmaster in running else running:
        if pid is not None:
            _send(pid, step)
    return running


def _send(pid: int, step: signal.Signals) -> None:
    try:
        os.kill(pid, step)
    except ProcessLookupError:
        return


def _gone_within(seconds: float, cluster: Path, clock: Clock, stopping: threading.Event) -> bool:
    deadline = clock.monotonic() + seconds
    while processes_of(cluster):
        if clock.monotonic() >= deadline:
            return False
        if stopping.wait(PAUSE_S):
            raise EmbeddedServerError(
                f"database in {cluster}: expected time for an earlier server to end, got a request to stop"
            )
    return True


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
