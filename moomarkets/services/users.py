"""What can be done with users: add, list, change, remove with all that is theirs, and sign in."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TypeVar

from sqlalchemy import Connection

from moomarkets.domain.account import (
    LOCAL,
    Account,
    Right,
    Role,
    check_email,
    check_name,
    check_password,
    check_role,
)
from moomarkets.domain.clock import Clock
from moomarkets.domain.errors import Conflict, NotFound, TooManyTries
from moomarkets.domain.secret import Secret
from moomarkets.services import passwords
from moomarkets.store import accounts, belongings
from moomarkets.store.database import Database
from moomarkets.store.reports import Record

MOST_TRIES = 10
WITHIN_S = 300.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Removed:
    """What went with a user: how many of each thing."""

    name: str
    belongings: dict[str, int]


class Users:
    """The users of this installation, as one of them may deal with them: most of it is an admin's.

    Example: `system.users.add("eve", role="viewer")`, `system.users.authenticate("eve", Secret("…"))`
    """

    def __init__(self, database: Database, acting: str, clock: Clock) -> None:
        self._database, self._acting, self._clock = database, acting, clock

    def list(self) -> builtins.list[Record]:
        """All users to an admin; to everybody else themselves."""
        me = self.me
        found = self._database.perform(accounts.every) if me.role.may(Right.ADMINISTER) else [me]
        return [asdict(account) for account in found]

    @property
    def me(self) -> Account:
        """Who acts."""
        return self._database.perform(lambda connection: accounts.find(connection, self._acting))

    def add(
        self, name: str, *, email: str | None = None, role: str = Role.OPERATOR, password: Secret | None = None
    ) -> int:
        """Add a user, who without a password cannot sign in; returns their id.

        Raises:
            InvalidInput: a value cannot be what it should be; nothing was stored.
            Conflict: name or address are taken.
            Forbidden: whoever acts is no admin.
        """
        name, email, given = check_name(name), check_email(email), check_role(role)
        kept = None if password is None else passwords.hashed(check_password(password))
        return self._as_admin(lambda connection: accounts.add(connection, name, email, given, kept)).id

    def role(self, name: str, role: str) -> None:
        """Give a user another role; the last admin keeps theirs."""
        given = check_role(role)

        def work(connection: Connection) -> None:
            account = self._found(connection, name)
            if given is not Role.ADMIN:
                _spare_last_admin(connection, account)
            accounts.set_role(connection, account.id, given)

        self._as_admin(work)

    def enable(self, name: str) -> None:
        """Let a user in again."""
        self._as_admin(lambda connection: accounts.set_enabled(connection, self._found(connection, name).id, True))

    def disable(self, name: str) -> None:
        """Let a user neither sign in nor act; what their groups do goes on."""

        def work(connection: Connection) -> None:
            account = self._found(connection, name)
            _spare_last_admin(connection, account)
            accounts.set_enabled(connection, account.id, False)

        self._as_admin(work)

    def password(self, name: str, password: Secret) -> None:
        """Give a user another password; everybody may do so for themselves."""
        kept = passwords.hashed(check_password(password))

        def work(connection: Connection) -> None:
            accounts.set_password(connection, self._found(connection, name).id, kept)

        if name == self._acting:
            self.me.check(Right.READ)
            self._database.perform(work)
        else:
            self._as_admin(work)

    def belongings(self, name: str) -> dict[str, int]:
        """How much of everything is a user's: groups, jobs, credentials, and rows of each dataset."""
        return self._as_admin(lambda connection: belongings.counts(connection, self._found(connection, name).id))

    def remove(self, name: str) -> Removed:
        """Remove a user with all that is theirs, for good; what still runs is stopped and dropped.

        Harmless to break off and to repeat: the user goes last.

        Raises:
            NotFound: there is no such user.
            Conflict: it is the built-in user, the last admin, or who acts.
        """

        def prepare(connection: Connection) -> Account:
            account = self._found(connection, name)
            if name in (LOCAL, self._acting):
                what = "the built-in one" if name == LOCAL else "the one who acts"
                raise Conflict(f"user {name}: expected one that can go, got {what}")
            _spare_last_admin(connection, account)
            accounts.set_enabled(connection, account.id, False)
            return account

        account = self._as_admin(prepare)
        found = self._database.perform(lambda connection: belongings.counts(connection, account.id))
        belongings.remove(self._database, account.id, self._clock.sql_now())
        self._database.perform(lambda connection: accounts.remove(connection, account.id))
        return Removed(name, found)

    def authenticate(self, name: str, password: Secret, address: str = "") -> Account | None:
        """The account, if it is its password; None otherwise, for whatever reason and in the same time.

        At most ten tries in any five minutes for an account from an address fail, over all processes and restarts.

        Raises:
            TooManyTries: there were that many already; nothing was compared.
        """
        now = self._clock.sql_now()
        begun = self._database.perform(
            lambda connection: accounts.begin_try(
                connection, name, address, most=MOST_TRIES, within_s=WITHIN_S, now=now
            )
        )
        if isinstance(begun, float):
            raise TooManyTries(begun)
        kept = (
            self._database.perform(lambda connection: accounts.password_hash(connection, name))
            if name.isprintable()
            else None
        )
        # No connection is held meanwhile: this takes long on purpose.
        if not passwords.is_right(kept, password) or kept is None:
            return None
        newer = passwords.hashed(password) if passwords.is_dated(kept) else None

        def work(connection: Connection) -> Account:
            account = accounts.find(connection, name)
            accounts.note_sign_in(connection, account.id, newer, now)
            accounts.end_try(connection, name, address)
            return accounts.find(connection, name)

        return self._database.perform(work)

    def _found(self, connection: Connection, name: str) -> Account:
        try:
            return accounts.find(connection, name, locks=True)
        except NotFound:
            raise NotFound("user", name, [account.name for account in accounts.every(connection)]) from None

    def _as_admin(self, work: Callable[[Connection], T]) -> T:
        def checked(connection: Connection) -> T:
            accounts.find(connection, self._acting).check(Right.ADMINISTER)
            return work(connection)

        return self._database.perform(checked)


def _spare_last_admin(connection: Connection, account: Account) -> None:
    if account.role is Role.ADMIN and account.is_enabled and accounts.admins(connection) == 1:
        raise Conflict(f"user {account.name}: expected one beside another enabled admin, got the last one")
