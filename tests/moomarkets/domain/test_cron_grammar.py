from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moomarkets.domain.cron_grammar import parse_cron
from moomarkets.domain.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0 17 * * 1-5", ((0,), (17,), None, None, (1, 2, 3, 4, 5))),
        ("*/20 9-11 1,15 JAN-mar mon,FRI", ((0, 20, 40), (9, 10, 11), (1, 15), (1, 2, 3), (1, 5))),
        ("5 0 * * 7", ((5,), (0,), None, None, (0,))),
        ("0 0 * * 5-7", ((0,), (0,), None, None, (0, 5, 6))),
        ("10-50/20 */6 1-31/10 2 *", ((10, 30, 50), (0, 6, 12, 18), (1, 11, 21, 31), (2,), None)),
        ("*/90 * * * *", ((0,), None, None, None, None)),
        (" 05  00\t* * * ", ((5,), (0,), None, None, None)),
        ("@Daily", ((0,), (0,), None, None, None)),
        ("@weekly", ((0,), (0,), None, None, (0,))),
        ("@annually", ((0,), (0,), (1,), (1,), None)),
    ],
)
def test_five_fields_names_lists_ranges_steps_and_aliases_are_read(
    text: str, values: tuple[tuple[int, ...] | None, ...]
) -> None:
    cron = parse_cron(text)

    fields = (cron.minute, cron.hour, cron.day, cron.month, cron.weekday)
    assert tuple(None if field.is_any else field.values for field in fields) == values


@pytest.mark.parametrize(
    ("text", "thing"),
    [
        ("* * * * * *", "cron"),
        ("0 0 * *", "cron"),
        ("0 0 * * * 2026 1", "cron"),
        ("", "cron"),
        ("@reboot", "cron"),
        ("R * * * *", "cron minute"),
        ("H * * * *", "cron minute"),
        ("? * * * *", "cron minute"),
        ("0 0 ? * *", "cron day of month"),
        ("0 0 15W * *", "cron day of month"),
        ("0 0 L * *", "cron day of month"),
        ("0 0 * * 5#3", "cron day of week"),
        ("5-1 * * * *", "cron minute"),
        ("0 22-2 * * *", "cron hour"),
        ("0 0 * * fri-mon", "cron day of week"),
        ("0 0 * * 8", "cron day of week"),
        ("60 * * * *", "cron minute"),
        ("0 24 * * *", "cron hour"),
        ("0 0 0 * *", "cron day of month"),
        ("0 0 * 13 *", "cron month"),
        ("0 0 * mon *", "cron month"),
        ("*/0 * * * *", "cron minute"),
        ("*/-1 * * * *", "cron minute"),
        ("*/ * * * *", "cron minute"),
        ("5/15 * * * *", "cron minute"),
        ("1, * * * *", "cron minute"),
        ("1--2 * * * *", "cron minute"),
        ("1-2-3 * * * *", "cron minute"),
        ("-1 * * * *", "cron minute"),
        ("+1 * * * *", "cron minute"),
        ("1.0 * * * *", "cron minute"),
        ("\uff15 * * * *", "cron"),
        ("\u0665 * * * *", "cron"),
        ("0 0 * * *\n", "cron"),
        ("0\u00a00 * * *", "cron"),
        ("0 0 * * *" + " " * 256, "cron"),
        ("0 0 30 2 *", "cron"),
        ("0 0 31 2,4,6,9,11 *", "cron"),
        (None, "cron"),
        (5, "cron"),
    ],
)
def test_everything_else_is_refused_naming_the_field(text: object, thing: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_cron(text)

    assert refusal.value.thing == thing
    assert "expected" in str(refusal.value)


@pytest.mark.parametrize("text", ["0 0 29 2 *", "0 0 31 * *", "0 0 30 2 1", "0 0 31 4,5 *"])
def test_rare_dates_are_not_taken_for_impossible_ones(text: str) -> None:
    assert parse_cron(text).plain


@pytest.mark.parametrize(
    ("text", "is_fixed"),
    [
        ("30 1 * * *", True),
        ("0 9-17 * * *", True),
        ("*/15 9 * * *", False),
        ("0 * * * *", False),
        ("@daily", True),
    ],
)
def test_an_entry_is_of_fixed_time_when_neither_minute_nor_hour_begins_with_a_star(text: str, is_fixed: bool) -> None:
    assert parse_cron(text).is_fixed_time is is_fixed


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        cron = parse_cron(text)
    except InvalidInput:
        return
    assert parse_cron(cron.plain).plain == cron.plain


@given(st.text(alphabet="0123456789*/,-@ LRHW?#monjan", max_size=30))
def test_any_text_out_of_cron_marks_is_read_or_refused(text: str) -> None:
    with suppress(InvalidInput):
        assert parse_cron(text).minute.values
