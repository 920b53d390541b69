"""Faults on order: what they do to an answer, whatever its fields are."""

from __future__ import annotations

import json
from typing import Any

import pytest

from datasources.simulators.faults import Answer, Fault, spoil_answer, spoil_rows

CLOSE = {"Date": "2026-11-13", "Code": "99010", "O": 1.0, "C": 2.5}
MARGIN = {"Date": "2026-11-13", "Code": "99010", "ShrtVol": 100.0, "LongVol": 200.0}
TEXTS = {"DiscDate": "2026-11-13", "Code": "99010", "Sales": "100"}


@pytest.mark.parametrize(("row", "field"), [(CLOSE, "C"), (MARGIN, "ShrtVol"), (TEXTS, "Sales")])
@pytest.mark.parametrize(
    ("kind", "value"), [("null_number", None), ("empty_string", ""), ("text_number", "n/a"), ("overflow_number", 1e999)]
)
def test_a_number_is_spoilt_in_rows_of_any_data_set(row: dict[str, Any], field: str, kind: str, value: object) -> None:
    (spoilt,) = spoil_rows([dict(row)], [Fault(kind)])

    assert spoilt == {**row, field: value}


def test_a_number_becomes_its_text() -> None:
    assert spoil_rows([dict(CLOSE)], [Fault("numeric_string")])[0]["C"] == "2.5"


def test_an_empty_page_has_nothing_to_spoil() -> None:
    assert spoil_rows([], [Fault("null_number"), Fault("duplicate_row")]) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [(413, "too large"), (429, "Too Many Requests"), (500, "Unexpected error"), (503, "Unexpected")],
)
def test_a_status_has_the_words_of_the_service(status: int, words: str) -> None:
    answer = spoil_answer(Answer(200, b"{}"), [Fault("status", status=status, headers={"Retry-After": "7"})])

    assert (answer.status, words in json.loads(answer.body)["message"]) == (status, True)
    assert answer.headers == {"Retry-After": "7"}


def test_garbage_is_no_text() -> None:
    answer = spoil_answer(Answer(200, b"{}"), [Fault("garbage")])

    with pytest.raises(UnicodeDecodeError):
        answer.body.decode()


def test_a_flood_is_as_big_as_it_is_told() -> None:
    assert len(spoil_answer(Answer(200, b"{}"), [Fault("flood", size=200_000_000)]).body) > 200_000_000


@pytest.mark.parametrize(("name", "value"), [("times", 0), ("times", "x"), ("status", None), ("size", -1)])
def test_a_number_that_makes_no_sense_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name}: expected a whole number above 0, got {value!r}"):
        Fault("status", **{name: value})
