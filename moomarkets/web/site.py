"""The site: one application on one socket, served by a thread that can be ended and begun anew."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from actors.otp.promise import Promise
from actors.otp.runtime import Runtime
from moomarkets.web.address import url_of

CLOSE_S: Final = 2.0
"""How long the end may take: requests under way have half of it to finish."""


class WebSite:
    """Serves what `application` builds, which may take its time: that runs in the serving thread.

    The socket stays open between one serving and the next, so nobody who connects meanwhile is refused.

    Example: `site.open()`, `site.url`, `site.close()`
    """

    def __init__(self, runtime: Runtime, listener: socket.socket, application: Callable[[], Any]) -> None:
        self.url = url_of(listener)
        self._runtime, self._listener, self._application = runtime, listener, application
        self._stop: Promise[None] = Promise()
        self._ended: Promise[None] = Promise()
        self._ended.resolve(None)

    def open(self) -> Promise[None]:
        """Begin to serve; the promise settles when that has ended."""
        # Whoever was killed while it served has left the thread behind.
        self.close()
        stop: Promise[None] = Promise()
        self._stop = stop
        self._ended = self._runtime.spawn(lambda: self._serve(stop), "web")
        return self._ended

    def close(self) -> None:
        """End the serving, and wait for that a little."""
        self._stop.resolve(None)
        self._runtime.wait_for(self._ended, CLOSE_S)

    def _serve(self, stop: Promise[None]) -> None:
        # The web framework takes half a second to import: nobody but this thread waits for it.
        from moomarkets.web.serving import serve

        if not stop.is_done:
            serve(self._application(), self._listener.dup(), stop)
