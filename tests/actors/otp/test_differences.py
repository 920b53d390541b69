"""How much of a state has changed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors.otp.differences import compare, texts


@dataclass
class Box:
    content: object


class Live:
    pass


@pytest.mark.parametrize(
    ("before", "after", "changed", "difference"),
    [
        ({"n": 7}, {"n": 8}, ("n",), 1),
        ({"n": 7}, {"n": 7}, (), 0),
        ({}, {"n": 12}, ("n",), 2),
        ({"n": 12}, {}, ("n",), 2),
        ({"n": [1]}, {"n": [1, 2]}, ("n",), 3),
        ({"n": deque([Box(1)])}, {"n": deque([Box(23)])}, ("n",), 2),
        ({"n": {"a": 1}, "m": 1}, {"n": {"a": 2}, "m": 12}, ("n", "m"), 2),
        ({"n": {0, 8}}, {"n": {8, 0}}, (), 0),
        ({"n": Live()}, {"n": Live()}, (), 0),
    ],
)
def test_the_attributes_that_differ_are_told_and_by_how_much(
    before: dict[str, Any], after: dict[str, Any], changed: tuple[str, ...], difference: int
) -> None:
    assert compare(texts(before), texts(after)) == (changed, difference)


def test_a_change_in_place_is_seen() -> None:
    state = {"boxes": [Box([1])]}
    before = texts(state)

    state["boxes"][0].content.append(2)  # type: ignore[attr-defined]

    assert compare(before, texts(state)) == (("boxes",), 3)


@given(st.text(), st.text(max_size=5), st.text(max_size=5), st.text())
def test_what_both_begin_and_end_with_does_not_count(head: str, one: str, other: str, tail: str) -> None:
    changed, difference = compare({"a": head + one + tail}, {"a": head + other + tail})

    assert difference <= max(len(one), len(other))
    assert (difference == 0) == (one == other) == (not changed)
