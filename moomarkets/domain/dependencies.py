"""Which pending runs may start: the rules between groups, as a pure function."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.group import Match, OnFailure, RunStatus


@dataclass(frozen=True, slots=True)
class Upstream:
    """An edge of a waiting run, with the run of the group `group` that counts; without one, `run_id` is None."""

    group: str
    match: Match = Match.LATEST
    on_failure: OnFailure = OnFailure.SKIP
    run_id: int | None = None
    status: RunStatus | None = None


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A pending run and all that decides whether it may start.

    `source` is None where the group asks no provider. `ahead` is the run of the same group that comes first, because
    it runs or is older; `held_by` is a paused group above this one.
    """

    run_id: int
    group: str
    is_paused: bool
    source: str | None
    source_is_enabled: bool
    credential_is_missing: bool
    upstream: Sequence[Upstream] = ()
    blocked_by: str | None = None
    source_is_paused: bool = False
    ahead: int | None = None
    ahead_is_running: bool = False
    held_by: str | None = None
    is_scheduler_enabled: bool = True
    credential_is_unreadable: bool = False
    credential_is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Admit:
    """The run may start now."""

    run_id: int


@dataclass(frozen=True, slots=True)
class Block:
    """The run has to wait; `blocked_by` says for what, in words for a person."""

    run_id: int
    blocked_by: str


@dataclass(frozen=True, slots=True)
class Skip:
    """The run ends without a start; `reason` says why, in words for a person."""

    run_id: int
    reason: str


Verdict = Admit | Block | Skip


def decide(waiting: Iterable[WaitingRun]) -> list[Verdict]:
    """What to do with each pending run; a `Block` is given only where its reason is new."""
    decisions: list[Verdict] = []
    for run in waiting:
        verdict = _judge(run)
        if not (isinstance(verdict, Block) and verdict.blocked_by == run.blocked_by):
            decisions.append(verdict)
    return decisions


def refuse_cycle(edges: Mapping[str, Iterable[str]], thing: str = "depends_on") -> None:
    """Raise `InvalidInput` with the path if the groups depend on each other in a circle; `edges` maps to upstream.

    `thing` names the field in the error: `depends_on`, or `parent` for the tree of groups.
    """
    expected = "groups that do not depend on themselves" if thing == "depends_on" else "a group that is not below it"
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
                raise InvalidInput(thing, expected, " -> ".join(circle))
            elif name not in done:
                path[name] = None
                stack.append((name, False))
                stack.extend((upstream, True) for upstream in edges.get(name, ()))


def _judge(run: WaitingRun) -> Verdict:
    obstacle = _obstacle(run)
    if obstacle is not None:
        return Block(run.run_id, obstacle)
    verdicts = [verdict for edge in run.upstream if (verdict := _judge_edge(run.run_id, edge)) is not None]
    # What has failed ends the wait for all the others.
    skips = [verdict for verdict in verdicts if isinstance(verdict, Skip)]
    return next(iter([*skips, *verdicts]), Admit(run.run_id))


def _obstacle(run: WaitingRun) -> str | None:
    """What keeps the run from its turn, whatever its group depends on."""
    if not run.is_scheduler_enabled:
        return "the whole is paused; let it go on with `moomarkets resume`"
    if run.is_paused:
        return "paused"
    if run.held_by is not None:
        return f"paused with the group {run.held_by} above it"
    if run.ahead is not None:
        return f"its run {run.ahead} {'is still under way' if run.ahead_is_running else 'comes first'}"
    if not run.source_is_enabled:
        return f"source {run.source} is disabled"
    if run.source_is_paused:
        return f"source {run.source} is paused"
    if run.credential_is_missing:
        return f"credentials: {run.source} has none; give one with `moomarkets credentials set {run.source}`"
    if run.credential_is_unreadable:
        return f"credentials: that of {run.source} does not open; put the key back (`moomarkets keys verify`)"
    if run.credential_is_refused:
        return (
            f"credentials: the provider refuses that of {run.source}; give another one with "
            f"`moomarkets credentials set {run.source}`"
        )
    return None


def _judge_edge(run_id: int, edge: Upstream) -> Verdict | None:
    """What the edge says; None where it lets the run go."""
    if edge.status is None:
        which = "its run of the same date" if edge.match is Match.SAME_DATE else "its newest run"
        return Block(run_id, f"group {edge.group}: {which} is still to come")
    if not edge.status.is_final:
        return Block(run_id, f"group {edge.group}: its run {edge.run_id} is {edge.status}")
    if edge.status is RunStatus.COMPLETED or edge.on_failure is OnFailure.RUN:
        return None
    if edge.on_failure is OnFailure.BLOCK:
        return Block(run_id, f"group {edge.group}: its run {edge.run_id} is {edge.status}")
    return Skip(run_id, f"dependency: group {edge.group}'s run {edge.run_id} {_became(edge.status)}")


def _became(status: RunStatus) -> str:
    return "failed" if status is RunStatus.FAILED else f"was {status}"
