"""How much of a state has changed: which attributes, and by how many characters of their text."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import fields, is_dataclass

from actors.otp.ref import Ref


def texts(state: Mapping[str, object]) -> dict[str, str]:
    """Each attribute as text; only to be compared, never shown: secrets are not replaced.

    Of objects that are neither values, containers nor dataclasses only the type counts.
    """
    return {name: _text(value) for name, value in state.items()}


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[tuple[str, ...], int]:
    """Which attributes differ, and by how many characters in all.

    Example:
        >>> compare({"sent": "[1]", "count": "7"}, {"sent": "[1, 2]", "count": "7"})
        (('sent',), 3)
    """
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple(changed), sum(_difference(before.get(name, ""), after.get(name, "")) for name in changed)


def _difference(before: str, after: str) -> int:
    """How long the part is that differs: what both begin and end with does not count."""
    same = _common(before, after)
    same_end = _common(before[same:][::-1], after[same:][::-1])
    return max(len(before), len(after)) - same - same_end


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(item)}' for key, item in list(value.items()))}}}"
    if isinstance(value, list | tuple | deque):
        return f"[{', '.join([_text(item) for item in list(value)])}]"
    if isinstance(value, set | frozenset):
        return f"{{{', '.join(sorted([_text(item) for item in list(value)]))}}}"
    if isinstance(value, Ref):
        return f"<{value.path} {value.process.restarts} {value.is_alive}>"
    if is_dataclass(value) and not isinstance(value, type):
        return f"{type(value).__name__}({', '.join([_text(getattr(value, f.name, None)) for f in fields(value)])})"
    # The text of a live object tells where it lies in memory, not what is in it.
    is_live = type(value).__repr__ is object.__repr__
    return type(value).__name__ if is_live else repr(value)
