"""Numbers that look like chance and are always the same for the same seed."""

from __future__ import annotations

_MASK = 0xFFFFFFFF


def draw(seed: int, *salts: int) -> int:
    """A whole number of 32 bits, made of the seed and the salts alone.

    Example:
        >>> draw(7, 1) == draw(7, 1), draw(7, 1) == draw(7, 2)
        (True, False)
    """
    value = seed & _MASK
    for salt in salts:
        value = ((value ^ ((salt + 1) * 2654435761)) * 2246822519) & _MASK
        value ^= value >> 15
    return value


def share(seed: int, *salts: int) -> float:
    """The same as a fraction, from 0 to below 1."""
    return draw(seed, *salts) / 4294967296
