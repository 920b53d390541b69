"""Failpoints: what a specification means, when one acts, and that every one has its place in the code."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys

import pytest

from moomarkets.domain import failpoints
from moomarkets.domain.errors import SettingsError, StoreUnavailable
from moomarkets.domain.failpoints import PLACES, Action, Failpoint, parse
from moomarkets.testing.failpoints import NAMES, armed
from moomarkets.testing.recorded_events import RecordedEvents
from tests.arch.modules import product


def test_a_specification_names_points_actions_passes_and_chances() -> None:
    points = parse(
        "claimed=kill@3, request_sent=sleep:0.5%0.1,rows_written=raise:StoreUnavailable,drain_started=exit:7"
    )

    assert points == (
        Failpoint("claimed", Action.KILL, nth=3),
        Failpoint("request_sent", Action.SLEEP, 0.5, chance=0.1),
        Failpoint("rows_written", Action.RAISE, StoreUnavailable),
        Failpoint("drain_started", Action.EXIT, 7),
    )
    assert parse("") == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("claimd=kill", "(did you mean claimed?), got 'claimd'"),
        ("claimed", "expected name=action[@n][%p]"),
        ("claimed=explode", "expected name=action[@n][%p]"),
        ("claimed=kill@0", "expected name=action[@n][%p]"),
        ("claimed=kill:1", "expected kill without an argument"),
        ("claimed=exit:256", "expected an exit code from 0 to 255"),
        ("claimed=sleep", "expected seconds from 0 to a day"),
        ("claimed=sleep:nan", "expected seconds from 0 to a day"),
        ("claimed=kill%1.5", "expected a probability from 0 to 1"),
        ("claimed=raise:open", "expected raise: with the name of an error"),
        ("claimed=raise:UnicodeDecodeError", "expected an error that takes one text"),
        ("claimed=kill,claimed=freeze", "expected each name once, got claimed twice"),
    ],
)
def test_a_specification_that_makes_no_sense_is_refused_with_what_is_known(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse(f"permit_done=freeze,{text}")

    assert len(refused.value.faults) == 1
    assert refused.value.faults[0].startswith("MOOMARKETS_FAILPOINTS: ")
    assert words in refused.value.faults[0]


def test_a_failpoint_acts_at_its_pass_only_and_at_every_one_where_none_is_named() -> None:
    second, each = Failpoint("claimed", Action.KILL, nth=2), Failpoint("claimed", Action.KILL)

    assert [second.acts(number, seed=1) for number in (1, 2, 3)] == [False, True, False]
    assert all(each.acts(number, seed=1) for number in range(1, 100))


def test_a_chance_is_kept_on_average_and_is_the_same_for_the_same_seed() -> None:
    point = Failpoint("claimed", Action.KILL, chance=0.1)

    acted = [[point.acts(number, seed) for number in range(10_000)] for seed in (1, 1, 2)]

    assert acted[0] == acted[1] != acted[2]
    assert 900 < sum(acted[0]) < 1100
    assert not any(Failpoint("claimed", Action.KILL, chance=0).acts(number, 1) for number in range(100))


def test_an_armed_failpoint_raises_its_error_and_the_others_pass() -> None:
    with armed("claimed=raise:StoreUnavailable@2"):
        failpoints.hit("claimed")
        failpoints.hit("rows_written")
        with pytest.raises(StoreUnavailable, match="failpoint claimed"):
            failpoints.hit("claimed")

    failpoints.hit("claimed")


def test_arming_is_told_loudly_and_arming_nothing_is_not_told() -> None:
    events = RecordedEvents()

    failpoints.arm("", events, seed=1)
    failpoints.arm("claimed=sleep:0", events, seed=1)
    failpoints.arm("", events, seed=1)

    assert events.names == ["failpoints.armed"]


PROGRAM = """
from moomarkets.domain import failpoints
from moomarkets.domain.events import NoEvents

failpoints.arm("claimed={action}", NoEvents(), seed=0)
failpoints.hit("claimed")
"""


@pytest.mark.parametrize(("action", "code"), [("kill", -signal.SIGKILL), ("exit:7", 7)])
def test_a_failpoint_ends_its_process_at_once(action: str, code: int) -> None:
    assert subprocess.run([sys.executable, "-c", PROGRAM.format(action=action)], check=False).returncode == code


def test_a_frozen_process_stands_still_until_it_is_told_to_go_on() -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM.format(action="freeze")])

    _, status = os.waitpid(process.pid, os.WUNTRACED)
    process.send_signal(signal.SIGCONT)

    assert os.WIFSTOPPED(status)
    assert process.wait() == 0


def test_every_failpoint_stands_in_the_code_and_no_other_one_does() -> None:
    passed = {
        node.args[0].value
        for module in product()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "failpoints.hit"
        and isinstance(node.args[0], ast.Constant)
    }

    assert passed == set(PLACES) == set(NAMES)
