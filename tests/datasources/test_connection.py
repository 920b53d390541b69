"""Connections over TLS: verified, and woken like plain ones."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from datasources.transport import Reply, Transport
from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.clock import SystemClock
from moomarkets.domain.errors import Cancelled, Reason, SourceError
from moomarkets.testing.open_gate import OpenPermit

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


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
def listener(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """Serves one connection in a thread of its own; yields the https address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                serve(connection)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"
        thread.join(5)
        assert not thread.is_alive()


def get(url: str, context: ssl.SSLContext | None, token: CancelToken, seconds: float = 10) -> Reply:
    client = Transport("test", url, SystemClock(), ssl_context=context)
    try:
        return client.send("GET", "/", {}, OpenPermit(SystemClock().monotonic() + seconds), token)
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


@pytest.mark.parametrize("is_secured", [True, False])
def test_a_cancel_wakes_a_blocked_read_and_a_blocked_handshake(certificate: Path, is_secured: bool) -> None:
    reached = threading.Event()

    def serve(connection: socket.socket) -> None:
        if is_secured:
            connection = server_side(certificate).wrap_socket(connection, server_side=True)
        connection.recv(1000)
        reached.set()
        # Until the client has gone.
        while connection.recv(1000):
            pass
        connection.close()

    token = CancelToken()
    cancelled_at: list[float] = []

    def cancel() -> None:
        reached.wait(5)
        cancelled_at.append(time.monotonic())
        token.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with listener(serve) as url, pytest.raises(Cancelled):
        get(url, ssl.create_default_context(cafile=certificate), token)
    ended = time.monotonic()
    thread.join()

    assert ended - cancelled_at[0] < 0.3


def test_a_handshake_that_nobody_answers_ends_at_the_deadline() -> None:
    def serve(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    started = time.monotonic()
    with listener(serve) as url, pytest.raises(SourceError) as caught:
        get(url, ssl.create_default_context(), CancelToken(), seconds=0.3)

    assert caught.value.reason is Reason.TIMEOUT
    assert time.monotonic() - started < 1.5
