"""A user's account: what it is called, and what its role may do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from moomarkets.domain.errors import Forbidden, InvalidInput
from moomarkets.domain.secret import Secret

LOCAL = "local"
"""The built-in user, to whom everything belongs that nobody else has made."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 12, 1024
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}", re.ASCII)
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}")


class Right(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    OPERATE = "operate"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What a user may do with what is their own; an admin also looks after users and keys.

    Example:
        >>> Role.OPERATOR.may(Right.OPERATE), Role.OPERATOR.may(Right.ADMINISTER)
        (True, False)
    """

    ADMIN = "admin"
    OPERATOR = "operator"
    VIEWER = "viewer"

    def may(self, right: Right) -> bool:
        """Whether this role has that right."""
        return right is Right.READ or self is Role.ADMIN or (self is Role.OPERATOR and right is Right.OPERATE)


@dataclass(frozen=True, slots=True)
class Account:
    """A user as everybody may see them; `has_password` says whether they can sign in."""

    id: int
    name: str
    email: str | None
    role: Role
    is_enabled: bool
    has_password: bool
    last_sign_in_at: datetime | None
    created_at: datetime

    def check(self, right: Right) -> None:
        """Refuse what this account may not do.

        Raises:
            Forbidden: its role has not that right, or it is switched off.
        """
        if not self.is_enabled:
            raise Forbidden(f"user {self.name}: expected one that is enabled, got one that is switched off")
        if not self.role.may(right):
            raise Forbidden(f"user {self.name}: expected one who may {right}, got one whose role is {self.role}")


def check_name(name: object) -> str:
    """The name, if it can be one."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput("user", "1-64 small letters, digits, '_', '.' or '-'", name)
    return name


def check_email(email: object) -> str | None:
    """The address, if it looks like one; None where there is none."""
    if email is None:
        return None
    if not isinstance(email, str) or not email.isprintable() or not _EMAIL.fullmatch(email):
        raise InvalidInput("email", "an address such as me@example.org", email)
    return email


def check_role(role: object) -> Role:
    """The role of that name."""
    if role not in list(Role):
        raise InvalidInput("role", f"one of {', '.join(Role)}", role)
    return Role(str(role))


def check_password(password: Secret) -> Secret:
    """The password, if it is long enough to be one."""
    if not SHORTEST_PASSWORD <= len(password.reveal()) <= LONGEST_PASSWORD:
        raise InvalidInput("password", f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters", password)
    return password
