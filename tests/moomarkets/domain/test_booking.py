from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moomarkets.domain.booking import Book, Entry, Merge, Rules, Skip, UnderWay, decide, look_ahead
from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ALL_THREE = CatchUp(CatchUpPolicy.ALL, max_runs=3, window_s=10 * 3600)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def outcome(entries: list[Entry]) -> str:
    return " ".join(type(entry).__name__.lower() for entry in entries)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (CatchUp(CatchUpPolicy.SKIP), "skip skip skip skip skip"),
        (CatchUp(CatchUpPolicy.LATEST), "skip skip skip skip book"),
        (ALL_THREE, "skip skip book book book"),
        (CatchUp(CatchUpPolicy.ALL, max_runs=10, window_s=2.5 * 3600), "skip skip skip book book"),
    ],
)
def test_what_was_missed_is_caught_up_by_the_policy(policy: CatchUp, expected: str) -> None:
    due = [ago(hours) for hours in (5, 4, 3, 2, 1)]

    assert outcome(decide(due, NOW, Rules(policy), UnderWay())) == expected


def test_the_reason_of_each_skipped_instant_is_on_record() -> None:
    entries = decide([ago(12), ago(4), ago(3), ago(2), ago(1)], NOW, Rules(ALL_THREE), UnderWay())

    reasons = [entry.reason for entry in entries if isinstance(entry, Skip)]
    assert reasons == ["catch-up: older than 36000 s", "catch-up: only the newest 3 are run"]


def test_an_instant_on_time_is_the_latest_and_what_was_missed_before_it_is_skipped() -> None:
    assert outcome(decide([ago(2), ago(1), NOW], NOW, Rules(), UnderWay())) == "skip skip book"
    assert outcome(decide([ago(1), NOW], NOW, Rules(CatchUp(CatchUpPolicy.SKIP)), UnderWay())) == "skip book"


def test_an_instant_counts_as_missed_after_a_minute() -> None:
    never = Rules(CatchUp(CatchUpPolicy.SKIP))

    assert outcome(decide([NOW - timedelta(seconds=60)], NOW, never, UnderWay())) == "book"
    assert outcome(decide([NOW - timedelta(seconds=61)], NOW, never, UnderWay())) == "skip"


def test_a_group_that_is_switched_off_has_its_instants_on_record() -> None:
    entries = decide([ago(1), NOW], NOW, Rules(ALL_THREE, is_enabled=False), UnderWay(waiting=(1,)))

    assert entries == [Skip(ago(1), "switched off"), Skip(NOW, "switched off")]


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        (Overlap.SKIP, Skip(NOW, "overlap: run 7 is still under way")),
        (Overlap.QUEUE, Book(NOW)),
        (Overlap.CANCEL_RUNNING, Book(NOW, supersedes=7)),
    ],
)
def test_an_instant_during_a_scheduled_run_follows_the_overlap_policy(overlap: Overlap, expected: Entry) -> None:
    assert decide([NOW], NOW, Rules(overlap=overlap), UnderWay(running=7)) == [expected]


@pytest.mark.parametrize("overlap", list(Overlap))
def test_an_instant_is_merged_into_the_newest_run_that_waits(overlap: Overlap) -> None:
    under_way = UnderWay(running=7, waiting=(8, 9))

    assert decide([NOW], NOW, Rules(overlap=overlap), under_way) == [Merge(NOW, 9)]


def test_of_several_instants_at_once_the_first_gets_a_run_that_takes_in_the_others() -> None:
    due = [NOW - timedelta(seconds=seconds) for seconds in (2, 1, 0)]

    assert decide(due, NOW, Rules(), UnderWay()) == [Book(due[0]), Merge(due[1], None), Merge(due[2], None)]


def test_catching_up_on_all_gives_each_its_run_whatever_is_under_way() -> None:
    under_way = UnderWay(running=7, waiting=(8,))

    entries = decide([ago(2), ago(1), NOW], NOW, Rules(ALL_THREE, Overlap.CANCEL_RUNNING), under_way)

    assert entries == [Book(ago(2)), Book(ago(1)), Merge(NOW, None)]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    hours=st.lists(st.integers(0, 30), unique=True, max_size=30),
    policy=st.sampled_from(
        [CatchUp(CatchUpPolicy.SKIP), CatchUp(CatchUpPolicy.LATEST), ALL_THREE, CatchUp(CatchUpPolicy.ALL, 1, 3600)]
    ),
    take=st.integers(1, 7),
)
def test_pieces_of_a_long_list_end_as_the_whole_would(hours: list[int], policy: CatchUp, take: int) -> None:
    due = sorted(ago(hour) for hour in hours)
    rules = Rules(policy)
    pieces: list[Entry] = []

    for start in range(0, len(due), take):
        seen = due[start : start + take + look_ahead(policy)]
        pieces += decide(seen, NOW, rules, UnderWay(), take)

    skipped = [entry for entry in decide(due, NOW, rules, UnderWay()) if isinstance(entry, Skip)]
    assert [entry for entry in pieces if isinstance(entry, Skip)] == skipped
    assert [entry.due_at for entry in pieces] == due
