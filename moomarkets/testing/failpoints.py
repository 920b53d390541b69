"""The front door of the failpoints: which there are, and a block in which some are armed in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from moomarkets.domain import failpoints
from moomarkets.domain.events import NoEvents

VARIABLE = failpoints.VARIABLE
"""What arms them in a supervisor process: `MOOMARKETS_FAILPOINTS='claimed=kill@3' python -m moomarkets.supervisor`."""

NAMES = tuple(failpoints.PLACES)


@contextmanager
def armed(specification: str, seed: int = 0) -> Iterator[None]:
    """Have the failpoints of `specification` armed within the block, in every thread of this process.

    Example:
        >>> from moomarkets.domain import failpoints
        >>> with armed("claimed=raise:OSError"):
        ...     failpoints.hit("claimed")
        Traceback (most recent call last):
        OSError: failpoint claimed
    """
    failpoints.arm(specification, NoEvents(), seed)
    try:
        yield
    finally:
        failpoints.arm("", NoEvents(), seed)
