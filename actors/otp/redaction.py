"""State and messages made safe to show: secrets replaced, live objects left behind."""

from __future__ import annotations

import copy
import re
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, time, timedelta
from enum import Enum
from typing import Any, Final

from actors.otp.ref import Name, Ref

HIDDEN: Final = "***"
_SECRETS: Final = frozenset(
    {"authorization", "cookie", "credential", "dsn", "header", "key", "passphrase", "passwd", "pwd", "secret"}
)
_SECRET_ENDS: Final = ("apikey", "cookie", "credential", "password", "passwd", "secret", "token")
_PLAIN_WORD: Final = re.compile(r"[\w./:-]{1,16}")
_MOST_ITEMS: Final = 5
_MOST_DEPTH: Final = 3
_MOST_CHARACTERS: Final = 200
_MOST_INT: Final = 10**20


def is_secret(name: object) -> bool:
    """Whether a value of this name is never shown.

    Example:
        >>> is_secret("api_key"), is_secret("leaseTokens"), is_secret("monkey")
        (True, True, False)
    """
    parts = [part.removesuffix("s") for part in re.split(r"[^a-z0-9]+", str(name).lower())]
    return any(part in _SECRETS or part.endswith(_SECRET_ENDS) for part in parts)


def redact(values: Mapping[str, object]) -> dict[str, object]:
    """The same mapping with the values of secret names replaced.

    Example:
        >>> redact({"api_key": "abc", "sent": 3})
        {'api_key': '***', 'sent': 3}
    """
    return {name: HIDDEN if is_secret(name) else value for name, value in values.items()}


def snapshot(value: object) -> object:
    """A deep, redacted copy; what cannot be copied becomes the name of its type.

    Dataclasses become dicts, so that a secret inside one is found.
    """
    if isinstance(value, Mapping):
        return {key: HIDDEN if is_secret(key) else snapshot(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snapshot(item) for item in value]
    if type(value) is tuple:
        return tuple(snapshot(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return snapshot({field.name: getattr(value, field.name) for field in fields(value)})
    return copied(value)


def copied(value: object) -> object:
    """A deep copy, or the name of the type in angle brackets."""
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - any class may refuse to be copied, in its own way
        return f"<{type(value).__name__}>"


def one_line(value: object, name: str = "") -> str:
    """A value in one line of sane length, with nothing in it that may be a secret.

    Numbers, dates and members of enums are shown. Text is shown where it is one short plain word in a field
    (`name`) whose name is harmless; else only its length is told. Of objects that are no dataclass the type is told.

    Example:
        >>> one_line({"code": "7203", "api_key": "abc", "body": "a long story", "sent": [1, 2]})
        '{code=7203, api_key=***, body=<str of 12>, sent=[1, 2]}'
    """
    line = _line(value, name, 0)
    return line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..."


def _line(value: object, name: str, depth: int) -> str:
    if is_secret(name):
        return HIDDEN
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    if isinstance(value, date | time | timedelta | uuid.UUID):
        return str(value)
    if value is None or isinstance(value, float | Ref | Name) or (isinstance(value, int) and abs(value) < _MOST_INT):
        return repr(value)
    if isinstance(value, str) and name and _PLAIN_WORD.fullmatch(value):
        return value
    if isinstance(value, Mapping) and depth < _MOST_DEPTH:
        return f"{{{_fields(dict(value), depth)}}}"
    if isinstance(value, list | tuple | deque) and depth < _MOST_DEPTH:
        items = [_line(item, name, depth + 1) for item in list(value)[:_MOST_ITEMS]]
        return f"[{', '.join(_cut(items, len(value)))}]"
    if is_dataclass(value) and not isinstance(value, type) and depth < _MOST_DEPTH:
        values = {field.name: getattr(value, field.name, None) for field in fields(value) if field.repr}
        return f"{type(value).__name__}({_fields(values, depth)})"
    return _name_of(value)


def _fields(values: Mapping[Any, object], depth: int) -> str:
    items = [
        f"{_line(key, 'name', depth + 1)}={_line(values[key], str(key), depth + 1)}"
        for key in list(values)[:_MOST_ITEMS]
    ]
    return ", ".join(_cut(items, len(values)))


def _cut(items: list[str], count: int) -> list[str]:
    return items if count <= len(items) else [*items, f"{count - len(items)} more"]


def _name_of(value: object) -> str:
    if isinstance(value, type):
        return value.__name__
    if isinstance(value, str | bytes | bytearray | set | frozenset | list | tuple | Mapping):
        return f"<{type(value).__name__} of {len(value)}>"
    return f"<{type(value).__name__}>"
