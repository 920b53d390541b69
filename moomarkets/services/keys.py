"""The keys that everything is sealed with: made, counted, proved, changed and taken away, beside running work."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import CannotDecrypt, Conflict, NotFound
from moomarkets.store import sealed
from moomarkets.store.database import Database
from moomarkets.store.keyring import Keyring
from moomarkets.store.keyring_file import edit_keyring_file
from moomarkets.store.live_keyring import LiveKeyring
from moomarkets.store.reports import Record
from moomarkets.store.seal import KNOWN_ANSWER, key_id_of, known_answer
from moomarkets.store.sealed import Count, Look

ROUNDS = 20
ROUND_WAIT_S = 0.25


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation did: credentials sealed anew, those left for the next one, and what does not open at all."""

    primary: str
    resealed: int
    left: int
    unreadable: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """What a look at everything found: `is_proved` says that this keyring is the one of this database."""

    is_proved: bool
    opened: int
    unreadable: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Whether everything opens."""
        return self.is_proved and not self.unreadable


class Keys:
    """The keyring of this installation and what is sealed with it, of all users.

    Example: `system.keys.new()`, `system.keys.rotate().resealed`, `system.keys.remove("k1")`
    """

    def __init__(self, database: Database, keyring: LiveKeyring) -> None:
        self._database, self._keyring = database, keyring

    def __repr__(self) -> str:
        return f"<Keys from {self._keyring.place}>"

    def list(self) -> builtins.list[Record]:
        """Each key by its id: whether it is the primary, whether it is there at all, and how much is sealed with it."""
        keyring, found = self._keyring.current(), self._look()
        known = builtins.list(keyring or ())
        missing = sorted(set(found.counts) - set(known))
        return [
            {
                "key_id": key_id or "(no key id)",
                "is_primary": keyring is not None and key_id == keyring.primary,
                "is_there": key_id in known,
                "credentials": found.counts.get(key_id, Count()).credentials,
                "tokens": found.counts.get(key_id, Count()).tokens,
                "from": self._keyring.place,
            }
            for key_id in [*known, *missing]
        ]

    def new(self) -> str:
        """Add a fresh key, which seals everything from now on; returns its id. What is sealed stays as it is.

        Raises:
            Conflict: the keys come from the environment or a command, which only their owner can change.
        """
        taken = self._database.perform(sealed.key_ids)
        if self._keyring.current() is None and self._keyring.origin == "file":
            return self._keyring.create(taken).primary
        return self._edit(lambda keyring: keyring.with_new_key(taken)).primary

    def rotate(self) -> Rotation:
        """Seal everything anew that is sealed with another key than the primary, a hundred credentials at a time.

        Harmless to repeat and to break off. A value that changes meanwhile is left as it is, and looked at again.

        Raises:
            CannotDecrypt: there are no keys.
        """
        resealed, token = 0, CancelToken()
        for _ in range(ROUNDS):
            keyring = self._there()
            resealed += self._pass(keyring)
            found = self._look()
            unreadable = _named(found)
            left = self._left(found, keyring)
            if not left:
                break
            # Somebody had them locked, or seals with the older primary still.
            token.sleep(ROUND_WAIT_S)
        answer = known_answer(keyring)
        self._database.perform(lambda connection: sealed.replace_proof(connection, keyring, answer))
        return Rotation(keyring.primary, resealed, left, unreadable)

    def verify(self) -> Verification:
        """Prove the keyring, and open everything that is sealed; nothing that was opened is given back."""
        kept = self._database.perform(sealed.proof)
        is_proved = kept is not None and sealed.opens(self._keyring.open, kept, KNOWN_ANSWER)
        found = self._look()
        count = sum(count.credentials + count.tokens for count in found.counts.values())
        return Verification(is_proved, count - len(found.unreadable), _named(found))

    def remove(self, key_id: str) -> None:
        """Take a key away that nothing is sealed with any more.

        Raises:
            NotFound: there is no such key.
            Conflict: it is the primary, or something is sealed with it, or the keys are not in a file of ours.
        """
        keyring = self._there()
        if key_id not in keyring:
            raise NotFound("key", key_id, builtins.list(keyring))
        keyring.without(key_id)
        self._refuse_used(key_id)
        removed = keyring.key(key_id)
        self._edit(lambda now: now.without(key_id))
        try:
            # Whoever sealed at this very moment with what was the primary before has its key put back.
            self._refuse_used(key_id)
        except Conflict:
            self._edit(lambda now: now.with_key(key_id, removed))
            raise

    def _refuse_used(self, key_id: str) -> None:
        kept = self._database.perform(sealed.proof)
        count = self._look().counts.get(key_id)
        if count is not None:
            uses = f"that of {count.credentials} credentials and {count.tokens} tokens"
        elif kept is not None and key_id_of(kept) == key_id:
            uses = "that of the proof"
        else:
            return
        raise Conflict(f"key {key_id}: expected one that is not in use, got {uses}; run `moomarkets keys rotate` first")

    def _pass(self, keyring: Keyring) -> int:
        """One walk over all credentials, one short transaction for each hundred."""
        resealed = after = 0
        is_over = False
        while not is_over:
            batch = self._database.perform(_batch(keyring, after))
            resealed, after, is_over = resealed + batch.resealed, batch.last_id, batch.is_over
        return resealed

    def _left(self, found: Look, keyring: Keyring) -> int:
        """How many values could be sealed anew and are not yet."""
        others = sum(
            count.credentials + count.tokens for key_id, count in found.counts.items() if key_id != keyring.primary
        )
        return others - sum(key_id != keyring.primary for *_, key_id in found.unreadable)

    def _look(self) -> Look:
        return self._database.perform(lambda connection: sealed.look(connection, self._keyring.open))

    def _there(self) -> Keyring:
        keyring = self._keyring.current()
        if keyring is None:
            raise CannotDecrypt(f"keyring: expected keys from {self._keyring.place}, got none; put them back")
        return keyring

    def _edit(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        if self._keyring.origin != "file":
            raise Conflict(
                f"keyring: expected one in a file of ours, got one from {self._keyring.place}; change it there: add a "
                "key of 32 random bytes in base64 (`head -c 32 /dev/urandom | base64`), name it as the primary, have "
                "every supervisor read it, and run `moomarkets keys rotate`; after that the older key can go"
            )
        edited = edit_keyring_file(self._keyring.path, change)
        self._keyring.current()
        return edited


def _batch(keyring: Keyring, after: int) -> Callable[[Connection], sealed.Batch]:
    return lambda connection: sealed.reseal(connection, keyring, after)


def _named(found: Look) -> tuple[str, ...]:
    """In words, one for each value that does not open."""
    return tuple(
        f"{source} of user {user}: {column} (key {key_id or 'unknown'})"
        for user, source, column, key_id in found.unreadable
    )
