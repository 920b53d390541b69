"""The data directory: what lies where, and whether it is a safe place for a database."""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import shutil
import stat
import tempfile
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError
from moomarkets.store.embedded.account import Account

SOCKET_PATH_BYTES = 107
PORT = 5432
UNSUITABLE = 78
UNFINISHED = "pgdata.unfinished-"


class DataDirectory:
    """The files of one embedded server, and who may reach them.

    The directory belongs to us; only the folders that the server writes to belong to its account. So a
    server account of its own (as root) can neither replace the programs it runs nor read the passwords.

    Example:
        >>> DataDirectory(Path("/srv/moomarkets")).cluster
        PosixPath('/srv/moomarkets/pgdata')
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path)).resolve()
        self.lock = self.path / "owner.lock"
        self.passwords = self.path / "passwords.json"
        self.hba = self.path / "pg_hba.conf"
        self.binaries = self.path / "binaries"
        self.cluster = self.path / "pgdata"
        self.logs = self.path / "log"
        self.sockets = self.path / "socket"
        self._elsewhere: Path | None = None

    @property
    def log(self) -> Path:
        """What Postgres has to say."""
        return self.logs / "postgres.log"

    def prepare(self, account: Account) -> None:
        """Make it and its folders where missing; EmbeddedServerError 78 where the place does not allow it."""
        _refuse_unsafe_parents(self.path, account)
        try:
            self._make(account)
            for folder in (self.logs, self.sockets):
                make_private(folder, account)
        except OSError as error:
            raise _unsuitable(self.path, "a directory that can be written to", error.strerror) from error
        if not account.reaches(self.path):
            raise _unsuitable(
                self.path,
                f"a place that the account {account.name}, which the database runs as, can reach",
                "a closed folder on the way; choose another data directory, like /var/lib/moomarkets",
            )

    def socket_directory(self, account: Account) -> tuple[Path, bool]:
        """Where the socket is to lie, and whether that is a fresh directory to be removed after use."""
        if _fits(self.sockets):
            return self.sockets, False
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        if runtime and account.is_ours and _is_private(Path(runtime), account):
            digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
            folder = Path(runtime) / f"moomarkets-{digest}"
            if _fits(folder):
                make_private(folder, account)
                return folder, True
        return self._socket_elsewhere(account), True

    def _socket_elsewhere(self, account: Account) -> Path:
        """A fresh directory with a short path; the same again after a restart, for addresses are kept by many."""
        if self._elsewhere is not None:
            with contextlib.suppress(OSError, EmbeddedServerError):
                make_private(self._elsewhere, account)
                return self._elsewhere
        self._elsewhere = Path(tempfile.mkdtemp(prefix="moomarkets-", dir="/tmp"))
        make_private(self._elsewhere, account)
        return self._elsewhere

    def check_version(self, major: int) -> None:
        """Refuse a database of another major version; nothing is touched."""
        try:
            found = (self.cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self.cluster.exists():
                raise _unsuitable(self.cluster, "a database", "a folder without the file PG_VERSION") from None
            return
        if found != str(major):
            raise EmbeddedServerError(
                f"database {self.cluster}: expected the format of PostgreSQL {major}, got that of {found}; "
                f"make a backup with the moomarkets that wrote it and restore it into an empty directory",
                exit_code=UNSUITABLE,
            )

    def new_cluster(self, account: Account) -> Path:
        """A folder to make the database in, so that a half-made one is never taken for whole.

        Removes earlier ones. Each has a name of its own, for the program that a dead owner had started may
        still be busy removing its folder.
        """
        for earlier in self.path.glob(f"{UNFINISHED}*"):
            shutil.rmtree(earlier, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=self.path))
        make_private(folder, account)
        return folder

    def adopt_cluster(self, folder: Path) -> None:
        """Make the finished `folder` the database; durable, since the next start removes unfinished ones."""
        folder.rename(self.cluster)
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def write_hba(self, account: Account) -> None:
        """Write who may connect: everybody by password, over the socket only."""
        self.hba.unlink(missing_ok=True)
        descriptor = os.open(self.hba, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w") as file:
            file.write("local all all scram-sha-256\n")
        if not account.is_ours:
            os.chown(self.hba, -1, account.gid)
            self.hba.chmod(0o640)

    def _make(self, account: Account) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self.path.lstat()
        if status.st_uid != os.geteuid():
            raise _unsuitable(self.path, "a directory of our own", f"one of {_user(status.st_uid)}")
        if not os.access(self.path, os.W_OK | os.X_OK):
            raise PermissionError(13, "one that is read-only")
        is_ours = self.lock.exists() or not any(self.path.iterdir())
        if account.is_ours:
            if is_ours and status.st_mode & 0o077:
                self.path.chmod(0o700)
        elif not account.reaches(self.path) or (is_ours and stat.S_IMODE(status.st_mode) != 0o710):
            # The account passes through by its group; it cannot list, and the others stay outside.
            os.chown(self.path, -1, account.gid)
            self.path.chmod(0o710)


def make_private(folder: Path, account: Account) -> None:
    """Make `folder` one that only `account` can enter; raises where it is something else already."""
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(descriptor)
        if status.st_uid not in (account.uid, os.geteuid()):
            raise _unsuitable(folder, f"a folder of {account.name}", f"one of {_user(status.st_uid)}")
        if status.st_uid != account.uid:
            os.fchown(descriptor, account.uid, account.gid)
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)


def _fits(folder: Path) -> bool:
    """Whether a socket can lie here: clients take a comma for the end of a host's name."""
    return "," not in str(folder) and len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES


def _is_private(folder: Path, account: Account) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_uid == account.uid and stat.S_IMODE(status.st_mode) == 0o700


def _refuse_unsafe_parents(path: Path, account: Account) -> None:
    """Whoever may write to a parent could put another directory in our place."""
    for parent in path.parents:
        try:
            status = parent.stat()
        except FileNotFoundError:
            continue
        except PermissionError as error:
            raise _unsuitable(path, "a directory that can be reached", str(error)) from error
        if status.st_mode & stat.S_ISVTX:
            continue
        if status.st_mode & stat.S_IWOTH or (status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid)):
            raise _unsuitable(
                path,
                "a place whose parents only we can change",
                f"{parent}, which others may write to (mode {stat.S_IMODE(status.st_mode):o}); "
                f"take away their right or choose another data directory",
            )
        if status.st_uid not in (0, os.geteuid(), account.uid) and status.st_uid != _unmapped_uid():
            raise _unsuitable(
                path,
                "a place whose parents only we can change",
                f"{parent}, which belongs to {_user(status.st_uid)}",
            )


def _is_own_group(gid: int) -> bool:
    """Whether it is root's group or the one that many systems give each user alone."""
    if gid == 0:
        return True
    try:
        entry, user = grp.getgrgid(gid), pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return entry.gr_name == user.pw_name and set(entry.gr_mem) <= {user.pw_name}


def _unmapped_uid() -> int:
    """What the owners of the outside look like in a user namespace; -1 where we are in none."""
    try:
        if Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]:
            return -1
        return int(Path("/proc/sys/kernel/overflowuid").read_text())
    except (OSError, ValueError):
        return -1


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _unsuitable(path: Path, expected: str, got: str | None) -> EmbeddedServerError:
    return EmbeddedServerError(f"data directory {path}: expected {expected}, got {got}", exit_code=UNSUITABLE)
