"""A job type that an installed package would bring along: its jobs are under way for as long as a test says."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Mapping
from pathlib import Path

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Attempt, PlannedJob, Usage
from moomarkets.jobtypes.job_type import Outcome, PlanView, Tools
from moomarkets.jobtypes.registry import ENTRY_POINTS

FINISH, FAIL = b"!", b"?"


class Gated:
    """Connects to the gate at `port`, says its `number` and waits; with `is_deaf` not even a cancel ends the wait."""

    name = "gated"
    description = "for tests"
    default_schedule = None
    source = ""
    dataset = ""

    def plan(self, view: PlanView, scope: Mapping[str, object]) -> list[PlannedJob]:
        """Nothing: a test stores its jobs itself."""
        return []

    def perform(self, attempt: Attempt, tools: Tools, token: CancelToken) -> Outcome:
        """Wait at the gate."""
        given = attempt.parameters
        with socket.create_connection(("127.0.0.1", int(str(given["port"])))) as held:
            if not given.get("is_deaf"):
                token.on_cancel(lambda: _wake(held))
            held.sendall(f"{given['number']}\n".encode())
            verdict = held.recv(1)
            token.check()
        if verdict == FAIL:
            raise AttemptError(Reason.INVALID, "the test said so")
        return Outcome(Usage())


def install(folder: Path) -> Path:
    """Make `folder` look like a place where a package with this job type is installed: for PYTHONPATH."""
    about = folder / "gated_jobs-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: gated-jobs\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[{ENTRY_POINTS}]\ngated = {__name__}:Gated\n")
    return folder


def _wake(held: socket.socket) -> None:
    with contextlib.suppress(OSError):
        held.shutdown(socket.SHUT_RDWR)
