"""Connections, plain and over TLS: verified, and woken at once whatever they wait for."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datasources.transport import Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import Cancelled, Reason, SourceError
from moomarkets.testing.manual_clock import ManualClock
from moomarkets.testing.open_gate import OpenPermit

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
MUCH = b"x" * 50_000_000
AT_ONCE_S = 0.3


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a self-signed certificate for 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def listener(serve: Callable[[socket.socket], None], scheme: str = "https") -> Iterator[str]:
    """Serves one connection in a thread of its own; yields the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"{scheme}://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)
        assert not thread.is_alive()


@contextmanager
def full_listener() -> Iterator[str]:
    """An address to which nobody can connect, and which does not refuse: its queue is full."""
    with ExitStack() as opened, socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        for _ in range(2):
            first = opened.enter_context(socket.socket())
            first.setblocking(False)
            first.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def get(
    url: str,
    context: ssl.SSLContext | None,
    token: CancelToken,
    seconds: float = 10,
    content: bytes = b"",
    clock: Clock | None = None,
) -> Reply:
    clock = clock or SystemClock()
    client = Transport("test", url, clock, ssl_context=context)
    try:
        return client.send("POST", "/", {}, OpenPermit(clock.monotonic() + seconds), token, content)
    finally:
        client.close()


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_an_answer_is_read_over_tls(certificate: Path) -> None:
    def serve(connection: socket.socket) -> None:
        with server_side(certificate).wrap_socket(connection, server_side=True) as secured:
            secured.recv(1000)
            secured.sendall(ANSWER)

    with listener(serve) as url:
        reply = get(url, ssl.create_default_context(cafile=certificate), CancelToken())

    assert reply == Reply(200, b"{}")


def test_a_certificate_that_nobody_vouches_for_is_a_network_error(certificate: Path) -> None:
    def serve(connection: socket.socket) -> None:
        with pytest.raises(ssl.SSLError):
            server_side(certificate).wrap_socket(connection, server_side=True)

    with listener(serve) as url, pytest.raises(SourceError) as caught:
        get(url, None, CancelToken())

    assert caught.value.reason is Reason.NETWORK


class Server:
    """Lets a client block: in the handshake, in its read, or in its write; `reached` is set when it does."""

    def __init__(self, certificate: Path, blocks_in: str, *, is_secured: bool) -> None:
        self.reached, self.may_end = threading.Event(), threading.Event()
        self._certificate, self._blocks_in, self._is_secured = certificate, blocks_in, is_secured

    def __call__(self, connection: socket.socket) -> None:
        if self._is_secured and self._blocks_in != "handshake":
            connection = server_side(self._certificate).wrap_socket(connection, server_side=True)
        connection.recv(1000)
        if self._blocks_in == "write":
            self._wait_until_no_more_comes(connection)
        self.reached.set()
        self.may_end.wait(10)
        connection.close()

    def _wait_until_no_more_comes(self, connection: socket.socket) -> None:
        """The client is blocked once what has arrived grows no more."""
        arrived, seen = 0, -1
        while arrived != seen:
            seen = arrived
            threading.Event().wait(0.1)
            # Not through TLS: what has arrived, read or not.
            arrived = len(socket.socket.recv(connection, 10_000_000, socket.MSG_PEEK))


@pytest.mark.parametrize(
    ("blocks_in", "is_secured"),
    [("read", False), ("read", True), ("write", False), ("write", True), ("handshake", True)],
    ids=["read", "read over TLS", "write", "write over TLS", "handshake"],
)
@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancel", "jump of the clock"])
def test_whatever_blocks_is_woken_at_once(
    certificate: Path, blocks_in: str, is_secured: bool, is_cancelled: bool
) -> None:
    server = Server(certificate, blocks_in, is_secured=is_secured)
    context = ssl.create_default_context(cafile=certificate) if is_secured else None
    clock, token, woken_at = ManualClock(), CancelToken(), list[float]()

    def wake() -> None:
        server.reached.wait(5)
        woken_at.append(time.monotonic())
        token.cancel() if is_cancelled else clock.advance(100)

    thread = threading.Thread(target=wake)
    thread.start()
    content = MUCH if blocks_in == "write" else b""
    with listener(server, "https" if is_secured else "http") as url:
        with pytest.raises(Cancelled if is_cancelled else SourceError) as caught:
            get(url, context, token, 60, content, clock)
        took_s = time.monotonic() - woken_at[0]
        server.may_end.set()
    thread.join()

    assert caught.value.reason is (Reason.CANCELLED if is_cancelled else Reason.TIMEOUT)
    assert took_s < AT_ONCE_S


@pytest.mark.parametrize("is_cancelled", [True, False], ids=["cancel", "jump of the clock"])
def test_who_waits_to_be_connected_is_woken_at_once(is_cancelled: bool) -> None:
    clock, token, ended = ManualClock(), CancelToken(), list[Reason]()

    def attempt(url: str) -> None:
        with pytest.raises((Cancelled, SourceError)) as caught:
            get(url, None, token, 60, clock=clock)
        ended.append(caught.value.reason)

    with full_listener() as url:
        thread = threading.Thread(target=attempt, args=(url,))
        thread.start()
        thread.join(0.2)
        is_blocked = thread.is_alive()
        token.cancel() if is_cancelled else clock.advance(100)
        thread.join(AT_ONCE_S)
        is_woken = not thread.is_alive()
    thread.join()

    assert is_blocked
    assert is_woken
    assert ended == [Reason.CANCELLED if is_cancelled else Reason.TIMEOUT]


def test_a_handshake_that_nobody_answers_ends_at_the_deadline() -> None:
    def serve(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    started = time.monotonic()
    with listener(serve) as url, pytest.raises(SourceError) as caught:
        get(url, ssl.create_default_context(), CancelToken(), seconds=0.3)

    assert caught.value.reason is Reason.TIMEOUT
    assert time.monotonic() - started < 1.5
