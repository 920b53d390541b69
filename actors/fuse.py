"""The fuse of the tree: its own end ends everything, for a process that can only be helped by a new one."""

from __future__ import annotations

from dataclasses import dataclass

from actors.otp.gen_server import GenServer
from actors.otp.reasons import SHUTDOWN


@dataclass(frozen=True, slots=True)
class Blow:
    """End the tree, in order: the process is to be started again."""


class Fuse(GenServer):
    """Does nothing until it is told to blow; a significant child of the root, which then ends all the others."""

    def handle_cast(self, message: Blow) -> None:
        self.stop(SHUTDOWN)
