from __future__ import annotations

from datetime import date

import pytest

from moomarkets.domain.bulk import period_dates
from moomarkets.domain.errors import InvalidInput


def test_a_month_and_a_day_say_which_dates_they_hold() -> None:
    assert period_dates("2024-02") == (date(2024, 2, 1), date(2024, 2, 29))
    assert period_dates("2023-12") == (date(2023, 12, 1), date(2023, 12, 31))
    assert period_dates("2024-01-15") == (date(2024, 1, 15), date(2024, 1, 15))


@pytest.mark.parametrize("period", ["", "2024", "202401", "2024-13", "2024-1", "2024-02-30", "2024-01-", "0000-01"])
def test_anything_else_is_refused(period: str) -> None:
    with pytest.raises(InvalidInput, match="period: expected a month like 2024-01 or a day like 2024-01-15, got"):
        period_dates(period)
