"""Finds the server that a person means: by its place in the tree or by its registered name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from actors.otp.process import ProcessInfo
from moomarkets.domain.errors import InvalidInput, MoomarketsError, NotFound

_MOST_SHOWN = 12


class NoSuchActor(NotFound, AttributeError):  # type: ignore[misc]  # both have a `name`, and mean the same by it
    """Nobody has that place or name; says what was probably meant, and what there is.

    An `AttributeError` too, so that a prompt may ask a handle for a child that is not there.

    Example:
        >>> print(NoSuchActor("core/manger", "core/manager", "core", ["limiters", "manager"]))
        actor core/manger does not exist; did you mean core/manager? in core there are: limiters, manager
    """

    def __init__(self, wanted: str, meant: str, above: str, known: Sequence[str]) -> None:
        super().__init__("actor", wanted, known)
        self.meant, self.above = meant, above

    def __str__(self) -> str:
        guess = f"did you mean {self.meant}? " if self.meant else ""
        there = (
            f"in {self.above} there are: {_listed(self.known)}" if self.known else f"nothing is below {self.above} now"
        )
        return f"actor {self.args[1]} does not exist; {guess}{there}"


def find_actor(infos: Sequence[ProcessInfo], wanted: str) -> ProcessInfo:
    """The line that `wanted` means: `core/manager`, `root/core/manager`, the registered name `manager`; "" the root.

    Raises:
        NoSuchActor: there is none.
    """
    if not isinstance(wanted, str):
        raise InvalidInput("path", "a place in the tree such as core/manager, or a registered name", wanted)
    if not infos:
        raise MoomarketsError("actors: expected a tree that runs, got none; start the system first")
    place = wanted.strip("/")
    by_place = {info.path: info for info in infos}
    if not place:
        return infos[0]
    for path in (place, *(f"{head}/{place}" for head in heads(infos))):
        if path in by_place:
            return by_place[path]
    by_name = {info.name: info for info in infos if info.name}
    if place in by_name:
        return by_name[place]
    raise _nobody(infos, place)


def find_below(infos: Sequence[ProcessInfo], above: str, wanted: str) -> ProcessInfo:
    """The line that `wanted` means, seen from the place `above`; seen from a head, names count too.

    Raises:
        NoSuchActor: there is none.
    """
    if above in heads(infos):
        return find_actor(infos, wanted)
    return find_actor(infos, f"{above}/{wanted.strip('/')}")


def heads(infos: Sequence[ProcessInfo]) -> list[str]:
    """The paths of the servers that are below no other."""
    return [info.path for info in infos if "/" not in info.path]


def children_of(infos: Sequence[ProcessInfo], path: str) -> list[ProcessInfo]:
    """The lines right below `path`, in order of start."""
    return [info for info in infos if info.path.rpartition("/")[0] == path]


def _nobody(infos: Sequence[ProcessInfo], wanted: str) -> NoSuchActor:
    paths = {info.path for info in infos}
    place = next((wanted.removeprefix(f"{head}/") for head in heads(infos) if wanted.startswith(f"{head}/")), wanted)
    above = next((full for full in _lineage(infos, place) if full in paths), "the tree")
    ids = [_id(info.path) for info in (children_of(infos, above) if above in paths else infos)]
    meant = difflib.get_close_matches(place, choices := _choices(infos), 1)
    return NoSuchActor(place, choices[meant[0]] if meant else "", _relative(above), ids)


def _lineage(infos: Sequence[ProcessInfo], place: str) -> list[str]:
    """Where the nearest existing server above `place` may be, nearest first."""
    parts = place.split("/")
    above = ["/".join(parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    return [*(path for name in above for path in (name, *(f"{head}/{name}" for head in heads(infos)))), *heads(infos)]


def _choices(infos: Sequence[ProcessInfo]) -> dict[str, str]:
    """What one may type, with the place that it would mean."""
    places = {info.path: _relative(info.path) for info in infos}
    ids = {_id(path): place for path, place in places.items()}
    return {
        **ids,
        **{place: place for place in places.values()},
        **{info.name: info.name for info in infos if info.name},
    }


def _relative(path: str) -> str:
    """The place without the head of the tree, as one types it."""
    return path.partition("/")[2] or path


def _id(path: str) -> str:
    return path.rpartition("/")[2]


def _listed(ids: Sequence[str]) -> str:
    more = len(ids) - _MOST_SHOWN
    return ", ".join(ids) if more <= 0 else f"{', '.join(ids[:_MOST_SHOWN])} and {more} more"
