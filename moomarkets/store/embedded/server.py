"""The embedded Postgres server: made, started, watched and stopped by the process that owns its data."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg

from moomarkets.domain.clock import Clock, SystemClock
from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import Events, NoEvents
from moomarkets.store.embedded import leftovers, roles
from moomarkets.store.embedded.access import Access, PidFile, find_running
from moomarkets.store.embedded.account import server_account
from moomarkets.store.embedded.binaries import MAJOR
from moomarkets.store.embedded.child import Child, Ended
from moomarkets.store.embedded.directory import DataDirectory
from moomarkets.store.embedded.ownership import Ownership, owner_of
from moomarkets.store.embedded.passwords import Passwords
from moomarkets.store.embedded.runner import LOOK_S, STOP_S, Runner, how

PROGRESS_S = 5.0
# A server that is ready and goes on refusing us does so for a reason that waiting does not mend.
REFUSED_S = 30.0


class EmbeddedServer:
    """A Postgres server in a directory of ours; it ends when the process that started it ends in any way.

    `start` makes the database where there is none, and returns when it answers; then `dsn` tells where. All
    methods may be called from any thread. `settings` are further ones of Postgres, like `{"fsync": "off"}`.

    Example:
        >>> server = EmbeddedServer(Path("/srv/moomarkets"), clock=SystemClock(), events=NoEvents())
        >>> server.is_alive(), server.pid
        (False, None)
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        clock: Clock,
        events: Events,
        database: str = "moomarkets",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.database = database
        self._place = DataDirectory(data_dir)
        self._clock = clock
        self._events = events
        self._settings = dict(settings or {})
        self._ownership = Ownership(self._place.lock)
        self._guard = threading.RLock()
        self._stopping = threading.Event()
        self._child: Child | None = None
        self._access: Access | None = None
        self._attached_pid: int | None = None
        _disown_after_fork(self)

    @classmethod
    def attach(
        cls,
        data_dir: Path,
        *,
        clock: Clock | None = None,
        events: Events | None = None,
        database: str = "moomarkets",
        timeout_s: float = 10.0,
    ) -> EmbeddedServer | None:
        """Reach the server of `data_dir` that another living process owns; None when none runs.

        Waits up to `timeout_s` for one that is just being started. Stopping it then leaves it to its owner. A server
        whose owner has died is none: it ends by itself, and `start` waits for that.
        """
        server = cls(data_dir, clock=clock or SystemClock(), events=events or NoEvents(), database=database)
        deadline = server._clock.monotonic() + timeout_s
        try:
            while True:
                # A server that has outlived its owner still answers, and is about to stop.
                if owner_of(server._place.lock) is None:
                    return None
                if (found := find_running(server._place)) is not None:
                    break
                if server._clock.monotonic() >= deadline:
                    return None
                server._stopping.wait(LOOK_S)
        except PermissionError:
            raise EmbeddedServerError(
                f"data directory {server.data_dir}: expected one of our account, got one we may not read; "
                f"run as the account that owns it",
                exit_code=78,
            ) from None
        server._access, server._attached_pid = found
        return server

    @property
    def data_dir(self) -> Path:
        """Where everything of this server lies."""
        return self._place.path

    @property
    def password_file(self) -> Path:
        """The file, mode 0600, by which the same account reaches a running server."""
        return self._place.passwords

    @property
    def log_file(self) -> Path:
        """What Postgres has to say."""
        return self._place.log

    @property
    def pid(self) -> int | None:
        """The pid of the server's first process; None when it does not run."""
        child = self._child
        if child is not None:
            return child.pid if child.is_running else None
        return self._attached_pid

    @property
    def is_attached(self) -> bool:
        """Whether another process owns this server."""
        return self._attached_pid is not None

    def start(self, timeout_s: float = 600.0) -> None:
        """Return when the server answers; makes it at first, waits for its recovery after a crash.

        Does nothing when it answers already. EmbeddedServerError when it cannot run here (78), belongs to
        another living process (4), or does not answer within `timeout_s` (69).
        """
        with self._guard:
            if self.is_alive():
                return
            self._stopping.clear()
            deadline = self._clock.monotonic() + timeout_s
            try:
                self._start(deadline)
            except OSError as error:
                self._end()
                raise EmbeddedServerError(f"database in {self.data_dir}: expected to start it, got: {error}") from error
            except BaseException:
                self._end()
                raise

    def stop(self, timeout_s: float = STOP_S) -> None:
        """End the server: orderly, after `timeout_s` by force. An attached one is left to its owner."""
        self._stopping.set()
        with self._guard:
            self._attached_pid = None
            self._end(timeout_s)

    def is_alive(self) -> bool:
        """Whether a real, authenticated connection works."""
        access = self._access
        return access is not None and self.pid is not None and access.refusal() is None

    def wait(self, timeout_s: float | None = None) -> Ended | None:
        """How our server ended; None when it still runs after `timeout_s`, or is not ours."""
        child = self._child
        return child.wait(timeout_s) if child is not None else None

    def dsn(self, role: str = "app", *, database: str | None = None) -> str:
        """The address for `app` (the application), `owner` (migrations) or `reader`; holds a password."""
        return self._reached().dsn(role, database or self.database)

    def connected_as_manager(self, database: str = "postgres") -> AbstractContextManager[psycopg.Connection]:
        """A connection as the superuser, in autocommit: to look after the server, not to work with it."""
        return self._reached().connected_as_manager(database)

    def __repr__(self) -> str:
        return f"EmbeddedServer({str(self.data_dir)!r}, pid={self.pid})"

    def _reached(self) -> Access:
        if self._access is None:
            raise EmbeddedServerError(f"database in {self.data_dir}: expected a server that was started, got none")
        return self._access

    def _start(self, deadline: float) -> None:
        if self._child is not None and self._child.is_running:
            return self._await_answer(self._child, self._reached(), deadline)
        if self._child is not None:
            self._child.wait()
        self._child = self._attached_pid = None
        began = self._clock.monotonic()
        account = server_account(self._events)
        self._place.prepare(account)
        self._ownership.take()
        self._place.check_version(MAJOR)
        leftovers.clear(self._place.cluster, self._clock, self._events, self._stopping)
        runner = Runner(self._place, account, self._events)
        passwords = self._load_passwords()
        if not self._place.cluster.exists():
            self._initialize(runner, passwords)
        self._child, sockets = runner.serve(self._settings)
        access = Access(sockets, passwords)
        self._await_answer(self._child, access, deadline)
        self._complete_roles(access)
        self._access = access
        seconds = round(self._clock.monotonic() - began, 3)
        self._events.emit("database.started", directory=str(self.data_dir), pid=self.pid, seconds=seconds)
        return None

    def _load_passwords(self) -> Passwords:
        passwords = Passwords.load(self._place.passwords)
        if passwords is None:
            if self._place.cluster.exists():
                raise EmbeddedServerError(
                    f"password file {self._place.passwords}: expected those of the database beside it, "
                    f"got no file; restore it from a backup",
                    exit_code=78,
                )
            passwords = Passwords.fresh()
            passwords.save(self._place.passwords)
        return passwords

    def _initialize(self, runner: Runner, passwords: Passwords) -> None:
        began = self._clock.monotonic()
        is_durable = self._settings.get("fsync") != "off"
        runner.initialize(passwords.manager, is_durable=is_durable, stopping=self._stopping)
        seconds = round(self._clock.monotonic() - began, 3)
        self._events.emit("database.initialized", directory=str(self.data_dir), seconds=seconds)

    def _await_answer(self, child: Child, access: Access, deadline: float) -> None:
        """Wait until the server answers, however long recovery takes, with a sign of life now and then."""
        began = reported = self._clock.monotonic()
        ready_at = None
        why = "none in time"
        while (ended := child.wait(LOOK_S)) is None:
            now = self._clock.monotonic()
            # The server's own word first: connections that come too early would fill its log.
            if PidFile.says_ready(self._place.cluster, child.pid):
                ready_at = now if ready_at is None else ready_at
                refusal = access.refusal()
                if refusal is None:
                    return
                why = refusal
            if self._stopping.is_set():
                why = "a request to stop"
            if self._stopping.is_set() or now >= deadline or (ready_at is not None and now - ready_at > REFUSED_S):
                raise EmbeddedServerError(f"database in {self.data_dir}: expected an answer, got {why}")
            if now - reported >= PROGRESS_S:
                reported = now
                self._events.emit("database.recovering", directory=str(self.data_dir), seconds=round(now - began))
        raise EmbeddedServerError(f"database in {self.data_dir}: expected it to start, got {how(ended)}")

    def _complete_roles(self, access: Access) -> None:
        with access.connected_as_manager() as connection:
            if roles.is_complete(connection, self.database):
                return
            roles.create_database(connection, self.database, access.passwords)
        with access.connected_as_manager(self.database) as connection, connection.transaction():
            roles.grant_rights(connection, self.database)

    def _end(self, timeout_s: float = STOP_S) -> None:
        child, self._child, self._access = self._child, None, None
        if child is not None:
            ended = child.stop(timeout_s)
            code = ended.code if ended is not None else None
            self._events.emit("database.stopped", directory=str(self.data_dir), code=code)
        self._ownership.release()

    def _disown(self) -> None:
        """In a forked child: server and lock are the parent's; the child may go on talking to the server."""
        self._guard = threading.RLock()
        child, self._child = self._child, None
        if child is not None:
            self._attached_pid = child.pid
            child.forget()
        self._ownership.forget()


def _disown_after_fork(server: EmbeddedServer) -> None:
    reference = weakref.ref(server)

    def disown() -> None:
        if (found := reference()) is not None:
            found._disown()

    os.register_at_fork(after_in_child=disown)
