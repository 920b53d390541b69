"""`moomarkets fill` by itself and beside a supervisor: killed half-way, taken up again, done, and refused in order."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import ExitStack

from sqlalchemy import text

from moomarkets.domain.clock import SystemClock
from moomarkets.domain.events import NoEvents
from moomarkets.installation import Installation
from moomarkets.settings import Settings
from tests.support.supervisor import Playground, SupervisorProcess

COMMAND = ("-m", "moomarkets.cli")
AUGUST = ("daily_bars", "--from", "2026-08-03", "--to", "2026-08-31", "--way", "date")
DAYS = 20
# Bursts with quiet between them; a killed request counts until its deadline: a short one, for the next has to wait.
SLOW = {"MOOMARKETS_SOURCES__JQUANTS__LIMITS": "[[4, 2]]", "MOOMARKETS_REQUEST_DEADLINE_S": "2"}


def fill(ground: Playground, *arguments: str, **env: str) -> SupervisorProcess:
    return ground.run("fill", *arguments, env={**SLOW, **env}, program=COMMAND)


def test_a_killed_fill_is_taken_up_by_the_next_one_and_nothing_that_is_here_is_asked_for_again(
    ground: Playground,
) -> None:
    victim = fill(ground, *AUGUST)
    victim.wait_for_line(re.compile(r"daily_bars: [4-9]/20 jobs"))
    victim.kill()
    stored, asked = _stored(ground), len(_asked(ground))

    second = fill(ground, *AUGUST)

    assert second.wait() == 0, second.errors
    assert "nothing is missing" in second.output[-1]
    assert 4 <= len(stored) < DAYS
    assert not stored & set(_asked(ground)[asked:])
    assert len(_stored(ground)) == DAYS


def test_a_fill_asks_for_each_day_once_and_a_second_one_for_none(ground: Playground) -> None:
    first, asked = fill(ground, *AUGUST), Counter[str]()
    assert first.wait() == 0, first.errors
    asked.update(_asked(ground))

    second = fill(ground, *AUGUST)

    assert second.wait() == 0
    assert [line.strip() for line in second.output] == ["nothing is missing"]
    assert set(asked.values()) == {1}
    assert len(_asked(ground)) == len(asked) == DAYS


def test_with_json_the_end_is_one_document_and_the_progress_goes_elsewhere(ground: Playground) -> None:
    filled = fill(ground, *AUGUST, "--json", MOOMARKETS_SOURCES__JQUANTS__LIMITS="[[100, 1]]")
    assert filled.wait() == 0, filled.errors

    told = json.loads("\n".join(filled.output))

    (one,) = told["fills"]
    assert (told["missing"], one["dataset"]) == (0, "daily_bars")
    assert (one["done"], one["failed"], one["requests"]) == (DAYS, 0, DAYS)


def test_beside_a_supervisor_it_follows_and_an_interrupt_leaves_it_running(ground: Playground) -> None:
    supervisor = ground.start(**SLOW)
    supervisor.wait_ready()

    watcher = ground.run("fill", *AUGUST, env=SLOW, program=COMMAND, leads_group=True)
    watcher.wait_for_line(re.compile(r"daily_bars: [1-9]\d*/20 jobs"))
    watcher.press_ctrl_c()

    assert watcher.wait() == 1
    assert "the supervisor goes on with it" in watcher.output[-1]
    again = fill(ground, *AUGUST)
    assert again.wait() == 0, again.errors
    assert set(Counter(_asked(ground)).values()) == {1}


def test_a_dry_run_sends_nothing_and_a_wrong_date_is_one_sentence(ground: Playground) -> None:
    dry, wrong = fill(ground, *AUGUST, "--dry-run"), fill(ground, "daily_bars", "--from", "2024-02-30")

    assert (dry.wait(), wrong.wait()) == (0, 2)
    assert any("20" in line and "*" in line for line in dry.output)
    assert "expected a date such as 2026-11-20, got '2024-02-30'" in wrong.errors
    assert ground.jquants.ledger.entries() == []


def test_without_a_key_it_ends_with_5(ground: Playground) -> None:
    del ground.env["MOOMARKETS_SOURCES__JQUANTS__API_KEY"]

    told = fill(ground, *AUGUST)

    assert told.wait() == 5
    assert "moomarkets credentials set jquants" in told.errors


def _stored(ground: Playground) -> set[str]:
    settings = Settings(data_dir=ground.data_dir)
    with ExitStack() as undo:
        installation = Installation(settings, SystemClock(), NoEvents(), undo, shares=True)
        connection = undo.enter_context(installation.reads.transaction())
        rows = connection.execute(text("SELECT from_on FROM coverage WHERE dataset = 'daily_bars'")).scalars()
        return {day.isoformat() for day in rows if day.month == 8}


def _asked(ground: Playground) -> list[str]:
    targets = (entry.target for entry in ground.jquants.ledger.entries())
    return [found[1] for target in targets if (found := re.search(r"bars/daily\?date=(2026-08-\d\d)", target))]
