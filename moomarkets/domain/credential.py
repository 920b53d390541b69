"""What may be said of a credential without saying it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

SHOWN = 4
_LEAST = 16
_TAILED = frozenset({"api_key"})


class CredentialState(StrEnum):
    """Whether a source can be asked with it: `expired` means that its tokens have ended and must be got anew."""

    PRESENT = "present"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    EXPIRED = "expired"


def masked(fields: Mapping[str, str]) -> str:
    """The names of its fields; of a long key its last four characters, of a password nothing.

    Example:
        >>> masked({"api_key": "0123456789abcdefghij"}), masked({"mail": "a@b.example", "password": "x" * 20})
        ('api_key …ghij', 'mail ***, password ***')
    """
    return ", ".join(f"{name} {_tail(name, text)}" for name, text in fields.items())


def state_of(now: datetime, refresh_expires_at: datetime | None, id_expires_at: datetime | None) -> CredentialState:
    """The state of one that opens: expired when there were tokens and all of them have ended."""
    ends = [end for end in (refresh_expires_at, id_expires_at) if end is not None]
    return CredentialState.EXPIRED if ends and max(ends) <= now else CredentialState.PRESENT


def _tail(name: str, text: str) -> str:
    return f"…{text[-SHOWN:]}" if name in _TAILED and len(text) >= _LEAST else "***"
