"""Shows who is busiest: the servers of the tree as a table, the longest at one message first."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from actors.otp.process import ProcessInfo, ProcessState

_HEAD = ("path", "server", "state", "message", "busy s", "queued", "handled", "restarts")
_NUMBERS_FROM = 4
"""From this column on, numbers stand at the right."""


class TopView(Sequence[ProcessInfo]):
    """All servers at one moment: by how long they are at one message, then by what waits for them, then by work done.

    `zombies` are the places of servers that were killed while busy and whose threads have not come back yet.

    Example: `system.top()` in a console, or in a notebook
    """

    def __init__(self, infos: Sequence[ProcessInfo], zombies: Sequence[str] = (), most: int | None = None) -> None:
        self._all = list(infos)
        self._infos = sorted(infos, key=lambda info: (-info.busy_s, -info.queue, -info.handled))[:most]
        self.zombies = list(zombies)

    def __len__(self) -> int:
        return len(self._infos)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # one line or a slice of them
        return self._infos[index]

    @property
    def totals(self) -> dict[str, int]:
        """Over all servers, shown or not: how many, how many busy, messages queued and handled, restarts, zombies."""
        return {
            "servers": len(self._all),
            "busy": sum(info.state is ProcessState.BUSY for info in self._all),
            "queued": sum(info.queue for info in self._all),
            "handled": sum(info.handled for info in self._all),
            "restarts": sum(info.restarts for info in self._all),
            "zombies": len(self.zombies),
        }

    def __repr__(self) -> str:
        return "\n".join([self._totals_line(), *self._table()])

    def _repr_html_(self) -> str:
        """The table for a notebook."""
        head = "".join(f"<th>{name}</th>" for name in _HEAD)
        rows = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in _cells(info)) + "</tr>" for info in self
        )
        return f"<p>{html.escape(self._totals_line())}</p><table><tr>{head}</tr>{rows}</table>"

    def _totals_line(self) -> str:
        counts = ", ".join(f"{name} {count:,}" for name, count in self.totals.items() if name != "zombies")
        if not self.zombies:
            return counts
        return f"{counts}; killed, but their threads are still busy: {', '.join(self.zombies)}"

    def _table(self) -> Iterator[str]:
        rows = [_HEAD, *(_cells(info) for info in self._infos)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
        for row in rows:
            cells = [
                cell.ljust(width) if column < _NUMBERS_FROM else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ]
            yield "  ".join(cells).rstrip()


def _cells(info: ProcessInfo) -> tuple[str, ...]:
    busy = f"{info.busy_s:.1f}" if info.message else ""
    numbers = (f"{info.queue:,}", f"{info.handled:,}", str(info.restarts))
    return (info.path, info.server, str(info.state), info.message, busy, *numbers)
