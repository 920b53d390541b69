from __future__ import annotations

from dataclasses import replace

import pytest

from moomarkets.domain.dataset import Batch
from moomarkets.domain.datasets.equities import DAILY_BARS
from moomarkets.domain.errors import Reason, SourceError
from moomarkets.domain.job import Attempt, Failed, Succeeded
from moomarkets.domain.retry import GiveUp, Retry, RetryPolicy, after_failure
from tests.moomarkets.jobtypes.test_perform import House, bars, house

__all__ = ["house"]


class NoJitter:
    def uniform(self, a: float, b: float, /) -> float:
        return b


def attempt_at(house: House, day: str) -> Attempt:
    """The attempt at the bars of that day."""
    house.plan(house.request({"from": day, "to": day}))
    (attempt,) = house.claim()
    return attempt


@pytest.mark.parametrize(
    ("day", "number", "again_in_s"),
    [("2026-11-20", 1, 1800), ("2026-11-20", 2, 3600), ("2026-11-20", 5, 3600), ("2026-11-10", 1, None)],
)
def test_an_empty_trading_day_is_asked_for_again_later(
    day: str, number: int, again_in_s: float | None, house: House
) -> None:
    attempt = attempt_at(house, day)
    house.provider.answer = lambda request: Batch(DAILY_BARS, [])

    ending = house.do(replace(attempt, number=number))

    assert ending == Failed(
        Reason.PARTIAL, f"partial: expected rows of {day}, a trading day, got none", again_in_s=again_in_s
    )
    assert house.scene.one("SELECT count(*) FROM coverage")[0] == 0


def test_a_wait_that_is_asked_for_is_the_least_where_the_policy_lets_it_wait_at_all() -> None:
    policy, chance = RetryPolicy(max_retries=2, delay_s=60), NoJitter()

    assert after_failure(Reason.PARTIAL, 1, policy, chance, least_s=1800) == Retry(1800, is_charged=True)
    assert after_failure(Reason.PARTIAL, 1, policy, chance, least_s=5) == Retry(60, is_charged=True)
    assert after_failure(Reason.PARTIAL, 3, policy, chance, least_s=1800) == GiveUp(Reason.PARTIAL)


def test_one_strange_row_is_stored_and_on_record_until_its_day_comes_without_it(house: House) -> None:
    attempt = attempt_at(house, "2026-11-20")
    house.provider.answer = lambda request: replace(
        bars(request), rows=[(*row[:2], 9.0, *row[3:]) if row[0] == "13010" else row for row in bars(request).rows]
    )
    assert isinstance(house.do(attempt), Succeeded)
    found = house.scene.one("SELECT rule, row_key FROM findings")
    house.scene.execute("DELETE FROM coverage")
    house.provider.answer = bars

    assert isinstance(house.do(attempt_at(house, "2026-11-20")), Succeeded)

    assert (found.rule, found.row_key) == ("order", ["13010", "2026-11-20"])
    assert house.scene.one("SELECT count(*) FROM findings")[0] == 0


def test_rows_that_the_database_refuses_are_kept_too(house: House) -> None:
    attempt = attempt_at(house, "2026-11-20")
    row = bars({"date": "2026-11-20"}).rows[0]
    odd = [(*row[:6], "0\0", *row[7:])]
    house.provider.answer = lambda request: replace(bars(request), rows=odd, bodies=(b"raw",), pages=1)

    house.do(attempt)

    kept = house.scene.one("SELECT reason, detail, status, is_whole FROM quarantine")
    assert kept == ("malformed", "the database refused the rows: CharacterNotInRepertoire", "open", True)


def test_an_error_without_a_body_leaves_nothing_in_quarantine(house: House) -> None:
    attempt = attempt_at(house, "2026-11-20")

    def refuse(request: dict[str, str]) -> Batch:
        raise SourceError(Reason.MALFORMED, "cut off", source="jquants")

    house.provider.answer = refuse
    house.do(attempt)

    assert house.scene.one("SELECT count(*) FROM quarantine")[0] == 0
