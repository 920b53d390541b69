from __future__ import annotations

from datetime import UTC, date, datetime

from moomarkets.domain.listing import Listing, expected_of_codes

AT = datetime(2026, 11, 20, tzinfo=UTC)


def test_a_code_is_expected_only_on_days_on_which_it_may_have_been_listed() -> None:
    days = [date(2026, 11, day) for day in (17, 18, 19)]
    listings = {"130A0": Listing(from_on=date(2026, 11, 18)), "99990": Listing(to_on=date(2026, 11, 17))}

    expected = expected_of_codes(["130A0", "99990", "72030"], days, listings, lambda day: AT)

    found = [(one.key, one.from_on.day) for one in expected]
    assert found == [("130A0", 18), ("130A0", 19), ("99990", 17), ("72030", 17), ("72030", 18), ("72030", 19)]
