"""The keys that credentials are sealed with: read, checked, made at the first start, renewed."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from moomarkets.domain.errors import Conflict, InvalidInput, NotFound
from moomarkets.domain.secret import Secret

KEY_BYTES = 32
# A random key has 30 different bytes on average; fewer than 16 come by chance once in 10 ** 10 keys.
_MIN_DISTINCT = 16
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,31}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Keyring:
    """AES-256 keys by id, one of them the primary: new values are sealed with it, old ones open with any.

    Its text form, for a file of mode 0600 or the environment, is
    `{"primary": "k2", "keys": {"k1": "<base64>", "k2": "<base64>"}}`.

    Example:
        >>> keyring = Keyring.generate().with_new_key()
        >>> keyring.primary, list(keyring)
        ('k2', ['k1', 'k2'])
        >>> keyring
        Keyring(primary='k2')
    """

    primary: str
    _keys: Mapping[str, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        for key_id, key in self._keys.items():
            _check_key(key_id, key)
        if self.primary not in self._keys:
            raise InvalidInput("keyring primary", f"one of {', '.join(self._keys) or 'its key ids'}", self.primary)
        object.__setattr__(self, "_keys", MappingProxyType(dict(self._keys)))

    @classmethod
    def generate(cls, taken: Iterable[str] = ()) -> Keyring:
        """A keyring with one fresh key: `k1`, or the next number after those that are `taken`."""
        key_id = _next_id(taken)
        return cls(key_id, {key_id: os.urandom(KEY_BYTES)})

    @classmethod
    def parse(cls, text: Secret) -> Keyring:
        """Read the text form; `InvalidInput` says what is wrong without showing a key."""
        try:
            content = json.loads(text.reveal())
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict) or set(content) != {"primary", "keys"}:
            raise InvalidInput("keyring", "JSON with 'primary' and 'keys'", "something else")
        primary, keys = content["primary"], content["keys"]
        if not isinstance(primary, str) or not isinstance(keys, dict) or not keys:
            raise InvalidInput("keyring", "the id of the primary key and a map of keys", "something else")
        return cls(primary, {key_id: _decoded(key_id, key) for key_id, key in keys.items()})

    def key(self, key_id: str) -> bytes:
        """The key itself; `NotFound` where there is none of that id."""
        try:
            return self._keys[key_id]
        except KeyError:
            raise NotFound("key", key_id) from None

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keyring: expected to stay in its process, got pickled or copied")

    def with_new_key(self, taken: Iterable[str] = ()) -> Keyring:
        """The keyring with one more fresh key, which is the primary from now on; of an id that is not `taken`."""
        key_id = _next_id({*self._keys, *taken})
        return Keyring(key_id, {**self._keys, key_id: os.urandom(KEY_BYTES)})

    def without(self, key_id: str) -> Keyring:
        """The keyring without a key that nothing is sealed with any more; the primary stays."""
        self.key(key_id)
        if key_id == self.primary:
            raise Conflict(f"key {key_id}: expected one that is not the primary; make a new key first")
        return Keyring(self.primary, {known: key for known, key in self._keys.items() if known != key_id})

    def with_key(self, key_id: str, key: bytes) -> Keyring:
        """The keyring with that key too; the primary stays."""
        return Keyring(self.primary, {**self._keys, key_id: key})

    def to_text(self) -> Secret:
        """The text form that `parse` reads."""
        keys = {key_id: base64.b64encode(key).decode("ascii") for key_id, key in self._keys.items()}
        return Secret(json.dumps({"primary": self.primary, "keys": keys}, indent=1) + "\n")


def _next_id(taken: Iterable[str]) -> str:
    numbers = (int(key_id[1:]) for key_id in taken if re.fullmatch(r"k[0-9]{1,6}", key_id, re.ASCII))
    return f"k{max(numbers, default=0) + 1}"


def _decoded(key_id: str, text: object) -> bytes:
    if isinstance(text, str):
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
    raise InvalidInput(f"key {_shown(key_id)}", "32 bytes in base64", "something else")


def _check_key(key_id: str, key: bytes) -> None:
    if not _KEY_ID.fullmatch(key_id):
        raise InvalidInput("key id", "1-32 small letters, digits, '_', '.' or '-'", _shown(key_id))
    if len(key) != KEY_BYTES:
        raise InvalidInput(f"key {key_id}", f"{KEY_BYTES} bytes", f"{len(key)} bytes")
    if _is_poor(key):
        raise InvalidInput(f"key {key_id}", "32 random bytes (make them with `moomarkets keys new`)", "a poor key")


def _is_poor(key: bytes) -> bool:
    """Whether no fair dice would have given this: few different bytes, even steps, or readable text."""
    steps = {(second - first) % 256 for first, second in pairwise(key)}
    return len(set(key)) < _MIN_DISTINCT or len(steps) < _MIN_DISTINCT // 2 or all(32 <= byte < 127 for byte in key)


def _shown(key_id: str) -> str:
    """A key id as an error may show it: somebody may have put the key in its place."""
    return key_id if len(key_id) <= 12 else f"{key_id[:4]}..."
