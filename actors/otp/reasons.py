"""Why a server ended: the words, which of them are clean, and how they are shown."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Final, TypeAlias

from moomarkets.domain.errors import MoomarketsError

ExitReason: TypeAlias = str | tuple[object, ...] | BaseException
"""A word, a word with a detail such as `("shutdown", x)`, or the exception of a crash."""

NORMAL: Final = "normal"
SHUTDOWN: Final = "shutdown"
KILLED: Final = "killed"
NOPROC: Final = "noproc"


def is_shutdown(reason: ExitReason) -> bool:
    """Whether the server ended because it was asked to: `shutdown` or `("shutdown", x)`."""
    return reason == SHUTDOWN or (isinstance(reason, tuple) and len(reason) == 2 and reason[0] == SHUTDOWN)


def is_clean(reason: ExitReason) -> bool:
    """Whether a transient child with this reason stays down.

    Example:
        >>> is_clean("normal"), is_clean(("shutdown", "done")), is_clean(ValueError())
        (True, True, False)
    """
    return reason == NORMAL or is_shutdown(reason)


def describe(reason: object) -> str:
    """The reason in a few words that are safe to log.

    The text of an exception is shown only for errors of our own, which never hold secrets.

    Example:
        >>> describe(("shutdown", ("failed_to_start_child", "db", ValueError("key=abc"))))
        'shutdown: failed_to_start_child: db: ValueError'
    """
    if isinstance(reason, MoomarketsError):
        return f"{type(reason).__name__}: {reason}"
    if isinstance(reason, BaseException):
        return type(reason).__name__
    if isinstance(reason, tuple):
        return ": ".join(describe(part) for part in reason)
    return str(reason)


def where(reason: object) -> str:
    """The innermost three places of a crash, `file:line function`, innermost first; empty if it was none."""
    if not isinstance(reason, BaseException):
        return ""
    frames = traceback.extract_tb(reason.__traceback__)[-3:]
    return " < ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in reversed(frames))
