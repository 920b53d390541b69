"""Copies of state that are safe to show: secrets replaced, live objects left behind."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Final

HIDDEN: Final = "***"
_SECRETS: Final = frozenset({"key", "token", "secret", "password", "credential", "authorization"})


def is_secret(name: object) -> bool:
    """Whether a value of this name is never shown.

    Example:
        >>> is_secret("api_key"), is_secret("lease_tokens"), is_secret("monkey")
        (True, True, False)
    """
    parts = str(name).lower().replace("-", "_").split("_")
    return any(part.removesuffix("s") in _SECRETS for part in parts)


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
