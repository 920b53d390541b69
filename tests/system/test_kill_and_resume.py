"""kill -9 at any moment: the same end state, nothing stored is asked for again, no limit is broken."""

from __future__ import annotations

import re

from sqlalchemy import text

from moomarkets.domain.limits import Window
from tests.support.supervisor import Playground

DAYS = 20
# A killed request counts until its deadline: a short one, for the next process has to wait for it.
SLOW = {"MOOMARKETS_SOURCES__JQUANTS__LIMITS": "[[4, 1]]", "MOOMARKETS_REQUEST_DEADLINE_S": "2"}
SOME_DAYS = re.compile(r"daily-bars: running, [1-9]\d*/")


def test_a_killed_demo_goes_on_where_it_was_and_asks_for_nothing_that_is_stored(ground: Playground) -> None:
    for _ in range(2):
        victim = ground.start("--demo", "--once", **SLOW)
        victim.wait_for_line(SOME_DAYS)
        victim.kill()
        stored, asked = _stored_days(ground), len(_asked_days(ground))
        assert stored, "expected the kill to come after the first day was stored"

        next_run = ground.start("--demo", "--once", **SLOW)
        next_run.wait_for_line(SOME_DAYS)
        next_run.kill()

        assert not stored & set(_asked_days(ground)[asked:])


def test_after_kills_the_end_state_is_that_of_an_undisturbed_run(ground: Playground) -> None:
    victim = ground.start("--demo", "--once")
    victim.wait_for_line("daily-bars: running, ")
    victim.kill()

    survivor = ground.start("--demo", "--once")

    assert survivor.wait() == 0, survivor.errors
    with ground.installation() as installation, installation.reads.transaction() as connection:
        days = connection.execute(text("SELECT on_date, count(*) FROM daily_bars GROUP BY on_date")).all()
        twice = connection.execute(text("SELECT count(*) FROM executions WHERE status = 'running'")).scalar()
        groups = connection.execute(text("SELECT name, run_status FROM v_groups ORDER BY id")).all()
    assert len(days) == DAYS
    assert len({count for _, count in days}) == 1
    assert twice == 0
    assert {status for _, status in groups} == {"completed"}


def test_no_window_of_the_provider_overflows_over_kills(ground: Playground) -> None:
    for _ in range(2):
        victim = ground.start("--demo", "--once", **SLOW)
        victim.wait_for_line(SOME_DAYS)
        victim.kill()

    assert ground.start("--demo", "--once", **SLOW).wait() == 0

    arrivals = [entry.at_s for entry in ground.jquants.ledger.entries()]
    assert _most_in(arrivals, Window(4, 1)) <= 4


def _stored_days(ground: Playground) -> set[str]:
    with ground.installation() as installation, installation.reads.transaction() as connection:
        rows = connection.execute(text("SELECT from_on FROM coverage WHERE dataset = 'daily_bars'")).scalars()
        return {day.isoformat() for day in rows}


def _asked_days(ground: Playground) -> list[str]:
    targets = (entry.target for entry in ground.jquants.ledger.entries())
    return [found[1] for target in targets if (found := re.search(r"bars/daily\?date=([\d-]+)", target))]


def _most_in(arrivals: list[float], window: Window) -> int:
    """The largest number of arrivals in any stretch of the window's length."""
    return max(sum(1 for later in arrivals if start <= later < start + window.seconds) for start in arrivals)
