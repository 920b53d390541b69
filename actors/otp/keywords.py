"""Refuses what a spec has no field for, and misses what it needs, in words that help whoever mistyped."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields
from difflib import get_close_matches
from functools import wraps
from typing import Any, TypeVar

from actors.otp.redaction import HIDDEN, is_secret, one_line

T = TypeVar("T")


def known_fields_only(thing: str) -> Callable[[type[T]], type[T]]:
    """Decorate a dataclass: its errors about keywords speak of `thing`.

    Example:
        >>> from dataclasses import dataclass
        >>> @known_fields_only("point")
        ... @dataclass(frozen=True, slots=True)
        ... class Point:
        ...     height: int
        >>> Point(heigth=3)
        Traceback (most recent call last):
        TypeError: point: expected one of height, got 'heigth' = 3 (did you mean 'height'?)
    """

    def decorate(cls: type[T]) -> type[T]:
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]  # a dataclass, as documented
        needed = [
            field.name
            for field in fields(cls)  # type: ignore[arg-type]
            if field.default is MISSING and field.default_factory is MISSING
        ]
        make = cls.__init__

        @wraps(make)
        def checked(self: T, *args: Any, **kwargs: Any) -> None:
            _refuse_unknown(thing, known, kwargs)
            for name in needed[len(args) :]:
                if name not in kwargs:
                    raise TypeError(f"{thing}: expected {name!r}, got none")
            make(self, *args, **kwargs)

        setattr(cls, "__init__", checked)  # noqa: B010 - mypy lets no class's own __init__ be replaced by name
        return cls

    return decorate


def _refuse_unknown(thing: str, known: Sequence[str], given: Mapping[str, object]) -> None:
    for name, value in given.items():
        if name in known:
            continue
        shown = HIDDEN if is_secret(name) else one_line(value, name)
        close = get_close_matches(name, known, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise TypeError(f"{thing}: expected one of {', '.join(known)}, got {name!r} = {shown}{hint}")
