"""Values on the command line that are more than a word: dates, instants and JSON."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import click

from moomarkets.domain import iso


def day(text: str) -> date:
    """A date such as 2026-11-20; the type of an option."""
    if (found := iso.day(text)) is None:
        raise click.BadParameter(f"expected a date such as 2026-11-20, got {text!r}")
    return found


def instant(text: str) -> datetime:
    """An instant with its offset from UTC, such as 2026-11-20T17:00+09:00; the type of an option."""
    if (found := iso.instant(text)) is None:
        expected = "an instant with its offset from UTC, such as 2026-11-20T17:00+09:00 or 2026-11-20T08:00Z"
        raise click.BadParameter(f"expected {expected}, got {text!r}")
    return found


def json_object(thing: str, text: str) -> dict[str, Any]:
    """The JSON object that `text` spells; anything else is refused under the name `thing`."""
    from moomarkets.domain.errors import InvalidInput

    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = text
    if not isinstance(value, dict):
        raise InvalidInput(thing, "a JSON object such as {}", value)
    return value
