"""The passwords of the database roles: made once, kept in one file that only we can read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass, field, fields
from pathlib import Path

from moomarkets.domain.errors import EmbeddedServerError


@dataclass(frozen=True, slots=True)
class Passwords:
    """One password per role.

    Example:
        >>> Passwords.fresh()
        Passwords()
    """

    manager: str = field(repr=False)
    owner: str = field(repr=False)
    app: str = field(repr=False)
    reader: str = field(repr=False)

    @classmethod
    def fresh(cls) -> Passwords:
        """New ones, 256 random bits each."""
        return cls(*(secrets.token_hex(32) for _ in fields(cls)))

    @classmethod
    def load(cls, path: Path) -> Passwords | None:
        """Those kept in `path`; None when there is no such file."""
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise EmbeddedServerError(
                f"password file {path}: expected one of our own account, got one that we may not read; "
                f"run as the account that owns the data directory",
                exit_code=78,
            ) from None
        with open(descriptor) as file:
            try:
                found = json.load(file)
                return cls(**{entry.name: str(found[entry.name]) for entry in fields(cls)})
            except (ValueError, KeyError, TypeError):
                raise EmbeddedServerError(
                    f"password file {path}: expected those of the database roles, got a damaged file; "
                    f"restore it from a backup",
                    exit_code=78,
                ) from None

    def save(self, path: Path) -> None:
        """Keep them in `path`, mode 0600; the file is complete or not there."""
        partial = path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(descriptor, "w") as file:
            json.dump({entry.name: getattr(self, entry.name) for entry in fields(self)}, file)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)

    def of(self, role: str) -> str:
        """The password of `role`."""
        found = {entry.name: str(getattr(self, entry.name)) for entry in fields(self)}
        if role not in found:
            raise ValueError(f"role: expected one of {', '.join(found)}, got {role!r}")
        return found[role]
