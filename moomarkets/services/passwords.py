"""Passwords: hashed slowly on purpose, and compared in the same time whoever asks."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from moomarkets.domain.secret import Secret

TIME_COST, MEMORY_KIB, LANES = 2, 19 * 1024, 1
"""What OWASP asks for at least, for argon2id."""


def hashed(password: Secret) -> str:
    """The argon2id hash with a fresh salt, as text that names its own cost."""
    return _hasher().hash(password.reveal())


def is_right(kept: str | None, password: Secret) -> bool:
    """Whether it is the password of that hash; where there is none it takes as long to say no."""
    try:
        return _hasher().verify(kept if kept is not None else _nobodys(), password.reveal()) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_dated(kept: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _hasher().check_needs_rehash(kept)


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=TIME_COST, memory_cost=MEMORY_KIB, parallelism=LANES, type=Type.ID)


@cache
def _nobodys() -> str:
    return _hasher().hash("nobody has this password")
