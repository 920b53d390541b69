"""Gives, lists, tries and takes away the credentials of sources."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from moomarkets.domain.clock import Clock
from moomarkets.domain.credential import CredentialState, masked, state_of
from moomarkets.domain.errors import CannotDecrypt, CredentialsMissing, InvalidInput, NotFound
from moomarkets.domain.secret import Secret
from moomarkets.domain.source import SourceSpec
from moomarkets.store import sealed, sources
from moomarkets.store.database import Database
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.reports import Record
from moomarkets.store.seal import Place, key_id_of
from moomarkets.store.sealed import CREDENTIALS_COLUMN
from moomarkets.store.sources import SealedCredential

LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Known:
    """The sources that there are, and how one is asked for a user whether it accepts the credential."""

    specs: Mapping[str, SourceSpec]
    ask: Callable[[int, str], bool]


class Credentials:
    """The credentials of one user, sealed at rest; nothing here ever gives a secret back.

    Example: `system.credentials.set("jquants", {"api_key": Secret("…")})`, `system.credentials.list()`
    """

    def __init__(self, database: Database, keyring: LiveKeyring, user_id: int, clock: Clock, known: Known) -> None:
        self._database, self._keyring, self._user_id = database, keyring, user_id
        self._clock, self._known = clock, known

    def list(self) -> builtins.list[Record]:
        """One record for each source that needs a credential or has one: its state, and what may be shown of it."""
        return [
            record
            for code, spec in self._known.specs.items()
            if (record := self.show(code))
            and ((spec.needs_credential and spec.is_on_by_default) or record["state"] != CredentialState.MISSING)
        ]

    def show(self, source: str) -> Record:
        """The same for one source.

        Raises:
            NotFound: there is no such source.
        """
        kept = self._kept(source)
        shown, state = (None, CredentialState.MISSING) if kept is None else self._judged(source, kept)
        return {
            "source": source,
            "state": state,
            "credential": shown,
            "key_id": None if kept is None else key_id_of(kept.sealed),
            "set_at": None if kept is None else kept.updated_at,
            "last_validated_at": None if kept is None else kept.last_validated_at,
            "is_accepted": None if kept is None else kept.is_accepted,
            "refresh_token_expires_at": None if kept is None else kept.refresh_expires_at,
            "id_token_expires_at": None if kept is None else kept.id_expires_at,
        }

    def set(self, source: str, credential: Mapping[str, Secret]) -> CredentialState:
        """Keep the credential of a source, such as `{"api_key": Secret("…")}`, in place of an older one.

        Returns the state of that one: where it was `unreadable` it is gone for good, whatever key comes back.

        Raises:
            NotFound: there is no such source.
            InvalidInput: there is no value, or one is empty, too long, or not one line of visible ASCII.
        """
        if not credential:
            raise InvalidInput("credential", "at least one value", dict(credential))
        for name, secret in credential.items():
            _check(name, secret)
        text = json.dumps({name: secret.reveal() for name, secret in credential.items()})
        self._database.check_writable()
        was = CredentialState(str(self.show(source)["state"]))
        if self._keyring.current() is None:
            # Somebody wants to go on without the old keys: a new one takes no name from them.
            self._keyring.create(self._database.perform(sealed.key_ids))
        self._database.perform(lambda connection: self._put(connection, source, text))
        return was

    def remove(self, source: str) -> None:
        """Forget the credential of a source.

        Raises:
            NotFound: there is no such source, or no credential for it.
        """

        def work(connection: Connection) -> bool:
            return sources.remove_credential(connection, self._user_id, sources.find(connection, source).id)

        if not self._database.perform(work):
            raise NotFound("credential of source", source)

    def validate(self, source: str) -> bool:
        """Ask the provider with one request, which counts against its limits, whether it accepts the credential.

        The answer and its time are kept. A provider that says something else entirely raises what an attempt would.

        Raises:
            NotFound: there is no such source.
            CredentialsMissing: there is none to ask with.
            CannotDecrypt: it does not open.
        """
        self._database.check_writable()
        kept = self._kept(source)
        if kept is None:
            raise CredentialsMissing(source)
        is_accepted = self._known.ask(self._user_id, source)

        def work(connection: Connection) -> None:
            source_id = sources.find(connection, source).id
            sources.record_validation(connection, self._user_id, source_id, kept.updated_at, is_accepted)

        self._database.perform(work)
        return is_accepted

    def is_set(self, source: str) -> bool:
        """Whether there is a credential for the source."""
        return self._kept(source) is not None

    def holds(self, source: str, credential: Mapping[str, Secret]) -> bool:
        """Whether exactly this credential is kept already."""
        kept = self._kept(source)
        wanted = {name: secret.reveal() for name, secret in credential.items()}
        return kept is not None and json.loads(self._opened(kept, self._source_id(source))) == wanted

    def _judged(self, source: str, kept: SealedCredential) -> tuple[str | None, CredentialState]:
        try:
            fields = json.loads(self._opened(kept, self._source_id(source)))
        except CannotDecrypt:
            return None, CredentialState.UNREADABLE
        return masked(fields), state_of(self._clock.now(), kept.refresh_expires_at, kept.id_expires_at)

    def _kept(self, source: str) -> SealedCredential | None:
        def work(connection: Connection) -> SealedCredential | None:
            return sources.credential(connection, self._user_id, sources.find(connection, source).id)

        return self._database.perform(work)

    def _source_id(self, source: str) -> int:
        return self._database.perform(lambda connection: sources.find(connection, source).id)

    def _opened(self, kept: SealedCredential, source_id: int) -> bytes:
        return self._keyring.open(kept.sealed, self._place(source_id))

    def _put(self, connection: Connection, source: str, text: str) -> None:
        source_id = sources.find(connection, source).id
        blob = self._keyring.seal(text.encode(), self._place(source_id))
        sources.put_credential(connection, self._user_id, source_id, blob)

    def _place(self, source_id: int) -> Place:
        return Place(str(self._user_id), str(source_id), CREDENTIALS_COLUMN)


def _check(name: str, secret: Secret) -> None:
    text = secret.reveal()
    if not text:
        raise InvalidInput(name, f"1 to {LONGEST} visible ASCII characters without spaces", text)
    if len(text) > LONGEST or not text.isascii() or not text.isprintable() or " " in text:
        raise InvalidInput(name, f"1 to {LONGEST} visible ASCII characters without spaces", Secret(text))
