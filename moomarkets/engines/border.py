"""The border to job code: whatever it raises is a failed attempt, and nothing of it goes further."""

from __future__ import annotations

from moomarkets.domain.cancel import CancelToken
from moomarkets.domain.errors import AttemptError, Reason
from moomarkets.domain.job import Failed
from moomarkets.engines.engine import T, Work

LONGEST_DETAIL = 500


def attempt(work: Work[T], token: CancelToken) -> T | Failed:
    """What `work` returns, or how it failed; raises nothing.

    Example:
        >>> attempt(lambda token: 1 // 0, CancelToken()).detail
        'ZeroDivisionError: integer division or modulo by zero'
    """
    try:
        return work(token)
    except AttemptError as error:
        return Failed(error.reason, error.detail)
    except BaseException as error:  # noqa: BLE001 - whatever job code raises is a failed attempt, nothing else
        return Failed(Reason.INVALID, described(error))


def described(error: BaseException) -> str:
    """The error's type and text, cut; the text is made by foreign code too, and may itself fail."""
    name = type(error).__name__
    try:
        return f"{name}: {error}"[:LONGEST_DETAIL]
    except BaseException:  # noqa: BLE001 - whatever job code raises is a failed attempt, nothing else
        return name
