"""Values on the command line that are more than a word: instants and JSON."""

from __future__ import annotations

import json
from typing import Any

import click

INSTANT = click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z"])
"""An instant with its offset from UTC, such as 2026-11-20T17:00+09:00."""


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
