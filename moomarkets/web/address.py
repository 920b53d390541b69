"""Where the web server listens: a socket that is open before anything is served, and outlives every restart."""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass

from moomarkets.domain.errors import SettingsError
from moomarkets.domain.events import Events

BACKLOG = 512


@dataclass(frozen=True, slots=True)
class Address:
    """What is wanted: host and port (0: any free one), and whether somebody chose that very port."""

    host: str
    port: int
    is_chosen: bool

    def listen(self, events: Events) -> socket.socket:
        """Open the socket; connections wait in it until somebody serves them. A port by default may be another.

        Raises:
            SettingsError: the host is none of this machine's own loopback, or the chosen port cannot be had.
        """
        try:
            return self._bind(self.port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or self.is_chosen or self.port == 0:
                raise SettingsError([self._fault(error)]) from None
        listener = self._bind(0)
        events.emit("web.port_unavailable", expected=self.port, got=listener.getsockname()[1])
        return listener

    def _bind(self, port: int) -> socket.socket:
        family, address = self._resolve(port)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def _resolve(self, port: int) -> tuple[socket.AddressFamily, tuple[object, ...]]:
        try:
            found = socket.getaddrinfo(self.host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            found = []
        if not found or not all(is_loopback(str(entry[4][0])) for entry in found):
            # Without accounts, whoever reaches the port may do everything.
            expected = "an address of this machine alone, such as 127.0.0.1, as long as there are no accounts"
            raise SettingsError([f"web_host: expected {expected}; got {self.host}"])
        return found[0][0], found[0][4]

    def _fault(self, error: OSError) -> str:
        why = {errno.EADDRINUSE: "which is taken", errno.EACCES: "which this account may not use"}
        said = why.get(error.errno or 0, (error.strerror or str(error)).lower())
        return f"web_port: expected a free port (0: any), got {self.port}, {said}"


def url_of(listener: socket.socket) -> str:
    """The address to open in a browser."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether an address is one of this machine alone.

    Example:
        >>> is_loopback("127.0.0.2"), is_loopback("::1"), is_loopback("192.168.0.1"), is_loopback("localhost")
        (True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
