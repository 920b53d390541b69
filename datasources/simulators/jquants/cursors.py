"""Marks of how far somebody has read today's disclosures, for asking for the newer ones alone."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import date, time
from hashlib import sha256

from datasources.simulators.jquants import refusals
from datasources.simulators.jquants.asking import Asking

PATHS = ("/fins/summary", "/fins/details", "/td/list")


def newer_rows(path: str, asking: Asking, rows: Sequence[str]) -> Sequence[str]:
    """The rows after the query's cursor; all where it has none."""
    cursor = asking.text("cursor")
    if not cursor or path not in PATHS:
        return rows
    if asking.day("date") != asking.today or asking.text("code"):
        raise refusals.bad_cursor()
    read_until = _time_in(path, cursor, asking.today)
    return [row for row in rows if json.loads(row)["DiscTime"] > read_until]


def cursor_after(path: str, asking: Asking, rows: Sequence[str]) -> str:
    """The cursor that the last page ends with; "" where none belongs: it goes with the date of today only."""
    if path not in PATHS or asking.text("code") or asking.day("date") != asking.today:
        return ""
    if rows:
        return _cursor(path, asking.today, max(json.loads(row)["DiscTime"] for row in rows))
    return asking.text("cursor") or _cursor(path, asking.today, time(0).isoformat())


def _cursor(path: str, today: date, read_until: str) -> str:
    mark = sha256(f"{path}|{today}|{read_until}".encode()).hexdigest()[:8]
    return base64.urlsafe_b64encode(f"{read_until}|{mark}".encode()).decode().rstrip("=")


def _time_in(path: str, cursor: str, today: date) -> str:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        read_until = base64.urlsafe_b64decode(padded).decode("ascii").partition("|")[0]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise refusals.bad_cursor() from None
    if _cursor(path, today, read_until) != cursor:
        raise refusals.bad_cursor()
    return read_until
