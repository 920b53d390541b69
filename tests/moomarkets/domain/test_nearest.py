from __future__ import annotations

import pytest

from moomarkets.domain.nearest import did_you_mean

KEYS = ("cron", "timezone", "XTKS")


@pytest.mark.parametrize(
    ("word", "meant"), [("crom", "cron"), (" Timezone ", "timezone"), ("xtks", "XTKS"), ("time_zone", "timezone")]
)
def test_the_nearest_known_word_is_named(word: str, meant: str) -> None:
    assert did_you_mean(word, KEYS) == f" (did you mean {meant}?)"


@pytest.mark.parametrize("word", ["", "price", None, 5, "cron" * 100])
def test_nothing_is_guessed_where_nothing_is_near(word: object) -> None:
    assert did_you_mean(word, KEYS) == ""
