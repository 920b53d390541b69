"""Dates and instants are taken in one spelling each; everything else is none."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from moomarkets.domain import iso


def test_a_date_is_read_in_one_spelling() -> None:
    assert iso.day("2026-11-20") == date(2026, 11, 20)


@pytest.mark.parametrize(
    "text", ["20261120", "2026-W47-5", "2026-11-31", "2026-11-20T00:00", "", "today", 20261120, None]
)
def test_whatever_else_is_no_date(text: object) -> None:
    assert iso.day(text) is None


@pytest.mark.parametrize("text", ["2026-11-20T08:00Z", "2026-11-20T17:00:00+09:00", "2026-11-20 08:00:00.000Z"])
def test_an_instant_is_read_with_its_offset(text: str) -> None:
    assert iso.instant(text) == datetime(2026, 11, 20, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-11-20T08:00", "2026-11-20", "2026-11-20T25:00Z", "1763625600", 5, True, None])
def test_whatever_else_is_no_instant(text: object) -> None:
    assert iso.instant(text) is None
