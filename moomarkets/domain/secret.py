"""A value that nobody reads by accident."""

from __future__ import annotations

import hmac
from typing import Never

HIDDEN = "***"


class Secret:
    """Text that shows as `***` wherever it is printed, formatted or pickled; `reveal()` is the only way in.

    A pickle carries the mark but not the text: revealing what came out of one raises.

    Example:
        >>> key = Secret("hunter2")
        >>> f"{key} {[key]}"
        '*** [***]'
        >>> key.reveal()
        'hunter2'
    """

    __slots__ = ("__text",)
    __text: str | None

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"secret: expected text, got {type(text).__name__}")
        object.__setattr__(self, "_Secret__text", text)

    def reveal(self) -> str:
        """The text itself; for the one place that must send or store it."""
        text = self.__text
        if text is None:
            raise ValueError("secret: expected the value itself, got a copy that was pickled without it")
        return text

    def __repr__(self) -> str:
        return HIDDEN

    def __format__(self, spec: str) -> str:
        return format(HIDDEN, spec)

    def __bool__(self) -> bool:
        return bool(self.__text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        mine, theirs = self.__text, other.__text
        if mine is None or theirs is None:
            return self is other
        return hmac.compare_digest(mine.encode("utf-8", "surrogatepass"), theirs.encode("utf-8", "surrogatepass"))

    def __hash__(self) -> int:
        return hash((Secret, self.__text))

    def __setattr__(self, name: str, value: object) -> Never:
        raise AttributeError("secret: cannot be changed")

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __getstate__(self) -> None:
        return None

    def __reduce__(self) -> tuple[object, ...]:
        return _forgotten, ()

    def __reduce_ex__(self, protocol: object) -> tuple[object, ...]:
        return self.__reduce__()


def _forgotten() -> Secret:
    secret = Secret("")
    object.__setattr__(secret, "_Secret__text", None)
    return secret
