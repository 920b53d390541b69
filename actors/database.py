"""Watches the embedded server: when it dies this actor crashes, and its supervisor brings both back, with back-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from actors.otp.gen_server import GenServer
from moomarkets.domain.errors import EmbeddedServerError

LOOK_EVERY_S = 1.0


class Server(Protocol):
    """What is watched: see `moomarkets.store.embedded.server.EmbeddedServer`."""

    def start(self) -> None:
        """Return when it answers; at once if it does already."""

    @property
    def pid(self) -> int | None:
        """None when it does not run."""


@dataclass(frozen=True, slots=True)
class _Look:
    """Look whether it still runs."""


class DatabaseServer(GenServer):
    """Has the embedded server running. Stopping it is left to whoever made it: it is needed until the very end."""

    def init(self, server: Server) -> None:
        self._server = server
        server.start()
        self.send_after(LOOK_EVERY_S, _Look())

    def handle_info(self, message: object) -> None:
        if not isinstance(message, _Look):
            super().handle_info(message)
            return
        if self._server.pid is None:
            raise EmbeddedServerError("the embedded database server has died")
        self.send_after(LOOK_EVERY_S, _Look())
