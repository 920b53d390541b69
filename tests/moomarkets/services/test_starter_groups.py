"""The starter groups: created for a fresh database only, and whole whoever else starts at the same time."""

from __future__ import annotations

from moomarkets.services.starter_groups import create_starter_groups, starter_groups
from moomarkets.system import System

DEFINITIONS = starter_groups(max_retries=3, retry_delay_s=300)


def test_a_fresh_database_gets_them_with_their_dependencies(system: System) -> None:
    names = [group["name"] for group in system.groups.list()]

    assert names == ["reference", "daily-bars", "yahoo-daily-bars"]
    assert create_starter_groups(system.groups, DEFINITIONS) == []


def test_the_us_symbols_wait_for_nobody_except_in_the_demo() -> None:
    chained = starter_groups(max_retries=3, retry_delay_s=300, is_chained=True)

    assert DEFINITIONS[2].depends_on == ()
    assert chained[2].depends_on == ("daily-bars",)
