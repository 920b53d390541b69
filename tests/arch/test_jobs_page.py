"""The page on jobs says what the code does."""

from __future__ import annotations

from moomarkets.domain.errors import Reason
from moomarkets.domain.retry import RULES
from tests.arch.jobs_page import BEGIN, END, PAGE, table


def test_the_policy_on_the_page_is_that_of_the_code() -> None:
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]

    assert written == table(), "write it anew with `python -m tests.arch.jobs_page`"


def test_every_reason_has_a_rule() -> None:
    assert set(RULES) == set(Reason)
