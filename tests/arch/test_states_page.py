"""The page on states draws the moves that the table has, and all of them."""

from __future__ import annotations

from tests.arch.states_page import CHAPTER, PAGE, chapter


def test_the_page_draws_the_table_of_legal_moves() -> None:
    _, _, written = PAGE.read_text(encoding="utf-8").partition(CHAPTER)

    assert written == chapter(), (
        "expected the chapter as it is made; write it anew with `python -m tests.arch.states_page`"
    )
