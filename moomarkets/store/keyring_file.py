"""The file that holds the keyring: private, made once, replaced whole."""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from moomarkets.domain.errors import InvalidInput, SettingsError
from moomarkets.domain.events import Events
from moomarkets.domain.secret import Secret
from moomarkets.store.keyring import Keyring

_MAX_BYTES = 65536


def signature_of(path: Path) -> tuple[int, int, int] | None:
    """What tells one state of the file from another; None where there is no file."""
    try:
        facts = path.stat()
    except OSError:
        # A link to nowhere, or a place that cannot be looked into, is refused when it is read.
        return (0, 0, 0) if os.path.lexists(path) else None
    return facts.st_ino, facts.st_mtime_ns, facts.st_size


def read_keyring_file(path: Path) -> Keyring:
    """The keyring of the file; a wrong or unsafe one is refused as `SettingsError`."""
    try:
        return Keyring.parse(_read(path))
    except (InvalidInput, OSError) as fault:
        raise SettingsError([f"MOOMARKETS_KEYS_FILE {path}: {_words(fault)}"]) from None


def create_keyring_file(path: Path, events: Events, keyring: Keyring | None = None) -> bool:
    """Make the file, with a fresh key or with `keyring`, unless there is one; returns whether it was made here.

    It has mode 0600; the event `keyring.created` asks for a copy of it, for without the keys the stored credentials
    are lost.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = _put_new(path, keyring or Keyring.generate())
    except OSError as fault:
        place = f"MOOMARKETS_KEYS_FILE {path}"
        raise SettingsError([f"{place}: expected a place to write, got {_words(fault)}"]) from None
    if is_ours:
        events.emit("keyring.created", path=str(path), note="back it up: without it stored credentials are lost")
    return is_ours


def replace_keyring_file(path: Path, keyring: Keyring) -> None:
    """Put another keyring into the file, whole or not at all; it stays private."""
    written = _write_beside(path, keyring)
    written.replace(path)
    _sync_directory(path.parent)


def edit_keyring_file(path: Path, change: Callable[[Keyring], Keyring]) -> Keyring:
    """Put the changed keyring into the file; of several editors at once each sees what the one before has made."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        edited = change(read_keyring_file(path))
        try:
            replace_keyring_file(path.resolve(), edited)
        except OSError as fault:
            raise SettingsError(
                [f"MOOMARKETS_KEYS_FILE {path}: expected a file to write, got {_words(fault)}"]
            ) from None
        return edited
    finally:
        os.close(directory)


def _put_new(path: Path, keyring: Keyring) -> bool:
    """Make the file unless there is one: of several starters one wins, and nobody sees half a file."""
    written = _write_beside(path, keyring)
    try:
        os.link(written, path)
    except FileExistsError:
        return False
    finally:
        written.unlink()
    _sync_directory(path.parent)
    return True


def _read(path: Path) -> Secret:
    # Not blocking: a pipe in the file's place must be refused, not waited for.
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            raise InvalidInput("file", "a plain file", "something else")
        if facts.st_mode & 0o077:
            mode = oct(stat.S_IMODE(facts.st_mode))[2:].zfill(4)
            raise InvalidInput("mode", f"0600 (run: chmod 600 {path})", mode)
        if facts.st_uid not in (os.geteuid(), 0):
            raise InvalidInput("owner", "the account that runs this", f"uid {facts.st_uid}")
        return Secret(file.read(_MAX_BYTES).decode("utf-8", "replace"))


def _write_beside(path: Path, keyring: Keyring) -> Path:
    written = path.with_name(f".{path.name}.{os.urandom(6).hex()}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as file:
            file.write(keyring.to_text().reveal())
            file.flush()
            os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            written.unlink()
        raise
    return written


def _sync_directory(directory: Path) -> None:
    """Make the new name durable: a key lost in a power cut takes the credentials with it."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _words(fault: InvalidInput | OSError) -> str:
    return str(fault) if isinstance(fault, InvalidInput) else str(fault.strerror or type(fault).__name__)
