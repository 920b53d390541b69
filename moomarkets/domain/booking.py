"""What becomes of instants that are due: a run, a place in a run that waits, or a row that says why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap

ON_TIME = timedelta(seconds=60)
"""An instant that is found later than this was missed."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a group and its schedule say about instants that are due."""

    catch_up: CatchUp = field(default_factory=CatchUp)
    overlap: Overlap = Overlap.SKIP
    is_enabled: bool = True


@dataclass(frozen=True, slots=True)
class UnderWay:
    """The scheduled runs of the group that have not ended: the one that has started, and those that wait."""

    running: int | None = None
    waiting: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """The instant gets no run."""

    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Merge:
    """The instant is taken in by a run that has not started yet; `run_id` is None for the one booked just before."""

    due_at: datetime
    run_id: int | None


@dataclass(frozen=True, slots=True)
class Book:
    """The instant gets a run of its own; the run `supersedes` has to give way to it."""

    due_at: datetime
    supersedes: int | None = None


Entry = Skip | Merge | Book


def decide(
    due: Sequence[datetime], now: datetime, rules: Rules, under_way: UnderWay, take: int | None = None
) -> list[Entry]:
    """One entry for each of the first `take` instants of `due` (default: all), the oldest first.

    `due` may be longer than `take`: what comes later decides whether an instant is the newest.

    Example:
        >>> from datetime import UTC
        >>> noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
        >>> [type(entry).__name__ for entry in decide([noon], noon, Rules(), UnderWay())]
        ['Book']
    """
    wanted = due[:take]
    if not rules.is_enabled:
        return [Skip(at, "switched off") for at in wanted]
    missed = [at for at in due if now - at > ON_TIME]
    refused = _refused(missed, has_newer=len(due) > len(missed), now=now, catch_up=rules.catch_up)
    return list(_entries(wanted, refused, set(missed), rules, under_way))


def look_ahead(catch_up: CatchUp) -> int:
    """How many instants beyond those that it is to take `decide` has to see."""
    return catch_up.max_runs if catch_up.policy is CatchUpPolicy.ALL else 1


def _entries(
    due: Iterable[datetime], refused: dict[datetime, str], missed: set[datetime], rules: Rules, under_way: UnderWay
) -> Iterator[Entry]:
    is_each_wanted = rules.catch_up.policy is CatchUpPolicy.ALL
    running = under_way.running
    waiting: list[int | None] = [*under_way.waiting]
    for at in due:
        if at in refused:
            yield Skip(at, refused[at])
            continue
        makes_up = is_each_wanted and (at in missed or 0 < len(waiting) < rules.catch_up.max_runs)
        if waiting and not makes_up:
            yield Merge(at, waiting[-1])
        elif running is not None and rules.overlap is Overlap.SKIP and not makes_up:
            yield Skip(at, f"overlap: run {running} is still under way")
        else:
            gives_way = running if rules.overlap is Overlap.CANCEL_RUNNING and not makes_up else None
            yield Book(at, gives_way)
            waiting.append(None)


def _refused(missed: Sequence[datetime], *, has_newer: bool, now: datetime, catch_up: CatchUp) -> dict[datetime, str]:
    """Which of the missed instants get no run, and why."""
    if catch_up.policy is CatchUpPolicy.SKIP:
        return dict.fromkeys(missed, "catch-up: what was missed is skipped")
    if catch_up.policy is CatchUpPolicy.LATEST:
        older = missed if has_newer else missed[:-1]
        return dict.fromkeys(older, "catch-up: only the latest is run")
    begin = now - timedelta(seconds=catch_up.window_s)
    too_old = [at for at in missed if at < begin]
    surplus = missed[len(too_old) : max(len(missed) - catch_up.max_runs, len(too_old))]
    return {
        **dict.fromkeys(too_old, f"catch-up: older than {catch_up.window_s:g} s"),
        **dict.fromkeys(surplus, f"catch-up: only the newest {catch_up.max_runs} are run"),
    }
