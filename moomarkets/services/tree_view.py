"""Draws the supervision tree, or a part of it, for a person."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence

from actors.otp.process import ProcessInfo


class TreeView(Sequence[ProcessInfo]):
    """The tree, or one server with all below it, at one moment: lines as data, a drawing when shown.

    Example: `system.tree()` in a console, or in a notebook
    """

    def __init__(self, infos: Sequence[ProcessInfo]) -> None:
        self._infos = list(infos)

    def __len__(self) -> int:
        return len(self._infos)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # one line or a slice of them
        return self._infos[index]

    def __repr__(self) -> str:
        return "\n".join(self._lines()) or "(no server)"

    def _repr_html_(self) -> str:
        """The drawing for a notebook."""
        return f"<pre>{html.escape(repr(self))}</pre>"

    def _lines(self) -> Iterator[str]:
        # What is shown hangs somewhere in the whole: its heads tell where.
        above = self._infos[0].path.rpartition("/")[0] if self._infos else ""
        paths = [tuple(info.path.removeprefix(f"{above}/").split("/")) for info in self._infos]
        last = {path[:depth]: path[depth] for path in paths for depth in range(1, len(path))}
        for info, path in zip(self._infos, paths, strict=True):
            label = info.path if len(path) == 1 else path[-1]
            yield f"{_branch(path, last)}{label:<{max(28 - 3 * (len(path) - 1), 1)}} {facts(info)}"


def facts(info: ProcessInfo) -> str:
    """What a server is at, in one line."""
    facts = [info.server, str(info.state)]
    if info.message:
        facts.append(f"{info.message} for {info.busy_s:.1f} s")
    if info.queue:
        facts.append(f"{info.queue} queued")
    facts.append(f"{info.handled} handled")
    if info.restarts:
        facts.append(f"{info.restarts} restart{'' if info.restarts == 1 else 's'}, last exit {info.last_exit}")
    return "  ".join(facts)


def _branch(path: tuple[str, ...], last: Mapping[tuple[str, ...], str]) -> str:
    """The lines to the left of an entry: which of its ancestors have more children to come."""
    if len(path) == 1:
        return ""
    ends = [last[path[:depth]] == path[depth] for depth in range(1, len(path))]
    return "".join("   " if is_last else "│  " for is_last in ends[:-1]) + ("└─ " if ends[-1] else "├─ ")
