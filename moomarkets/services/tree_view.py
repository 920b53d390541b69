"""Draws the supervision tree for a person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from actors.otp.process import ProcessInfo


class TreeView(Sequence[ProcessInfo]):
    """The tree at one moment: a sequence of lines as data, and a drawing when shown.

    Example: `system.tree()` in a console
    """

    def __init__(self, infos: Sequence[ProcessInfo]) -> None:
        self._infos = list(infos)

    def __len__(self) -> int:
        return len(self._infos)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]  # one line or a slice of them
        return self._infos[index]

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        paths = [info.path.split("/") for info in self._infos]
        for index, (info, path) in enumerate(zip(self._infos, paths, strict=True)):
            yield f"{_branch(paths, index)}{path[-1]:<{max(28 - 3 * (len(path) - 1), 1)}} {_facts(info)}"


def _branch(paths: list[list[str]], index: int) -> str:
    """The lines to the left of an entry: which of its ancestors have more children to come."""
    path = paths[index]
    if len(path) == 1:
        return ""
    marks = ["│  " if _has_sibling_after(paths, index, depth) else "   " for depth in range(1, len(path) - 1)]
    return "".join(marks) + ("├─ " if _has_sibling_after(paths, index, len(path) - 1) else "└─ ")


def _has_sibling_after(paths: list[list[str]], index: int, depth: int) -> bool:
    path = paths[index]
    return any(
        other[:depth] == path[:depth] and other[depth : depth + 1] != path[depth : depth + 1] and len(other) > depth
        for other in paths[index + 1 :]
    )


def _facts(info: ProcessInfo) -> str:
    facts = [info.server, str(info.state)]
    if info.message:
        facts.append(f"{info.message} for {info.busy_s:.1f} s")
    if info.queue:
        facts.append(f"{info.queue} queued")
    facts.append(f"{info.handled} handled")
    if info.restarts:
        facts.append(f"{info.restarts} restarts, last exit {info.last_exit}")
    return "  ".join(facts)
