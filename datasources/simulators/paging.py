"""Splits an answer's rows by bytes, and names the rest with keys that only fit the same query."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence


class BadKey(ValueError):
    """The pagination key was not made for this query."""


class Pager:
    """Cuts rows of JSON text into pages of at most `page_bytes`, at least one row each.

    Example:
        >>> pager = Pager(8)
        >>> rows, key = pager.page(['{"a":1}', '{"a":2}'], "/path", {})
        >>> rows, pager.page(['{"a":1}', '{"a":2}'], "/path", {"pagination_key": key})
        (['{"a":1}'], (['{"a":2}'], ''))
    """

    def __init__(self, page_bytes: int) -> None:
        self._page_bytes = page_bytes

    def page(self, rows: Sequence[str], path: str, query: Mapping[str, str]) -> tuple[Sequence[str], str]:
        """The page that the query's key names, and the key of the next one, "" after the last."""
        start = self._start(len(rows), path, query)
        end = self._end(rows, start)
        return rows[start:end], "" if end >= len(rows) else self.key(end, path, query)

    def key(self, start: int, path: str, query: Mapping[str, str]) -> str:
        """The key of the page that begins with row `start`."""
        bound = sorted((name, value) for name, value in query.items() if name != "pagination_key")
        mark = hashlib.sha256(f"{start}|{path}|{bound}".encode()).hexdigest()[:24]
        return f"{start:x}.{mark}"

    def _start(self, count: int, path: str, query: Mapping[str, str]) -> int:
        key = query.get("pagination_key", "")
        if not key:
            return 0
        try:
            start = int(key.split(".")[0], 16)
        except ValueError:
            raise BadKey(key) from None
        if not 0 <= start < count or key != self.key(start, path, query):
            raise BadKey(key)
        return start

    def _end(self, rows: Sequence[str], start: int) -> int:
        # Three bytes a character at most: what fits by that measure need not be looked at one by one.
        if 3 * sum(map(len, rows)) <= self._page_bytes:
            return len(rows)
        size, end = 0, start
        while end < len(rows):
            size += len(rows[end].encode()) + 1
            if size > self._page_bytes and end > start:
                break
            end += 1
        return end
