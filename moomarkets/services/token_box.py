"""The box of one credential's tokens: sealed in the store, renewed by one at a time over all threads and nodes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import CannotDecrypt, Conflict
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import Tokens
from moomarkets.store import tokens as kept
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.seal import Place
from moomarkets.store.tokens import ID_COLUMN, REFRESH_COLUMN, SealedTokens

T = TypeVar("T")

TURN_S = 180.0
"""How long a holder may be silent: two requests of a minute each, and a wait for their permits."""

LOOK_EVERY_S = 0.2
"""How often one that waits looks whether its turn has come."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which credential: of whom, for which source, and since when it is that one."""

    user_id: int
    source_id: int
    given_at: datetime


class StoredTokenBox:
    """A `TokenBox` over the columns of `data_source_credentials`; one for each client.

    `learn` is told every token that is opened or kept, so that logs can hide it; `mark` is called when one does not
    open, before the error.
    """

    def __init__(
        self,
        database: Database,
        keyring: LiveKeyring,
        ticket: Ticket,
        learn: Callable[[Secret], None],
        new_id: Callable[[], UUID],
        *,
        turn_s: float = TURN_S,
        mark: Callable[[], object] = lambda: None,
    ) -> None:
        self._database, self._keyring, self._ticket, self._learn = database, keyring, ticket, learn
        self._new_id, self._turn_s, self._mark = new_id, turn_s, mark
        # The threads of this process queue here, so that one of them alone looks at the store.
        self._lock = threading.Lock()
        self._turn_id: UUID | None = None

    def __repr__(self) -> str:
        return f"<StoredTokenBox of user {self._ticket.user_id} for source {self._ticket.source_id}>"

    def read(self) -> Tokens:
        """The tokens as they are kept now; `CannotDecrypt` where they do not open."""
        sealed = self._do(kept.read, self._ticket.given_at)
        return Tokens(
            self._opened(sealed.refresh_token, REFRESH_COLUMN),
            sealed.refresh_expires_at,
            self._opened(sealed.id_token, ID_COLUMN),
            sealed.id_expires_at,
        )

    def write(self, tokens: Tokens) -> bool:
        """Keep these; False where it is not our turn any more, or the credential was given anew.

        Raises:
            Conflict: outside of `renewing`.
        """
        turn_id = self._turn_id
        if turn_id is None:
            raise Conflict("tokens: expected to be written inside of renewing(), got written outside")
        sealed = SealedTokens(
            self._sealed(tokens.refresh_token, REFRESH_COLUMN),
            tokens.refresh_expires_at,
            self._sealed(tokens.id_token, ID_COLUMN),
            tokens.id_expires_at,
        )
        return self._do(kept.write, self._ticket.given_at, turn_id, sealed, self._turn_s)

    def clear(self) -> bool:
        """Forget all tokens; False as with `write`."""
        return self.write(Tokens())

    @contextmanager
    def renewing(self, token: CancelToken) -> Iterator[Tokens]:
        """Be the one that renews; the tokens as they are then."""
        while not self._lock.acquire(timeout=LOOK_EVERY_S):
            token.check()
        try:
            turn_id = self._take_turn(token)
            try:
                self._turn_id = turn_id
                yield self.read()
            finally:
                self._turn_id = None
                self._do(kept.end_turn, turn_id)
        finally:
            self._lock.release()

    def _take_turn(self, token: CancelToken) -> UUID:
        turn_id = self._new_id()
        # False: somebody else renews. None: the credential is gone, and nobody else will miss the turn.
        while self._do(kept.take_turn, turn_id, self._turn_s) is False:
            token.sleep(LOOK_EVERY_S)
        return turn_id

    def _do(self, work: Callable[..., T], *arguments: object) -> T:
        user_id, source_id = self._ticket.user_id, self._ticket.source_id

        def unit(connection: Connection) -> T:
            return work(connection, user_id, source_id, *arguments)

        return self._database.perform(unit)

    def _sealed(self, secret: Secret | None, column: str) -> bytes | None:
        if secret is None:
            return None
        self._learn(secret)
        return self._keyring.seal(secret.reveal().encode(), self._place(column))

    def _opened(self, blob: bytes | None, column: str) -> Secret | None:
        if blob is None:
            return None
        try:
            secret = Secret(self._keyring.open(blob, self._place(column)).decode())
        except CannotDecrypt:
            self._mark()
            raise
        self._learn(secret)
        return secret

    def _place(self, column: str) -> Place:
        return Place(str(self._ticket.user_id), str(self._ticket.source_id), column)
