"""The main thread of the supervisor hears what ends its work, however much else it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from moomarkets.supervisor import Wakes


@pytest.fixture
def wakes() -> Iterator[Wakes]:
    with closing(Wakes()) as wakes:
        yield wakes


def test_the_end_of_the_tree_is_heard_behind_any_number_of_changes(wakes: Wakes) -> None:
    for _ in range(2000):
        wakes.wake()

    wakes.end()
    wakes.wait(5)

    assert wakes.is_ended


def test_who_is_told_of_a_change_waits_no_longer(wakes: Wakes) -> None:
    wakes.wake()

    wakes.wait(None)

    assert not wakes.is_ended
