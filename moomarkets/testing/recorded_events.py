"""Events kept in memory, so that a test can wait for one and look at what was reported."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from moomarkets.domain.events import NAMES


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """One event: its name and fields."""

    name: str
    fields: Mapping[str, object]


class RecordedEvents:
    """An `Events` that keeps everything, for tests. Thread-safe.

    Example:
        >>> events = RecordedEvents()
        >>> events.emit("child.started", child="web")
        >>> events.wait_for("child.started", child="web").fields
        {'child': 'web'}
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._all: list[RecordedEvent] = []

    def emit(self, name: str, /, **fields: object) -> None:
        with self._changed:
            self._all.append(RecordedEvent(name, fields))
            self._changed.notify_all()

    @property
    def all(self) -> list[RecordedEvent]:
        """Everything so far, in the order of arrival."""
        with self._changed:
            return list(self._all)

    @property
    def names(self) -> list[str]:
        """The names so far, in the order of arrival."""
        return [event.name for event in self.all]

    @property
    def unlisted(self) -> set[str]:
        """Names that were emitted but are not in the product's list of events; should be empty."""
        return set(self.names) - NAMES

    def of(self, name: str, /, **fields: object) -> list[RecordedEvent]:
        """The events of that name that carry at least these fields."""
        return [event for event in self.all if _matches(event, name, fields)]

    def wait_for(self, name: str, /, *, times: int = 1, timeout_s: float = 10, **fields: object) -> RecordedEvent:
        """The `times`-th such event, awaited for up to `timeout_s` real seconds, then AssertionError."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.of(name, **fields)) >= times, timeout_s)
            found = self.of(name, **fields)
            if len(found) < times:
                raise AssertionError(f"{name} {fields}: expected {times}, got {len(found)} among {self.names}")
            return found[times - 1]


def _matches(event: RecordedEvent, name: str, fields: Mapping[str, object]) -> bool:
    return event.name == name and all(event.fields.get(key) == value for key, value in fields.items())
