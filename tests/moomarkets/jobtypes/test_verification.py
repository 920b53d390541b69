from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from datasources.jquants.endpoints import VALUATIONS_ENDPOINT
from moomarkets.domain.coverage import ALL, Covered
from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.job import Attempt, Succeeded
from moomarkets.jobtypes.daily_quotes import DailyQuotes
from moomarkets.jobtypes.dataset_upkeep import DatasetUpkeep
from moomarkets.jobtypes.job_type import PlanView
from moomarkets.store import doubts
from tests.moomarkets.jobtypes.test_perform import House, house
from tests.moomarkets.jobtypes.views import tokyo, view

__all__ = ["house"]
NOW = tokyo("2026-11-20")
DAYS = [date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 3), date(2026, 11, 20)]


def seen(*days_ago: float) -> PlanView:
    """These days are here, each fetched so many days ago, long after its publication."""
    return view(
        NOW, [Covered(ALL, day, day, NOW - timedelta(days=ago)) for day, ago in zip(DAYS, days_ago, strict=False)]
    )


def looked_at(given: PlanView, count: int = 2, **scope: object) -> list[str]:
    jobs = DatasetUpkeep("jquants", VALUATIONS_ENDPOINT).plan(given, {"newest": 1, "reverify": count, **scope})
    return [str(job.parameters["from"]) for job in jobs if job.parameters.get("verify")]


def test_the_days_that_were_seen_longest_ago_are_looked_at_again_as_many_as_the_scope_says() -> None:
    assert looked_at(seen(40, 70, 50, 0)) == ["2026-09-02", "2026-09-03"]
    assert looked_at(seen(40, 70, 50, 0), 1) == ["2026-09-02"]
    assert looked_at(seen(40, 70, 50, 0), 0) == []
    assert looked_at(seen(20, 20, 20, 0)) == []


def test_doubtful_days_come_first_and_sooner() -> None:
    given = replace(seen(40, 8, 70, 0), doubtful=frozenset({DAYS[1]}))

    assert looked_at(given) == ["2026-09-02", "2026-09-03"]
    assert looked_at(replace(seen(6, 6, 6, 0), doubtful=frozenset(DAYS))) == []


def test_what_was_fetched_right_after_its_publication_is_doubtful() -> None:
    early = [
        Covered(ALL, date(2026, 11, day), date(2026, 11, day), tokyo(f"2026-11-{day}", 17)) for day in (11, 12, 18)
    ]

    assert looked_at(view(NOW, early), 5) == ["2026-11-11", "2026-11-12"]


def test_what_is_missing_comes_first_and_only_readable_whole_days_are_looked_at() -> None:
    covered = [Covered(ALL, date(2026, 9, 1), date(2026, 9, 3), NOW - timedelta(days=60))]
    covered.append(Covered("72030", DAYS[0], DAYS[0], NOW - timedelta(days=90)))
    given = view(NOW, covered, first_on=date(2026, 9, 2))

    jobs = DatasetUpkeep("jquants", VALUATIONS_ENDPOINT).plan(given, {"newest": 1, "reverify": 9})

    assert [(job.parameters["from"], job.parameters.get("verify")) for job in jobs] == [
        ("2026-11-20", None), ("2026-09-02", True), ("2026-09-03", True),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [-1, 1001, "2", True, 1.0])
def test_another_count_is_refused(value: object) -> None:
    with pytest.raises(InvalidInput, match="scope reverify: expected a whole number from 0 to 1,000"):
        DailyQuotes().plan(view(NOW), {"reverify": value})


def first_then(house: House, again: Batch) -> Attempt:
    """A day that is here since August, and the attempt that looks at it again; `again` is what comes then."""
    house.plan(house.request({"from": "2026-08-03", "to": "2026-08-03"}))
    (attempt,) = house.claim()
    assert isinstance(house.do(attempt), Succeeded)
    house.scene.execute("UPDATE coverage SET fetched_at = '2026-08-04Z'")
    house.plan(house.request({"from": "2026-08-03", "to": "2026-08-03", "reverify": 1}))
    (attempt,) = house.claim()
    house.provider.answer = lambda request: again
    return attempt


def answer(*rows: tuple[str, float, float]) -> Batch:
    """Code, close and factor of each row."""
    day = date(2026, 8, 3)
    made = [(code, day, 1.0, 2.0, 0.5, close, "0", "0", 100.0, 150.0, factor, None) for code, close, factor in rows]
    return Batch(DAILY_BARS, list(made), bodies=(b"{}",))


def test_a_day_that_is_still_the_same_is_only_marked_as_seen(house: House) -> None:
    attempt = first_then(house, answer(("13010", 1.5, 1.0), ("72030", 1.5, 1.0)))

    house.do(attempt)

    marked = house.scene.one("SELECT verified_at = fetched_at AS is_seen, corrected_at FROM coverage")
    assert (marked.is_seen, marked.corrected_at) == (True, None)
    assert house.scene.one("SELECT count(*) FROM revisions")[0] == 0
    assert house.events.of("dataset.corrected") == []


def test_a_correction_is_a_revision_that_is_told_and_makes_the_days_around_it_doubtful(house: House) -> None:
    attempt = first_then(house, answer(("13010", 1.6, 1.0), ("72030", 1.5, 0.5)))

    house.do(attempt)

    (told,), (action,) = house.events.of("dataset.corrected"), house.events.of("corporate_action.corrected")
    assert (told.fields["rows"], told.fields["is_verification"]) == (2, True)
    assert action.fields["symbols"] == ["72030"]
    doubtful = house.scene.do(doubts.read, house.owner, "daily_bars", NOW)
    assert (min(doubtful), max(doubtful)) == (date(2026, 7, 29), date(2026, 8, 8))


def test_rows_that_do_not_come_again_stay_and_are_on_record(house: House) -> None:
    attempt = first_then(house, answer(("13010", 1.5, 1.0)))

    house.do(attempt)

    assert house.rows() == 2
    found = house.scene.one("SELECT rule, row_key FROM findings")
    assert (found.rule, found.row_key) == ("vanished", ["72030", "2026-08-03"])
