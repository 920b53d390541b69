from __future__ import annotations

from datetime import UTC, datetime

import pytest

from moomarkets.domain.errors import InvalidInput
from moomarkets.domain.schedule import Schedule
from moomarkets.domain.when import Spec, after_close, business_day_of_week, cron, every, trading_days

ANCHOR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (cron("30 16 * * 1-5", "Asia/Tokyo"), "at 16:30 on Monday to Friday, Asia/Tokyo"),
        (every(minutes=15), "every 15 minutes"),
        (every(days=1, hours=12, anchor=ANCHOR), "every 36 hours"),
        (after_close("XTKS", "16:30"), "at 16:30 on each trading day of XTKS, Asia/Tokyo"),
        (trading_days("XTKS", "12:00"), "at 12:00 on each trading day of XTKS, Asia/Tokyo"),
        (business_day_of_week(4, "16:30"), "at 16:30 on the 4th trading day of each week of XTKS, Asia/Tokyo"),
    ],
)
def test_what_people_write_is_the_map_of_a_schedule(spec: Spec, words: str) -> None:
    assert Schedule.from_json(spec).describe() == words


def test_nonsense_is_refused_where_it_is_written() -> None:
    with pytest.raises(InvalidInput, match="every_s: expected 1 s to 366 days"):
        every(seconds=-5)
    with pytest.raises(InvalidInput, match="after_close: expected a time from 15:30"):
        after_close("XTKS", "12:00")
