"""Reads dates and instants that a person or a program has written in ISO 8601."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Final

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def day(text: object) -> date | None:
    """The date that a text such as 2026-11-20 spells; None for anything else, numbers and week dates too.

    Example:
        >>> day("2026-11-20"), day("20261120")
        (datetime.date(2026, 11, 20), None)
    """
    if not isinstance(text, str) or not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def instant(text: object) -> datetime | None:
    """The instant that a text such as 2026-11-20T08:00Z spells; None for anything else, or without an offset.

    Example:
        >>> instant("2026-11-20T17:00+09:00"), instant("2026-11-20T17:00")
        (datetime.datetime(2026, 11, 20, 17, 0, tzinfo=datetime.timezone(datetime.timedelta(seconds=32400))), None)
    """
    if not isinstance(text, str) or not _DAY.match(text):
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.utcoffset() is not None else None
