"""How many restarts are too many: OTP's restart intensity as arithmetic."""

from __future__ import annotations


def spend(restarts: tuple[float, ...], now: float, most: int, seconds: float) -> tuple[float, ...] | None:
    """The restarts that still count after one more at `now`; None if that is more than `most` in `seconds`.

    Times are monotonic.

    Example:
        >>> spend((), 10.0, 1, 5.0)
        (10.0,)
        >>> spend((10.0,), 12.0, 1, 5.0) is None
        True
        >>> spend((10.0,), 15.5, 1, 5.0)
        (15.5,)
    """
    counted = (*(at for at in restarts if now - at <= seconds), now)
    return counted if len(counted) <= most else None
