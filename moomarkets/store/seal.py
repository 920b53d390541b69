"""Sealing of credentials at rest: AES-256-GCM, bound to the one place in the database where they belong.

A blob is `b"MM"`, a version byte, the length of the key id, the key id, a nonce of 12 bytes, the cipher text
and its tag of 16 bytes. Header and place are authenticated: it opens nowhere else and under no other key id.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from moomarkets.domain.errors import CannotDecrypt
from moomarkets.store.keyring import Keyring

_START = b"MM\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value belongs: the row's user and source, and its column."""

    user_id: str
    source_id: str
    column: str
    table: str = "data_source_credentials"


KNOWN_ANSWER = Place("", "", "known_answer", "keyring")
_KNOWN_TEXT = b"moomarkets known answer 1"


def seal(value: bytes, place: Place, keyring: Keyring) -> bytes:
    """The blob of `value` under the keyring's primary key, with a fresh nonce; it opens at `place` only.

    Example:
        >>> from moomarkets.store.keyring import Keyring
        >>> keyring, place = Keyring.generate(), Place("7", "jquants", "encrypted_credentials")
        >>> open_sealed(seal(b"api key", place, keyring), place, keyring)
        b'api key'
    """
    header = _START + bytes([len(keyring.primary)]) + keyring.primary.encode("ascii")
    nonce = os.urandom(_NONCE_BYTES)
    cipher = AESGCM(keyring.key(keyring.primary))
    return header + nonce + cipher.encrypt(nonce, value, header + _authenticated(place))


def open_sealed(blob: bytes, place: Place, keyring: Keyring) -> bytes:
    """What was sealed; `CannotDecrypt`, without a why, for whatever is not whole and in its place."""
    value = _opened(blob, place, keyring)
    if value is None:
        # Raised here, outside any handler, so that no cause travels along with it.
        raise CannotDecrypt("sealed value: expected one that opens with these keys at this place, got another")
    return value


def key_id_of(blob: bytes) -> str:
    """The id of the key that the blob names; "" where it is no blob at all. Unverified until it is opened."""
    parts = _split(blob)
    return parts[1] if parts else ""


def resealed(blob: bytes, place: Place, keyring: Keyring) -> bytes:
    """The same value under the primary key: the blob itself where that is its key already."""
    value = open_sealed(blob, place, keyring)
    return blob if key_id_of(blob) == keyring.primary else seal(value, place, keyring)


def known_answer(keyring: Keyring) -> bytes:
    """A blob to store beside the sealed values: opening it at the next start proves the keyring."""
    return seal(_KNOWN_TEXT, KNOWN_ANSWER, keyring)


def prove(blob: bytes, keyring: Keyring) -> None:
    """Raise `CannotDecrypt` unless this keyring opens a known answer made earlier."""
    if open_sealed(blob, KNOWN_ANSWER, keyring) != _KNOWN_TEXT:
        raise CannotDecrypt("keyring: expected the keys that the stored values were sealed with, got others")


def _opened(blob: bytes, place: Place, keyring: Keyring) -> bytes | None:
    parts = _split(blob)
    if parts is None or parts[1] not in keyring:
        return None
    header, key_id, nonce, sealed = parts
    try:
        return AESGCM(keyring.key(key_id)).decrypt(nonce, sealed, header + _authenticated(place))
    except InvalidTag:
        return None


def _split(blob: bytes) -> tuple[bytes, str, bytes, bytes] | None:
    """Header, key id, nonce, and cipher text with tag; None where the layout is not ours."""
    blob = bytes(blob)
    if not blob.startswith(_START) or len(blob) <= len(_START):
        return None
    nonce_at = len(_START) + 1 + blob[len(_START)]
    sealed_at = nonce_at + _NONCE_BYTES
    key_id = blob[len(_START) + 1 : nonce_at]
    if len(blob) < sealed_at + _TAG_BYTES or not key_id.isascii():
        return None
    return blob[:nonce_at], key_id.decode("ascii"), blob[nonce_at:sealed_at], blob[sealed_at:]


def _authenticated(place: Place) -> bytes:
    words = ["moomarkets", 1, place.table, place.user_id, place.source_id, place.column]
    return json.dumps(words, separators=(",", ":")).encode("ascii")
