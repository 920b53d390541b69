"""Runs uvicorn in the calling thread: without ticks while idle, without logging, and with an end that comes in time."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from actors.otp.promise import Promise

GRACE_S: Final = 1.0
"""How long requests under way may take to finish when the end has come."""
CUT_S: Final = 0.5
"""How long it may take to cut off those that did not."""
_LOOK_EVERY_S: Final = 0.02


def serve(application: Any, listener: socket.socket, stop: Promise[None]) -> None:
    """Serve until `stop` settles; then `listener` is closed, and every connection is."""
    config = uvicorn.Config(
        application,
        loop="asyncio",
        http=_QuietProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        h11_max_incomplete_event_size=64 * 1024,
    )
    asyncio.run(_Server(config, stop).serve([listener]))


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, stop: Promise[None]) -> None:
        super().__init__(config)
        self._stop = stop

    async def main_loop(self) -> None:
        # uvicorn's own loop wakes ten times a second to look whether it is to stop.
        await self._stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn's own waits without an end for a client that neither reads nor goes away.
        state, loop = self.server_state, asyncio.get_running_loop()
        # A connection that has just been taken gets its protocol a few turns of the loop later: those are given to it.
        for listener in sockets or ():
            loop.remove_reader(listener.fileno())
        await asyncio.sleep(_LOOK_EVERY_S)
        for server in self.servers:
            server.close()
        for connection in list(state.connections):
            connection.shutdown()
        await self._wait_until_quiet(GRACE_S)
        for connection in list(state.connections):
            connection.transport.abort()
        for task in list(state.tasks):
            task.cancel()
        await self._wait_until_quiet(CUT_S)

    async def _wait_until_quiet(self, seconds: float) -> None:
        loop, state = asyncio.get_running_loop(), self.server_state
        until = loop.time() + seconds
        while (state.connections or state.tasks) and loop.time() < until:
            await asyncio.sleep(_LOOK_EVERY_S)


class _QuietProtocol(H11Protocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Errors are events of ours; the host's logging is not touched.
        self.logger = _SILENT


_SILENT: Final = logging.Logger("moomarkets.web", level=logging.CRITICAL + 1)
