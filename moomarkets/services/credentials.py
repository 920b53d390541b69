"""Gives, checks and takes away the credentials of sources."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from moomarkets.domain.errors import InvalidInput, NotFound
from moomarkets.domain.secret import Secret
from moomarkets.store import sealed, sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.seal import Place
from moomarkets.store.sealed import CREDENTIALS_COLUMN

LONGEST = 4096


class Credentials:
    """The credentials of one user, sealed at rest; nothing here ever gives a secret back.

    Example: `system.credentials.set("jquants", {"api_key": Secret("…")})`
    """

    def __init__(self, database: Database, keyring: LiveKeyring, user_id: int) -> None:
        self._database, self._keyring, self._user_id = database, keyring, user_id

    def set(self, source: str, credential: Mapping[str, Secret]) -> None:
        """Keep the credential of a source, such as `{"api_key": Secret("…")}`, in place of an older one.

        Raises:
            NotFound: there is no such source.
            InvalidInput: there is no value, or one is empty, too long, or not one line of visible ASCII.
        """
        if not credential:
            raise InvalidInput("credential", "at least one value", dict(credential))
        for name, secret in credential.items():
            _check(name, secret)
        text = json.dumps({name: secret.reveal() for name, secret in credential.items()})
        if self._keyring.current() is None:
            # Somebody wants to go on without the old keys: a new one takes no name from them.
            self._keyring.create(self._database.perform(sealed.key_ids))
        self._database.perform(lambda connection: self._put(connection, source, text))

    def remove(self, source: str) -> None:
        """Forget the credential of a source.

        Raises:
            NotFound: there is no such source, or no credential for it.
        """

        def work(connection: Connection) -> bool:
            return sources.remove_credential(connection, self._user_id, sources.find(connection, source).id)

        if not self._database.perform(work):
            raise NotFound("credential of source", source)

    def is_set(self, source: str) -> bool:
        """Whether there is a credential for the source."""

        def work(connection: Connection) -> bool:
            source_id = sources.find(connection, source).id
            return sources.credential(connection, self._user_id, source_id) is not None

        return self._database.perform(work)

    def holds(self, source: str, credential: Mapping[str, Secret]) -> bool:
        """Whether exactly this credential is kept already."""

        def work(connection: Connection) -> bytes | None:
            place_id = sources.find(connection, source).id
            kept = sources.credential(connection, self._user_id, place_id)
            return self._keyring.open(kept.sealed, self._place(place_id)) if kept else None

        kept = self._database.perform(work)
        wanted = {name: secret.reveal() for name, secret in credential.items()}
        return kept is not None and json.loads(kept) == wanted

    def _put(self, connection: Connection, source: str, text: str) -> None:
        source_id = sources.find(connection, source).id
        sealed = self._keyring.seal(text.encode(), self._place(source_id))
        sources.put_credential(connection, self._user_id, source_id, sealed)

    def _place(self, source_id: int) -> Place:
        return Place(str(self._user_id), str(source_id), CREDENTIALS_COLUMN)


def _check(name: str, secret: Secret) -> None:
    text = secret.reveal()
    if not text:
        raise InvalidInput(name, f"1 to {LONGEST} visible ASCII characters without spaces", text)
    if len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidInput(name, f"1 to {LONGEST} visible ASCII characters without spaces", Secret(text))
