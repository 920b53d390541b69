"""Reads a group's scope: which part of a dataset it keeps, and how."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date

from moomarkets.domain import iso
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.nearest import did_you_mean
from moomarkets.domain.ways import AUTO, CHOICES

MAX_NEWEST = 10_000
MOST_REQUESTS = 1_000_000
_OPEN = (date.min, date.max)


def newest_of(scope: Mapping[str, object]) -> int | None:
    """`newest`: how many of the newest trading days to keep; None where the scope names none."""
    return _whole(scope, "newest", MAX_NEWEST)


def most_requests_of(scope: Mapping[str, object]) -> int | None:
    """`max_requests`: how many requests one run may plan; None where the scope sets no limit."""
    return _whole(scope, "max_requests", MOST_REQUESTS)


def way_of(scope: Mapping[str, object]) -> str:
    """`way`: how what is missing is asked for; `auto`, the cheapest way, where the scope names none."""
    value = scope.get("way", AUTO)
    if value not in CHOICES:
        raise InvalidInput("scope way", f"one of {', '.join(CHOICES)}{did_you_mean(value, CHOICES)}", value)
    return str(value)


def date_of(scope: Mapping[str, object], name: str) -> date | None:
    """The date under `name` (`from` or `to`), written YYYY-MM-DD; None where the scope names none."""
    value = scope.get(name)
    if value is None:
        return None
    return _date(f"scope {name}", value)


def ranges_of(scope: Mapping[str, object]) -> list[tuple[date, date]]:
    """First and last dates of what is asked for: `from` with `to`, or `ranges`; empty where the scope has neither.

    An end that is not given is open.
    """
    first, last = date_of(scope, "from"), date_of(scope, "to")
    if first is not None and last is not None and first > last:
        raise InvalidInput("scope from", f"a date up to that of `to`, {last}", first.isoformat())
    own = [] if first is None and last is None else [(first or _OPEN[0], last or _OPEN[1])]
    given = scope.get("ranges")
    if given is None:
        return own
    if own:
        raise InvalidInput("scope ranges", "either ranges, or from and to", "both")
    if not isinstance(given, list) or not given or not all(isinstance(pair, list) and len(pair) == 2 for pair in given):
        raise InvalidInput("scope ranges", "a list of pairs of dates, [[from, to], …]", given)
    return [_pair(pair[0], pair[1]) for pair in given]


def codes_of(scope: Mapping[str, object]) -> tuple[str, ...]:
    """`codes`: the codes to keep, without doubles, in the order given; empty where the scope names none."""
    value = scope.get("codes")
    if value is None:
        return ()
    if not isinstance(value, list) or not value or not all(isinstance(code, str) for code in value):
        raise InvalidInput("scope codes", 'a list of at least one code, such as ["72030"]', value)
    for code in value:
        if not (1 <= len(code) <= 16 and code.isascii() and code.isalnum()):
            raise InvalidInput("scope codes", "codes of letters and digits, such as 72030", code)
    return tuple(dict.fromkeys(value))


def symbols_of(scope: Mapping[str, object]) -> list[str]:
    """`symbols`: the list of symbols to keep, without doubles, in the order given."""
    value = scope.get("symbols")
    if not isinstance(value, list) or not value or not all(isinstance(symbol, str) for symbol in value):
        raise InvalidInput("scope symbols", "a list of at least one symbol", value)
    for symbol in value:
        if not 1 <= len(symbol) <= 32 or not symbol.isprintable() or set(symbol) & set(" /?#&"):
            raise InvalidInput("scope symbols", "symbols of 1 to 32 characters without spaces or /?#&", symbol)
    return list(dict.fromkeys(value))


_READERS: Mapping[str, Callable[[Mapping[str, object]], object]] = {
    "newest": newest_of,
    "from": ranges_of,
    "to": ranges_of,
    "ranges": ranges_of,
    "codes": codes_of,
    "symbols": symbols_of,
    "way": way_of,
    "max_requests": most_requests_of,
}


def check_scope(scope: Mapping[str, object], known: Collection[str]) -> None:
    """Refuse what none of the group's job types knows, and values that none of them could use.

    Raises:
        InvalidInput: names the key, what is expected there, and what was given.
    """
    for name in scope:
        if name not in known:
            expected = f"only {', '.join(sorted(known)) or 'an empty map'}{did_you_mean(name, known)}"
            raise InvalidInput("scope", expected, name)
        if name in _READERS:
            _READERS[name](scope)


def _whole(scope: Mapping[str, object], name: str, most: int) -> int | None:
    value = scope.get(name)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= most:
        raise InvalidInput(f"scope {name}", f"a whole number from 1 to {most:,}", value)
    return value


def _date(thing: str, value: object) -> date:
    day = iso.day(value)
    if day is None:
        raise InvalidInput(thing, "a date as YYYY-MM-DD", value)
    return day


def _pair(first: object, last: object) -> tuple[date, date]:
    pair = _date("scope ranges", first), _date("scope ranges", last)
    if pair[0] > pair[1]:
        raise InvalidInput("scope ranges", "pairs whose first date is not after the second", [first, last])
    return pair
