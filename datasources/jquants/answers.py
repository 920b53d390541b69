"""Reads the meaning of a J-Quants answer from its status and its message together."""

from __future__ import annotations

import re
from datetime import date

from moomarkets.domain.errors import Reason

OK = 200
NOTHING_NOW = 210
REFUSED = 400
UNAUTHORIZED = 401
TOO_LARGE = 413
KEY_REFUSED = (401, 403)
TOO_MANY = 429

# Stable parts of the messages; the same status stands for several of them. First match wins.
_MEANINGS = (
    (400, "your subscription covers", Reason.PLAN_RESTRICTED),
    (403, "api key", Reason.AUTH),
    (403, "no active subscription", Reason.AUTH),
    (403, "not available on your subscription", Reason.PLAN_RESTRICTED),
    (403, "requested endpoint does not exist", Reason.INVALID),
    (403, "missing authentication token", Reason.INVALID),
)
_BY_STATUS = {401: Reason.AUTH, 403: Reason.AUTH, 408: Reason.UPSTREAM, 413: Reason.TOO_LARGE}
_WINDOW = re.compile(r"dates:\s*(\d{4}-\d\d-\d\d)\s*~\s*(\d{4}-\d\d-\d\d)?")
_DETAIL = re.compile(r"plan window (\d{4}-\d\d-\d\d) ~ (\d{4}-\d\d-\d\d)?")


def reason_of(status: int, message: str) -> Reason:
    """Why a request failed that was answered with `status` and `message`."""
    lowered = message.lower()
    for known_status, part, reason in _MEANINGS:
        if status == known_status and part in lowered:
            return reason
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    # Everything that is no plain refusal is worth another try: 5xx, and redirects of whoever sits in between.
    return Reason.INVALID if 400 <= status < 500 else Reason.UPSTREAM


def detail_of(message: str) -> str:
    """What a failed attempt keeps of the message: the plan's window where it names one."""
    window = _WINDOW.search(message)
    if window is None:
        return message[:200]
    return f"outside the plan window {window[1]} ~ {window[2] or ''}".rstrip()


def learnt_window(detail: str) -> tuple[date, date | None] | None:
    """The plan's first and last date, from the detail of a `plan_restricted` error; None if it names none.

    Example:
        >>> learnt_window("outside the plan window 2021-09-04 ~")
        (datetime.date(2021, 9, 4), None)
    """
    window = _DETAIL.search(f"{detail} ")
    if window is None:
        return None
    try:
        return date.fromisoformat(window[1]), date.fromisoformat(window[2]) if window[2] else None
    except ValueError:
        return None
