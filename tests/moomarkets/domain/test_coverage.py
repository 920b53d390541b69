from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from moomarkets.domain.coverage import ALL, Covered, Expected, missing

FRIDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 24)
PUBLISHED = datetime(2026, 11, 20, 8, tzinfo=UTC)


def want(key: str = ALL, first: date = FRIDAY, last: date = FRIDAY) -> Expected:
    return Expected(key, first, last, PUBLISHED)


def have(key: str = ALL, first: date = FRIDAY, last: date = FRIDAY, at: datetime = PUBLISHED) -> Covered:
    return Covered(key, first, last, at)


def test_a_partition_is_missing_until_it_was_fetched_after_its_publication() -> None:
    assert missing([want()], []) == [want()]
    assert missing([want()], [have(at=PUBLISHED - timedelta(seconds=1))]) == [want()]
    assert missing([want()], [have()]) == []


def test_a_wider_fetch_covers_a_narrower_want_and_not_the_other_way_round() -> None:
    wide = (date(2026, 11, 2), TUESDAY)

    assert missing([want()], [have(ALL, *wide)]) == []
    assert missing([want(ALL, *wide)], [have()]) == [want(ALL, *wide)]


def test_another_key_covers_nothing() -> None:
    assert missing([want("AAPL"), want("MSFT")], [have("MSFT")]) == [want("AAPL")]


def test_what_is_missing_comes_in_the_order_in_which_it_was_wanted() -> None:
    days = [date(2026, 11, day) for day in (20, 19, 18, 17)]

    gaps = missing([want(ALL, day, day) for day in days], [have(ALL, days[1], days[1])])

    assert [gap.from_on for gap in gaps] == [days[0], days[2], days[3]]


def test_parts_that_touch_cover_a_range_together_and_a_hole_between_them_does_not() -> None:
    week = (date(2026, 11, 16), FRIDAY)
    early, late = have(ALL, week[0], date(2026, 11, 17)), have(ALL, date(2026, 11, 18), FRIDAY)

    assert missing([want(ALL, *week)], [late, early]) == []
    assert missing([want(ALL, *week)], [have(ALL, date(2026, 11, 19), FRIDAY), early]) == [want(ALL, *week)]
    stale = have(ALL, date(2026, 11, 18), FRIDAY, at=PUBLISHED - timedelta(hours=1))
    assert missing([want(ALL, *week)], [early, stale]) == [want(ALL, *week)]
