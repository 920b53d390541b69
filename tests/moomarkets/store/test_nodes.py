from __future__ import annotations

import os
import subprocess
import sys
from uuid import uuid4

from moomarkets.domain.job import NodeIdentity
from moomarkets.store import nodes, reports
from tests.moomarkets.store.scene import Scene

US = nodes.identify(uuid4(), "test")


def test_a_process_knows_its_own_start() -> None:
    assert US.pid == os.getpid()
    assert US.process_start.isdigit()
    assert US.boot_id


def test_a_process_whose_name_holds_spaces_and_parentheses_is_read_rightly() -> None:
    rename = "import ctypes; ctypes.CDLL(None).prctl(15, b'a ) 7 (b', 0, 0, 0); print(flush=True); input()"
    process = subprocess.Popen([sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()

    started = nodes.process_start(process.pid)
    process.communicate(b"\n")

    assert started is not None
    assert int(started) >= int(US.process_start)


def test_a_process_that_has_ended_but_was_not_waited_for_counts_as_ended(scene: Scene) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = nodes.process_start(process.pid)
    zombie = scene.register(US.boot_id, started or "", process.pid)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    assert scene.do(nodes.proven_dead, US) == [zombie.id]
    process.communicate()


def test_a_pid_that_was_given_to_another_process_proves_the_death_of_the_first(scene: Scene) -> None:
    reused = scene.register(US.boot_id, str(int(US.process_start) - 1), os.getpid())

    assert scene.do(nodes.proven_dead, US) == [reused.id]


def test_a_living_process_is_not_dead_and_nobody_proves_his_own_death(scene: Scene) -> None:
    scene.register(US.boot_id, US.process_start, os.getpid())
    scene.do(nodes.register, US)

    assert scene.do(nodes.proven_dead, US) == []


def test_nothing_is_proven_about_another_machine_or_boot_even_of_the_same_name(scene: Scene) -> None:
    other = NodeIdentity(uuid4(), US.host, 2**22 + 1, "another boot", "1", "test")
    scene.do(nodes.register, other)

    assert scene.do(nodes.proven_dead, US) == []


def test_nothing_is_proven_where_the_system_does_not_tell_boots_apart(scene: Scene) -> None:
    scene.register("", "1", 2**22 + 1)

    assert scene.do(nodes.proven_dead, NodeIdentity(uuid4(), US.host, 1, "", "", "test")) == []


def test_a_node_that_left_in_order_is_not_dead(scene: Scene) -> None:
    gone = scene.register(US.boot_id, "1", 2**22 + 1)
    scene.do(nodes.leave, gone.id)

    assert scene.do(nodes.proven_dead, US) == []


def test_a_node_is_not_buried_while_something_runs_under_its_name(scene: Scene) -> None:
    dead = scene.register(US.boot_id, "1", 2**22 + 1)
    scene.run("a")
    scene.claim(node_id=dead.id)

    scene.do(nodes.bury, [dead.id])

    assert scene.do(nodes.proven_dead, US) == [dead.id]


def test_registering_twice_is_harmless_and_a_node_that_shows_itself_is_listed(scene: Scene) -> None:
    scene.do(nodes.register, US)
    scene.do(nodes.register, US)
    scene.do(nodes.see, US.id)

    assert [node["id"] for node in scene.do(reports.nodes)] == [scene.node.id, US.id]
