"""What a worker process runs: it takes one task after the other from its engine, and never outlives it.

It is started as `python -P -m moomarkets.engines.worker <channel> <owner>`. A thread listens to the channel, so that a
cancel reaches a task that is under way, and the end of the owner ends this process. A task that sits in C code and
lets no thread run keeps that from happening; the kernel ends the process then, with the thread that has started it.
"""

from __future__ import annotations

import ctypes
import os
import queue
import signal
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.border import attempt
from moomarkets.engines.frames import CANCEL, RESULT, Frame, Frames, failure_frame, task_in
from moomarkets.engines.task import answer

PR_SET_PDEATHSIG = 1
PIECE = 1024 * 1024
FIRST_TO_GO = "800"


class Inbox:
    """Listens to the engine, in a thread of its own: tasks to do, and a cancel for the one that came last."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self.tasks: queue.SimpleQueue[tuple[Frame, CancelToken]] = queue.SimpleQueue()

    def listen(self) -> None:
        """Listen for as long as the engine lives, then end the process, whatever it is at."""
        frames, token = Frames(), CancelToken()
        try:
            while data := self._channel.recv(PIECE):
                for frame in frames.feed(data):
                    if frame.kind == CANCEL:
                        # What it wakes is job code, which may raise anything.
                        reason = Reason(frame.body.decode())
                        attempt(lambda cancelled, reason=reason: cancelled.cancel(reason), token)  # type: ignore[misc]
                    else:
                        token = CancelToken()
                        self.tasks.put((frame, token))
        finally:
            os._exit(0)


def main() -> None:
    """Do what comes, one task at a time, in the main thread: what needs that one, such as signals, works."""
    channel, owner = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    channel.set_inheritable(False)
    end_with(owner)
    volunteer()
    inbox = Inbox(channel)
    threading.Thread(target=inbox.listen, name="inbox", daemon=True).start()
    me = os.getpid()
    while True:
        frame, token = inbox.tasks.get()
        reply = perform(frame, token)
        if os.getpid() != me:
            os._exit(0)  # a child that the task has forked and let return: the answer is not its own to give
        channel.sendall(reply.encode())


def perform(frame: Frame, token: CancelToken) -> Frame:
    """Do the task; its result, or how it failed."""
    function, body = task_in(frame)
    outcome = attempt(lambda cancel: answer(function, body, cancel), token)
    return failure_frame(outcome) if isinstance(outcome, Failed) else Frame(RESULT, outcome)


def end_with(owner: int) -> None:
    """Have the kernel end this process with the thread that has started it, where it can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != owner:
        os._exit(0)


def volunteer() -> None:
    """When memory runs out, this process goes before the supervisor and the database do."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(FIRST_TO_GO)


if __name__ == "__main__":
    main()
