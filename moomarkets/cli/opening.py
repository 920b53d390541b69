"""Opens the installation that the options and settings of a command name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moomarkets.installation import Installation
    from moomarkets.settings import Settings

Given = dict[str, Any]
"""The options in front of a command, as `Settings.load` takes them."""


@contextmanager
def opened(given: Given) -> Iterator[Installation]:
    """The installation; an embedded server is started where none runs."""
    # Imported here: `--help` and completion must not pay for SQLAlchemy and pydantic.
    from moomarkets.domain.clock import SystemClock
    from moomarkets.installation import Installation
    from moomarkets.logs import LogEvents

    settings = load_settings(given)
    clock = SystemClock()
    with ExitStack() as undo:
        events = LogEvents(sys.stderr, clock, level="warning")
        yield Installation(settings, clock, events, undo, shares=True, learn=events.scrubber.learn)


def load_settings(given: Given) -> Settings:
    """The settings of all layers, with those options as the strongest."""
    from moomarkets.settings import Settings

    return Settings.load(**given)
