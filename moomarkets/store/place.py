"""Where the database is: an embedded server of ours, one that another process of ours runs, or a given one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from moomarkets.domain.clock import Clock
from moomarkets.domain.events import Events
from moomarkets.store.embedded.server import EmbeddedServer


@dataclass(frozen=True, slots=True)
class StorePlace:
    """The addresses of one database, and the embedded server behind it where there is one.

    `owner_url` is for migrations, `app_url` for everything else; both hold passwords.
    """

    app_url: str
    owner_url: str
    server: EmbeddedServer | None = None

    def __repr__(self) -> str:
        return f"<StorePlace {'embedded' if self.server else 'given by URL'}>"

    def close(self) -> None:
        """Stop the embedded server, if it is ours."""
        if self.server is not None:
            self.server.stop()


def open_place(url: str | None, data_dir: Path, clock: Clock, events: Events, *, shares: bool = False) -> StorePlace:
    """The database at `url`, or the embedded one in `data_dir`, started.

    With `shares`, an embedded server that another process of this account already runs is used as it is; without, that
    is refused: one supervisor per data directory.

    Raises:
        EmbeddedServerError: the embedded server cannot run here, or belongs to another supervisor.
    """
    if url is not None:
        return StorePlace(url, url)
    server = EmbeddedServer.attach(data_dir, clock=clock, events=events) if shares and data_dir.is_dir() else None
    if server is None:
        server = EmbeddedServer(data_dir, clock=clock, events=events)
        server.start()
    return StorePlace(server.dsn("app"), server.dsn("owner"), server)
