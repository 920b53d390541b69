"""The account that the server runs as: our own, or a dedicated one when we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.domain.events import Events

DEDICATED = "moomarkets"
COMMANDS = (
    ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
    ("adduser", "--system", "--group", "--no-create-home", "--home", "/nonexistent"),
)
NOLOGIN = "/usr/sbin/nologin"


@dataclass(frozen=True, slots=True)
class Account:
    """A system account, and what it may do with files by their owner and mode.

    Example:
        >>> Account("nobody", 65534, 65534).reaches(Path("/"))
        True
    """

    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        """Whether it is the one that this process runs as."""
        return self.uid == os.geteuid()

    def may_execute(self, program: Path) -> bool:
        """Whether it can read and execute `program` and pass through all folders above it."""
        if self.is_ours:
            return os.access(program, os.R_OK | os.X_OK)
        return self.reaches(program.parent) and self._has(program, stat.S_IROTH | stat.S_IXOTH)

    def reaches(self, directory: Path) -> bool:
        """Whether it can pass through `directory` and all folders above it."""
        if self.is_ours:
            return os.access(directory, os.X_OK)
        real = directory.resolve()
        return all(self._has(folder, stat.S_IXOTH) for folder in (real, *real.parents))

    def _has(self, path: Path, bits: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            bits <<= 6
        elif status.st_gid == self.gid:
            bits <<= 3
        return status.st_mode & bits == bits


def server_account(events: Events, name: str = DEDICATED) -> Account:
    """Our own account; as root, which Postgres refuses, the system account `name`, made when missing."""
    uid = os.geteuid()
    if uid == 0:
        return _find(name) or _create(name, events)
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedServerError(
            f"account: expected an entry for uid {uid} in the system's list of accounts, got none; "
            f"add one, or name a database by MOOMARKETS_DATABASE_URL",
            exit_code=78,
        ) from None
    return Account(entry.pw_name, uid, os.getegid())


def _find(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    if entry.pw_uid == 0 or entry.pw_gid == 0:
        raise EmbeddedServerError(
            f"account {name}: expected an unprivileged account with a group of its own, "
            f"got uid {entry.pw_uid} and gid {entry.pw_gid}",
            exit_code=78,
        )
    return Account(name, entry.pw_uid, entry.pw_gid)


def _create(name: str, events: Events) -> Account:
    fault = "neither useradd nor adduser exists"
    for command, *options in COMMANDS:
        program = shutil.which(command, path="/usr/sbin:/sbin:/usr/bin:/bin")
        if program is None:
            continue
        done = subprocess.run(  # noqa: S603 - fixed words and a name from the code
            [program, *options, "--shell", NOLOGIN, name], capture_output=True, text=True, check=False
        )
        # Another process may have made it meanwhile: what counts is that it exists.
        if account := _find(name):
            if done.returncode == 0:
                events.emit("database.account_created", account=name, uid=account.uid)
            return account
        fault = (done.stderr.strip().splitlines() or [f"{command} ended with {done.returncode}"])[-1]
    raise EmbeddedServerError(
        f"account {name}: expected to create a system account, because Postgres refuses root, "
        f"got: {fault}; create it by hand, or run as an ordinary user",
        exit_code=78,
    )
