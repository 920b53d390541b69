"""Events that a test can look at and wait for."""

from __future__ import annotations

import threading


class Recorder:
    """Keeps every event."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._seen: list[tuple[str, dict[str, object]]] = []

    def emit(self, name: str, /, **fields: object) -> None:
        with self._changed:
            self._seen.append((name, fields))
            self._changed.notify_all()

    def all(self, name: str, **fields: object) -> list[dict[str, object]]:
        """The fields of each event of that name that has these fields."""
        with self._changed:
            return self._matching(name, fields)

    def names(self) -> set[str]:
        """The names of all events so far."""
        with self._changed:
            return {name for name, _ in self._seen}

    def wait_for(self, name: str, count: int = 1, **fields: object) -> list[dict[str, object]]:
        """Wait until there are `count` such events."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self._matching(name, fields)) >= count, timeout=5), name
            return self._matching(name, fields)

    def _matching(self, name: str, fields: dict[str, object]) -> list[dict[str, object]]:
        return [seen for known, seen in self._seen if known == name and fields.items() <= seen.items()]
