"""Sockets whose every wait ends at the request's deadline or at its cancel."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore

from datasources.host_names import HostNames
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock


class Exchange:
    """One request under way: until when it may last, who may cancel it, and what it waits on now.

    `is_sent` turns true just before the first byte of the request leaves.
    """

    def __init__(self, deadline: float, clock: Clock, token: CancelToken) -> None:
        self.is_sent = False
        self.token = token
        self._deadline, self._clock = deadline, clock
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._woken: threading.Event | None = None

    def prolong(self, deadline: float) -> None:
        """Let it last until `deadline` instead."""
        self._deadline = deadline

    def remaining_s(self) -> float:
        """Seconds until the deadline; 0 or less when it has passed."""
        return self._deadline - self._clock.monotonic()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Within the block a cancel, or a jump of the clock past the deadline, wakes the wait under way."""
        forget_jump = self._clock.on_jump(self._wake_if_over)
        forget_cancel = self.token.on_cancel(self._wake)
        try:
            yield
        finally:
            forget_cancel()
            forget_jump()
            self._attach(None)

    def wait_s(self, sock: socket.socket) -> float:
        """How long an operation on `sock` may block; `TimeoutError` when it may not at all."""
        # The socket is attached before the look at the token: a cancel in between finds it and shuts it down.
        self._attach(sock)
        left_s = self._left_s()
        if left_s <= 0:
            raise TimeoutError("the time of this request is over")
        return left_s

    def wait(self, is_done: Callable[[], bool], woken: threading.Event) -> bool:
        """Wait until `is_done`, which is looked at whenever `woken` is set; false when the time was over first."""
        with self._lock:
            self._woken = woken
        try:
            while not is_done():
                left_s = self._left_s()
                if left_s <= 0:
                    return False
                woken.wait(left_s)
                woken.clear()
        finally:
            with self._lock:
                self._woken = None
        return True

    def release(self, sock: socket.socket) -> None:
        """Forget `sock`, which is about to be closed."""
        with self._lock:
            if self._socket is sock:
                self._socket = None

    def _left_s(self) -> float:
        return 0.0 if self.token.is_cancelled else self.remaining_s()

    def _attach(self, sock: socket.socket | None) -> None:
        with self._lock:
            self._socket = sock

    def _wake_if_over(self) -> None:
        if self.remaining_s() <= 0:
            self._wake()

    def _wake(self) -> None:
        with self._lock:
            if self._woken is not None:
                self._woken.set()
            if self._socket is not None:
                # Not the TLS socket's own shutdown: it drops state that the reading thread still uses.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Network(httpcore.NetworkBackend):
    """Opens the connections of one transport; each thread works on one exchange at a time."""

    def __init__(self, hosts: HostNames | None = None) -> None:
        self._hosts = hosts or HostNames()
        self._local = threading.local()

    @contextlib.contextmanager
    def using(self, exchange: Exchange) -> Iterator[None]:
        """Let this thread's socket operations count towards `exchange`."""
        self._local.exchange = exchange
        try:
            yield
        finally:
            self._local.exchange = None

    @property
    def exchange(self) -> Exchange:
        """What the calling thread is working on."""
        exchange = getattr(self._local, "exchange", None)
        if exchange is None:
            raise httpcore.ReadError("no exchange is under way in this thread")
        assert isinstance(exchange, Exchange)
        return exchange

    def release(self, sock: socket.socket) -> None:
        """Keep a cancel from touching `sock`, whose number may belong to another socket once it is closed."""
        exchange = getattr(self._local, "exchange", None)
        if exchange is not None:
            exchange.release(sock)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers, all of them within the deadline."""
        with _raising(httpcore.ConnectTimeout, httpcore.ConnectError):
            failure: OSError = OSError(f"no address for {host}")
            for family, kind, protocol, _, address in self._hosts.addresses(host, port, self.exchange.wait):
                sock = socket.socket(family, kind, protocol)
                try:
                    sock.settimeout(self.exchange.wait_s(sock))
                    sock.connect(address)
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return _Stream(self, sock)
                except OSError as error:
                    self.release(sock)
                    sock.close()
                    failure = error
            raise failure


class _Stream(httpcore.NetworkStream):
    """One connection; waits as long as the exchange of the calling thread allows."""

    def __init__(self, network: Network, sock: socket.socket) -> None:
        self._network, self._socket = network, sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        with _raising(httpcore.ReadTimeout, httpcore.ReadError):
            self._socket.settimeout(self._network.exchange.wait_s(self._socket))
            return self._socket.recv(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        with _raising(httpcore.WriteTimeout, httpcore.WriteError):
            while buffer:
                self._socket.settimeout(self._network.exchange.wait_s(self._socket))
                buffer = buffer[self._socket.send(buffer) :]

    def close(self) -> None:
        self._network.release(self._socket)
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        with _raising(httpcore.ConnectTimeout, httpcore.ConnectError):
            wait_s = self._network.exchange.wait_s(self._socket)
            # The handshake is a step of its own, so that a cancel finds the wrapped socket while it blocks.
            self._socket = ssl_context.wrap_socket(
                self._socket, server_hostname=server_hostname, do_handshake_on_connect=False
            )
            try:
                self._network.exchange.wait_s(self._socket)
                self._socket.settimeout(wait_s)
                self._socket.do_handshake()
            except OSError:
                self.close()
                raise
            return self

    def get_extra_info(self, info: str) -> object:
        if info == "ssl_object":
            return self._socket if isinstance(self._socket, ssl.SSLSocket) else None
        if info == "socket":
            return self._socket
        if info == "is_readable":
            return _is_readable(self._socket)
        return None


@contextlib.contextmanager
def _raising(timeout: type[Exception], failure: type[Exception]) -> Iterator[None]:
    """Turn errors of sockets into those that httpcore's connections know."""
    try:
        yield
    except TimeoutError as error:
        raise timeout(str(error)) from None
    except OSError as error:
        raise failure(error.strerror or type(error).__name__) from None


def _is_readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to read: its end, by the protocol."""
    if sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
