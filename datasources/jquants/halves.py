"""Asks for a range of dates in halves where the provider finds the answer too large for one."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from datasources.jquants.answers import TOO_LARGE
from moomarkets.domain.dataset import Batch
from moomarkets.domain.errors import SourceError

_RANGES = (("from", "to"), ("disc_date_from", "disc_date_to"))

Fetch = Callable[[dict[str, str]], Batch]


def in_halves(query: dict[str, str], fetch: Fetch) -> Batch:
    """What `fetch` brings for the query; a range that is refused as too large (413) is cut until its parts are not.

    A single day, or a query without both ends of a range, cannot be cut: its error comes as it is, with what to do.
    """
    found: list[Batch] = []
    waiting = deque([query])
    while waiting:
        part = waiting.popleft()
        try:
            found.append(fetch(part))
        except SourceError as error:
            if error.status != TOO_LARGE:
                raise
            waiting.extendleft(reversed(_halves(part, error)))
    return _joined(found)


def _halves(query: dict[str, str], error: SourceError) -> list[dict[str, str]]:
    for names in _RANGES:
        first, last = (_day(query.get(name, "")) for name in names)
        if first is not None and last is not None and first < last:
            middle = first + (last - first) // 2
            ends = ((first, middle), (middle + timedelta(days=1), last))
            return [{**query, names[0]: start.isoformat(), names[1]: end.isoformat()} for start, end in ends]
    advice = "the provider answers only with less at a time: ask for fewer days, or by code"
    raise SourceError(error.reason, f"{error.detail}; {advice}", source=error.source, status=error.status)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _joined(parts: list[Batch]) -> Batch:
    """One batch of all parts; they hold different days, so that no key is in two of them."""
    first = parts[0]
    if len(parts) == 1:
        return first
    warnings: Counter[str] = Counter()
    for part in parts:
        warnings.update(part.warnings)
    return replace(
        first,
        rows=[row for part in parts for row in part.rows],
        pages=sum(part.pages for part in parts),
        # The one that was refused before each cut counts too.
        requests=sum(part.requests for part in parts) + len(parts) - 1,
        bytes=sum(part.bytes for part in parts),
        warnings=dict(warnings),
        bodies=tuple(body for part in parts for body in part.bodies),
        cursor=parts[-1].cursor,
    )
