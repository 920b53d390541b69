"""What a person at a prompt sees of the actors and does to them, also when all of them are stuck."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from actors.otp import administration
from actors.otp.process import ProcessState
from actors.otp.reasons import KILLED, SHUTDOWN
from moomarkets.domain.errors import Conflict
from moomarkets.services.actor_paths import NoSuchActor
from moomarkets.services.console import ActorBusy, ActorDown
from tests.actors.otp.patience import eventually
from tests.moomarkets.services.offices import SERVERS, Office

PATIENCE_S = 10.0


def done(desk: Office, work: Callable[[], Any]) -> Any:
    """What `work` returns or raises, done beside the test: the clock stands, so a wait for time would never end."""
    found: list[Any] = []
    ended = desk.runtime.spawn(lambda: found.append(work()), "person")
    assert eventually(lambda: ended.is_done), "expected it to be done without waiting"
    ended.result()
    return found[0]


def test_the_tree_and_its_parts_are_shown_in_order_of_start(desk: Office) -> None:
    assert [info.path for info in desk.tree()] == list(SERVERS)
    assert [info.path for info in desk.tree("core/executors")] == [one for one in SERVERS if "/executors" in one]
    assert [info.path for info in desk.tree("manager")] == ["root/core/manager"]


def test_every_verb_takes_a_place_or_a_name_and_says_what_was_meant(desk: Office) -> None:
    assert desk.info("manager") == desk.info("core/manager") == desk.info("root/core/manager")
    verbs = (desk.tree, desk.info, desk.state, desk.suspend, desk.resume, desk.trace, desk.log, desk.kill, desk.restart)
    for verb in verbs:
        with pytest.raises(NoSuchActor, match="did you mean manager"):
            verb("mannager")


def test_the_state_of_a_server_is_its_attributes_that_of_a_supervisor_its_budget(desk: Office) -> None:
    assert desk.state("manager")["count"] == 0
    executors = desk.state("core/executors")
    assert {key: executors[key] for key in ("strategy", "max_restarts", "max_seconds", "restarts_spent")} == {
        "strategy": "one_for_one",
        "max_restarts": 20,
        "max_seconds": 5.0,
        "restarts_spent": 0,
    }


def test_a_replaced_state_is_taken_over_and_an_error_is_handed_back(desk: Office) -> None:
    desk.replace_state("manager", lambda state: {**state, "count": 41})

    assert desk.state("manager")["count"] == 41
    with pytest.raises(ZeroDivisionError):
        desk.replace_state("manager", lambda state: {**state, "count": 1 // 0})


def test_a_suspended_server_shows_so_and_works_on_once_resumed(desk: Office) -> None:
    desk.suspend("manager")
    desk.runtime.cast("manager", "hello")

    assert (desk.info("manager").state, desk.info("manager").queue) == (ProcessState.SUSPENDED, 1)
    assert desk.state("manager")["seen"] == []
    desk.resume("manager")
    assert eventually(lambda: desk.state("manager")["seen"] == ["hello"])


def test_with_every_server_stuck_the_tree_is_seen_and_nothing_is_waited_for(desk: Office) -> None:
    """O05."""
    for path in SERVERS:
        desk.block(path)
    desk.clock.advance(1.5)

    assert {info.state for info in done(desk, desk.tree)} == {ProcessState.BUSY}
    assert done(desk, desk.top).totals["busy"] == len(SERVERS)
    assert done(desk, desk.reports)
    for path in SERVERS:
        for verb in (desk.state, desk.suspend, desk.resume, desk.trace, desk.log):
            with pytest.raises(ActorBusy):
                done(desk, lambda verb=verb, path=path: verb(path))  # type: ignore[misc]
    with pytest.raises(ActorBusy, match=r"^root/core: "):
        done(desk, lambda: desk.restart("manager"))
    assert [info.path for info in done(desk, lambda: desk.kill("manager"))] == ["root/core/manager"]


def test_a_stuck_server_is_refused_with_what_it_is_at_since_when_and_where(desk: Office) -> None:
    desk.block("manager")
    desk.clock.advance(62)

    with pytest.raises(ActorBusy) as refused:
        desk.state("manager")

    assert (refused.value.path, refused.value.message, refused.value.busy_s) == ("root/core/manager", "Block", 62)
    assert str(refused.value).startswith(
        "root/core/manager: expected an answer, got none: busy with Block for 62.0 s, since 00:00:00 UTC; it is at "
    )
    assert refused.value.where.split(" < ")[-1].startswith("servers.py:")
    assert refused.value.where.endswith(" handle_cast")


def test_a_server_that_works_is_waited_for_up_to_the_time_given(desk: Office) -> None:
    block = desk.block("manager")
    waiting = desk.runtime.spawn(lambda: desk.state("manager", timeout_s=5), "patient")
    late = desk.runtime.spawn(lambda: desk.state("manager", timeout_s=0.5), "hasty")
    assert eventually(lambda: desk.info("manager").queue == 2)

    desk.clock.advance(0.6)
    assert eventually(lambda: late.is_done)
    block.release.set()
    assert eventually(lambda: waiting.is_done)

    waiting.result()
    with pytest.raises(ActorBusy, match=r"busy with Block for 0\.6 s"):
        late.result()


def test_what_nobody_waits_for_any_more_is_not_done_later(desk: Office) -> None:
    block = desk.block("manager")
    hasty = desk.runtime.spawn(lambda: desk.suspend("manager", timeout_s=0), "hasty")
    assert eventually(lambda: hasty.is_done)

    block.release.set()

    assert desk.state("manager")["count"] == 0
    assert desk.info("manager").state is ProcessState.IDLE


def test_ctrl_c_ends_a_wait_at_once_and_what_was_asked_is_not_done_later(desk: Office) -> None:
    block = desk.block("manager")

    def press() -> None:
        assert eventually(lambda: desk.info("manager").queue == 1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    desk.runtime.spawn(press, "finger")
    with pytest.raises(KeyboardInterrupt):
        desk.suspend("manager")

    block.release.set()
    assert desk.state("manager")["count"] == 0
    assert desk.info("manager").state is ProcessState.IDLE


def test_killing_takes_all_below_along_and_says_who_that_was(desk: Office) -> None:
    before = desk.living()

    killed = desk.kill("core/executors")

    assert [info.path for info in killed] == [one for one in SERVERS if "/executors" in one]
    assert {before[info.path].exit_reason for info in killed} == {KILLED}
    assert desk.state("core/executors/x-2")["count"] == 0, "expected it to be waited for"
    assert desk.ref("core/manager") is before["root/core/manager"]


def test_killing_who_does_not_run_kills_nobody(desk: Office) -> None:
    administration.terminate_child(desk.ref("core"), "manager")

    assert list(desk.kill("core/manager")) == []


def test_who_is_down_is_waited_for_and_told_of_in_one_sentence(desk: Office) -> None:
    administration.terminate_child(desk.ref("core"), "manager")

    with pytest.raises(ActorDown, match="root/core/manager: expected a running server, got one that is stopped"):
        desk.state("core/manager", timeout_s=0)


def test_a_server_that_is_being_restarted_is_waited_for(desk: Office) -> None:
    before = desk.ref("manager")
    administration.terminate_child(desk.ref("core"), "manager")

    asked = desk.runtime.spawn(lambda: desk.state("core/manager"), "person")
    administration.restart_child(desk.ref("core"), "manager")

    assert eventually(lambda: asked.is_done)
    asked.result()
    assert desk.ref("manager") is not before


def test_after_a_kill_one_may_wait_until_all_is_back(desk: Office) -> None:
    desk.kill("core")

    tree = desk.settle()

    # What was started on demand is not there.
    assert [info.path for info in tree] == [path for path in SERVERS if "jquants" not in path]
    assert {info.state for info in tree} == {ProcessState.IDLE}


def test_one_waits_no_longer_than_one_wants(desk: Office) -> None:
    administration.terminate_child(desk.ref("core"), "manager")

    assert [info.path for info in desk.settle(timeout_s=0)] == list(SERVERS)


def test_a_restart_is_orderly_and_costs_no_budget(desk: Office) -> None:
    before = desk.living()

    restarted = desk.restart("core/executors/x0")

    assert [(info.path, info.restarts, info.last_exit) for info in restarted] == [
        ("root/core/executors/x0", 1, SHUTDOWN)
    ]
    assert desk.state("core/executors")["restarts_spent"] == 0
    changed = [path for path, ref in desk.living().items() if ref is not before[path]]
    assert changed == ["root/core/executors/x0"]


def test_a_restart_takes_along_whoever_would_fall_in_a_crash(desk: Office) -> None:
    before = desk.living()

    restarted = desk.restart("manager")

    after = [one for one in SERVERS if one.startswith(("root/core/manager", "root/core/executors"))]
    assert [info.path for info in restarted] == after
    changed = [path for path, ref in desk.living().items() if ref is not before[path]]
    assert changed == after


def test_where_one_crash_is_one_too_many_the_supervisor_is_restarted(desk: Office) -> None:
    before = desk.living()

    desk.restart("writer")

    changed = [path for path, ref in desk.living().items() if ref is not before[path]]
    assert changed == [path for path in desk.living() if path.startswith("root/core/")]
    assert desk.state("core")["restarts_spent"] == desk.state("core/writers")["restarts_spent"] == 0


@pytest.mark.parametrize("path", ["core/limiters/jquants-1", "clerk"])
def test_who_is_started_on_demand_is_not_restarted(desk: Office, path: str) -> None:
    before = desk.ref(path)

    with pytest.raises(Conflict, match="got one that is started on demand; kill it"):
        desk.restart(path)

    assert desk.ref(path) is before
    assert before.is_alive


def test_nobody_restarts_the_root_nor_below_a_suspended_supervisor(desk: Office) -> None:
    desk.suspend("core")

    with pytest.raises(Conflict, match="nobody restarts the root"):
        desk.restart("root")
    with pytest.raises(Conflict, match="root/core: expected a supervisor at work, got one that is suspended"):
        desk.restart("manager")
