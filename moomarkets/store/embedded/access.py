"""How a running server is reached: its socket, its passwords, and whether it answers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psycopg

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.store.embedded.directory import PORT, DataDirectory
from moomarkets.store.embedded.passwords import Passwords

MANAGER = "manager"
CONNECT_S = 5


@dataclass(frozen=True, slots=True)
class Access:
    """Where a server listens and by which passwords it lets us in.

    Example:
        >>> access = Access(Path("/srv/socket"), Passwords("m", "o", "a", "r"))
        >>> access.dsn("app", "moomarkets")
        'postgresql://app:a@/moomarkets?host=/srv/socket&port=5432'
    """

    sockets: Path
    passwords: Passwords = field(repr=False)

    def dsn(self, role: str, database: str) -> str:
        """The address of `database` for `role`; holds a password."""
        if role == MANAGER:
            raise EmbeddedServerError("address: expected the role app, owner or reader, got that of the manager")
        host = quote(str(self.sockets), safe="/")
        return f"postgresql://{role}:{self.passwords.of(role)}@/{quote(database)}?host={host}&port={PORT}"

    @contextmanager
    def connected_as_manager(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection as the superuser, in autocommit."""
        connection = psycopg.connect(
            host=str(self.sockets),
            # Empty, else PGHOSTADDR of the environment would lead elsewhere.
            hostaddr="",
            port=PORT,
            dbname=database,
            user=MANAGER,
            password=self.passwords.manager,
            connect_timeout=CONNECT_S,
            application_name="moomarkets manager",
            autocommit=True,
        )
        try:
            yield connection
        finally:
            connection.close()

    def refusal(self) -> str | None:
        """Why a real, authenticated connection does not work; None when it does."""
        try:
            with self.connected_as_manager():
                return None
        except psycopg.Error as error:
            return str(error).strip()

    def leads_to(self, cluster: Path) -> bool:
        """Whether the server that answers works in `cluster`: a copied one names its original's socket."""
        try:
            with self.connected_as_manager() as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.Error:
            return False
        return row is not None and os.path.samefile(row[0], cluster)


@dataclass(frozen=True, slots=True)
class PidFile:
    """What a server wrote about itself into its `postmaster.pid`."""

    pid: int
    sockets: Path
    is_ready: bool

    @classmethod
    def of(cls, cluster: Path) -> PidFile | None:
        """That of the server in `cluster`; None when there is none, or a half-written one."""
        try:
            lines = (cluster / "postmaster.pid").read_text().split("\n")
            return cls(int(lines[0]), Path(lines[4]), lines[7].strip() == "ready")
        except (FileNotFoundError, IndexError, ValueError):
            return None

    @classmethod
    def says_ready(cls, cluster: Path, pid: int) -> bool:
        """Whether the server `pid` says that it takes connections."""
        found = cls.of(cluster)
        return found is not None and found.is_ready and found.pid == pid


def find_running(place: DataDirectory) -> tuple[Access, int] | None:
    """How to reach the server that runs in `place`, and its pid; None when none answers."""
    pid_file = PidFile.of(place.cluster)
    passwords = Passwords.load(place.passwords)
    if pid_file is None or passwords is None or not pid_file.is_ready:
        return None
    access = Access(pid_file.sockets, passwords)
    return (access, pid_file.pid) if access.leads_to(place.cluster) else None
