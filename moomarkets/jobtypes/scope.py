"""Reads a group's scope: which part of a dataset it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from moomarkets.domain.errors import InvalidInput

MAX_NEWEST = 10_000


def newest_of(scope: Mapping[str, object]) -> int | None:
    """`newest`: how many of the newest trading days to keep; None where the scope names none."""
    value = scope.get("newest")
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= MAX_NEWEST:
        raise InvalidInput("scope newest", f"a whole number from 1 to {MAX_NEWEST:,}", value)
    return value


def date_of(scope: Mapping[str, object], name: str) -> date | None:
    """The date under `name` (`from` or `to`), written YYYY-MM-DD; None where the scope names none."""
    value = scope.get(name)
    if value is None:
        return None
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        day = None
    # Week dates and dates without dashes are read too, so the text has to come back as it was.
    if day is None or day.isoformat() != value:
        raise InvalidInput(f"scope {name}", "a date as YYYY-MM-DD", value)
    return day


def symbols_of(scope: Mapping[str, object]) -> list[str]:
    """`symbols`: the list of symbols to keep, without doubles, in the order given."""
    value = scope.get("symbols")
    if not isinstance(value, list) or not value or not all(isinstance(symbol, str) for symbol in value):
        raise InvalidInput("scope symbols", "a list of at least one symbol", value)
    for symbol in value:
        if not 1 <= len(symbol) <= 32 or not symbol.isprintable() or set(symbol) & set(" /?#&"):
            raise InvalidInput("scope symbols", "symbols of 1 to 32 characters without spaces or /?#&", symbol)
    return list(dict.fromkeys(value))
