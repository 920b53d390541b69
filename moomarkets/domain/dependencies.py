"""Which pending runs may start: the rules between groups, as a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import RunStatus


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A pending run and all that decides whether it may start.

    `upstream` gives, for each group that it depends on, the status of that group's newest run (None: it never ran).
    """

    run_id: int
    group: str
    is_paused: bool
    source: str
    source_is_enabled: bool
    credential_is_missing: bool
    upstream: Mapping[str, RunStatus | None]
    blocked_by: str | None = None


@dataclass(frozen=True, slots=True)
class Admit:
    """The run may start now."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Block:
    """The run has to wait; `blocked_by` says for what, in words for a person."""

    run_id: int
    blocked_by: str


def decide(waiting: Iterable[WaitingRun]) -> list[Admit | Block]:
    """What to do with each pending run; a `Block` is given only where its reason is new."""
    decisions: list[Admit | Block] = []
    for run in waiting:
        obstacle = _obstacle(run)
        if obstacle is None:
            decisions.append(Admit(run.run_id))
        elif obstacle != run.blocked_by:
            decisions.append(Block(run.run_id, obstacle))
    return decisions


def refuse_cycle(edges: Mapping[str, Iterable[str]]) -> None:
    """Raise `InvalidInput` with the path if the groups depend on each other in a circle; `edges` maps to upstream."""
    done: set[str] = set()
    for start in edges:
        path: dict[str, None] = {}
        stack: list[tuple[str, bool]] = [(start, True)]
        while stack:
            name, entering = stack.pop()
            if not entering:
                done.add(path.popitem()[0])
            elif name in path:
                names = list(path)
                circle = [*names[names.index(name) :], name]
                raise InvalidInput("depends_on", "groups that do not depend on themselves", " -> ".join(circle))
            elif name not in done:
                path[name] = None
                stack.append((name, False))
                stack.extend((upstream, True) for upstream in edges.get(name, ()))


def _obstacle(run: WaitingRun) -> str | None:
    if run.is_paused:
        return "paused"
    if not run.source_is_enabled:
        return f"source {run.source} is disabled"
    if run.credential_is_missing:
        return f"credentials: {run.source} has none; give one with `moomarkets credentials set {run.source}`"
    for group, status in run.upstream.items():
        if status is not RunStatus.COMPLETED:
            return f"group {group}: its newest run is {status or 'still to come'}"
    return None
