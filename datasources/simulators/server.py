"""The HTTP server under every simulator: loopback only, kept-alive, with ledger, faults and admin paths."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from datasources.simulators.faults import Answer, Fault, Faults, send_spoilt, spoil_answer
from datasources.simulators.ledger import Ledger
from datasources.simulators.simulator_clock import SimulatorClock
from moomarkets.domain.clock import Clock, SystemClock

ADMIN = "/_sim/"
_MAX_ADMIN_BODY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Question:
    """One request as a simulator sees it; empty query values count as absent."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    faults: list[Fault]
    body: bytes = b""


class Simulator:
    """A provider on a loopback port. Subclasses answer; this one serves, counts and misbehaves when asked.

    Usable as a context manager. Admin paths: `GET /_sim/ledger`, `POST /_sim/faults` (one fault or a list of
    them; `[]` clears), `GET` and `POST /_sim/clock` (`{"advance_s": 60}` or `{"now": "<ISO instant>"}`).
    """

    def __init__(
        self, *, clock: Clock | None = None, start: datetime | None = None, port: int = 0, speed: float = 1.0
    ) -> None:
        self.clock = SimulatorClock(clock or SystemClock(), start, speed)
        # Arrivals are noted in real time, also when the simulated clock is moved.
        self.ledger = Ledger(clock or SystemClock())
        self.faults = Faults()
        self.port = port
        """The port that was asked for; 0 is any free one."""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The address without a trailing slash; only while started."""
        if self._server is None:
            raise RuntimeError("simulator: expected to be started")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Listen and serve in threads of its own."""
        self._server = _Server(("127.0.0.1", self.port), self)
        name = f"{type(self).__name__}-server"
        self._thread = threading.Thread(target=self._server.serve, name=name, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and wait until its thread is gone."""
        server, thread, self._server, self._thread = self._server, self._thread, None, None
        if server is None or thread is None:
            return
        server.stop_listening()
        thread.join()
        server.close_connections()
        server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def key_of(self, headers: Mapping[str, str]) -> str:
        """The credential that a request carries, for the ledger."""
        return ""

    def answer(self, question: Question) -> Answer:
        """The provider's answer."""
        raise NotImplementedError

    own_admin_paths: tuple[str, ...] = ()
    """Names of the admin paths that a subclass adds."""

    def administer_own(self, method: str, name: str, content: Any) -> Answer:
        """Answer a request to one of these; ValueError for a content that makes no sense."""
        raise NotImplementedError

    def administer(self, method: str, path: str, body: bytes) -> Answer:
        """Answer a request to an admin path."""
        try:
            if (method, path) == ("GET", f"{ADMIN}ledger"):
                return json_answer(200, {"requests": self.ledger.as_json()})
            if (method, path) == ("POST", f"{ADMIN}faults"):
                self._set_faults(json.loads(body))
                return json_answer(200, {})
            if path == f"{ADMIN}clock" and method in ("GET", "POST"):
                self._set_clock(json.loads(body or b"{}"))
                shown = {"now": self.clock.now().isoformat(), "monotonic_s": self.clock.monotonic()}
                return json_answer(200, shown)
            name = path.removeprefix(ADMIN)
            if name in self.own_admin_paths:
                return self.administer_own(method, name, json.loads(body or b"null"))
        except (ValueError, TypeError) as error:
            return json_answer(400, {"message": str(error)})
        known = ", ".join(("ledger", "faults", "clock", *self.own_admin_paths))
        return json_answer(404, {"message": f"admin path: expected one of {known}, got {path!r}"})

    def _set_faults(self, given: Any) -> None:
        if given == []:
            self.faults.clear()
        for fault in given if isinstance(given, list) else [given]:
            self.faults.add(Fault(**fault))

    def _set_clock(self, given: Any) -> None:
        if "now" in given:
            self.clock.set(datetime.fromisoformat(given["now"]))
        self.clock.advance(float(given.get("advance_s", 0)))


def json_answer(status: int, content: object, rows: int = 0) -> Answer:
    """An answer that is JSON."""
    return Answer(status, json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass"), rows=rows)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        super().__init__(address, _Handler)
        self.simulator = simulator
        self.released = threading.Event()
        self._lock = threading.Lock()
        self._open: dict[threading.Thread, socket.socket] = {}

    def server_bind(self) -> None:
        """Bind without the look-up of the host's name, which may take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def serve(self) -> None:
        """Accept connections until `stop_listening`; no polling, so that an idle simulator costs nothing."""
        while not self.released.is_set():
            self.handle_request()

    def stop_listening(self) -> None:
        """End `serve` at once."""
        self.released.set()
        _shut(self.socket)

    def enter(self, connection: socket.socket) -> None:
        with self._lock:
            self._open[threading.current_thread()] = connection
            if self.released.is_set():
                # Accepted just before the end, and too late for `close_connections`.
                _shut(connection)

    def leave(self) -> None:
        with self._lock:
            self._open.pop(threading.current_thread(), None)

    def close_connections(self) -> None:
        """Wake whoever waits in a connection, and see every thread out."""
        with self._lock:
            threads = list(self._open)
            for connection in self._open.values():
                _shut(connection)
        for thread in threads:
            thread.join(5.0)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are everyday life here; nothing is printed."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this the answer waits 40 ms for the acknowledgement of its first segment.
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.enter(self.connection)

    def finish(self) -> None:
        try:
            super().finish()
        finally:
            self.server.leave()

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_PUT(self) -> None:
        self._serve("PUT")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def log_message(self, format: str, *args: Any) -> None:
        """The ledger is the log."""

    def _serve(self, method: str) -> None:
        simulator = self.server.simulator
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        body = self.rfile.read(min(int(self.headers.get("Content-Length") or 0), _MAX_ADMIN_BODY))
        if path.startswith(ADMIN):
            self._send(simulator.administer(method, path, body), [])
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        entry = simulator.ledger.open(method, self.path, simulator.key_of(headers))
        faults = simulator.faults.take(path)
        query = {name: value for name, value in parse_qsl(parts.query) if value}
        question = Question(method, path, query, headers, faults, body)
        answer = spoil_answer(_answered(simulator, question), faults)
        entry.status, entry.rows = answer.status, answer.rows
        self._send(answer, faults)

    def _send(self, answer: Answer, faults: list[Fault]) -> None:
        body, headers = answer.body, dict(answer.headers)
        accepted = self.headers.get("Accept-Encoding", "")
        if answer.may_compress and "gzip" in accepted and len(body) > 500:
            body, headers = gzip.compress(body, 1), {**headers, "Content-Encoding": "gzip"}
        headers = {"Content-Type": answer.content_type, **headers, "Content-Length": str(len(body))}
        lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        # One piece, for the same reason as above.
        wire = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
        if send_spoilt(self.connection, wire, faults, self.server.released):
            self.close_connection = True
        else:
            self.wfile.write(wire)


def _answered(simulator: Simulator, question: Question) -> Answer:
    try:
        return simulator.answer(question)
    except Exception as error:  # noqa: BLE001  # a mistake of the simulator must not look like a lost connection
        return json_answer(500, {"message": f"the simulator failed: {type(error).__name__}: {error}"})


def _phrase(status: int) -> str:
    return BaseHTTPRequestHandler.responses.get(status, ("Unnamed", ""))[0]


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It was closed already by the other side.
        return
