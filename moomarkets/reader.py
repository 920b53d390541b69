"""Opens the data of an installation for a script or notebook, beside a running supervisor or without one."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import Self

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.installation import Installation
from moomarkets.services.data import Data
from moomarkets.settings import Settings
from moomarkets.store.reading import Reader


class OpenData(Data):
    """The data of one installation, to be closed; a `with` block does that."""

    def __init__(self, settings: Settings) -> None:
        """Reach the database; an embedded server is started where none runs, and stopped by `close` then."""
        with ExitStack() as undo:
            installation = Installation(settings, SystemClock(), NoEvents(), undo, shares=True)
            super().__init__(installation.reads, Reader(installation.place.app_url), installation.account.id)
            self._undo = undo.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; harmless to repeat."""
        self._undo.close()


def open_data(settings: Settings | None = None) -> OpenData:
    """The stored data of the installation that `settings` name, by default those of files and environment.

    Raises:
        SettingsError: the settings do not fit together.
        StoreError: the database cannot be started, reached or migrated.

    Example:
        ```python
        import moomarkets

        with moomarkets.open_data() as data:
            bars = data("daily_bars", code="7203", start="2026-01-05", adjusted=True)
        ```
    """
    return OpenData(settings or Settings.load())
