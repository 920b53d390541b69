"""Has the web site served while it lives, and keeps asking everybody for a sign of life."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

from actors.otp.gen_server import GenServer
from actors.otp.promise import Promise
from actors.otp.reasons import ExitReason
from actors.pulse import Pulse
from moomarkets.domain.errors import MoomarketsError

ASK_EVERY_S: Final = 2.0


class Site(Protocol):
    """What is served: see `moomarkets.web.site.WebSite`."""

    def open(self) -> Promise[None]:
        """Begin to serve in a thread of its own; returns at once. The promise settles when that has ended."""

    def close(self) -> None:
        """End it; returns when it has ended, or soon."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """Ask everybody."""


@dataclass(frozen=True, slots=True)
class _Ended:
    """Nobody serves any more."""


class WebServer(GenServer):
    """A crash of the site is a crash of this server, which its supervisor starts again after a while."""

    def init(self, site: Site, pulse: Pulse) -> None:
        self._site, self._pulse = site, pulse
        self._serving = site.open()
        runtime, ref = self.runtime, self.ref
        self._serving.subscribe(lambda: runtime.send(ref, _Ended()))
        self.send_after(0, _Ask())

    def handle_info(self, message: object) -> None:
        match message:
            case _Ask():
                self._pulse.ask()
                self.send_after(ASK_EVERY_S, _Ask())
            case _Ended():
                self._serving.result()
                raise MoomarketsError("the web server has ended by itself")
            case _:
                super().handle_info(message)

    def terminate(self, reason: ExitReason) -> None:
        self._site.close()
