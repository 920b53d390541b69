"""Handles: places of the tree behind the dot, with real methods, good over restarts, and silent when shown."""

from __future__ import annotations

import inspect

import pytest

from actors.otp.process import ProcessState
from actors.otp.thread_runtime import ThreadRuntime
from moomarkets.services.actor_handle import ActorHandle
from moomarkets.services.actor_paths import NoSuchActor
from moomarkets.services.console import Console
from tests.moomarkets.services.offices import SERVERS, Office

VERBS = {
    name for name, member in vars(ActorHandle).items() if inspect.isfunction(member) and not name.startswith("_")
} & {name for name in vars(Console) if not name.startswith("_")}


def test_children_are_reached_by_attribute_and_by_item(desk: Office) -> None:
    root = desk.actors

    assert root.path == "root"
    assert root.core.executors.x0.path == "root/core/executors/x0"
    assert root["core/executors/x-2"].path == root.core.executors["x-2"].path == "root/core/executors/x-2"
    assert root["manager"].path == "root/core/manager"
    assert [child.path for child in root.core.executors.children()] == [
        path for path in SERVERS if path.startswith("root/core/executors/")
    ]


def test_a_prompt_offers_the_verbs_and_the_children_that_are_names(desk: Office) -> None:
    offered = {name for name in dir(desk.actors.core.executors) if not name.startswith("_")}

    assert offered == VERBS | {"path", "children", "x0", "x1"}
    assert desk.actors.core.executors._ipython_key_completions_() == ["x0", "x1", "x-2"]


def test_every_verb_of_a_handle_is_that_of_the_console_with_a_signature_and_a_docstring(desk: Office) -> None:
    assert {"info", "tree", "state", "replace_state", "suspend", "resume", "kill", "restart"} <= VERBS
    for name in VERBS:
        verb, console_verb = getattr(desk.actors.core.manager, name), getattr(desk, name)
        expected = list(inspect.signature(console_verb).parameters.values())[1:]
        assert list(inspect.signature(verb).parameters.values()) == expected, name
        assert inspect.getdoc(verb), name


def test_showing_a_handle_asks_no_server_anything(desk: Office) -> None:
    for path in SERVERS:
        desk.block(path)
    handled = [info.handled for info in desk.tree()]

    manager = desk.actors.core.manager
    shown = repr(manager)

    assert shown.startswith("root/core/manager            Counter  busy  Block for 0.0 s")
    assert [info.handled for info in desk.tree()] == handled
    assert not hasattr(manager, "_repr_mimebundle_")


def test_a_handle_survives_the_restart_of_what_it_stands_for(desk: Office) -> None:
    manager, x0 = desk.actors.core.manager, desk.actors.core.executors.x0
    desk.replace_state("manager", lambda state: {**state, "count": 7})

    manager.kill()

    assert manager.state()["count"] == 0
    assert manager.info().restarts == 1
    assert x0.state()["count"] == 0


def test_the_verbs_do_what_those_of_the_console_do(desk: Office) -> None:
    manager = desk.actors.core.manager

    manager.suspend()
    suspended = manager.info().state
    manager.resume()
    manager.replace_state(lambda state: {**state, "count": 7})
    count = manager.state()["count"]
    restarted = manager.restart()

    assert (suspended, count) == (ProcessState.SUSPENDED, 7)
    assert restarted[0].path == manager.tree()[0].path == "root/core/manager"
    assert manager.state()["count"] == 0


def test_a_place_that_is_not_there_says_so_clearly(desk: Office) -> None:
    limiter = desk.actors["core/limiters/jquants-1"]
    limiter.kill()
    desk.state("core/limiters")

    sentence = "actor core/limiters/jquants-1 does not exist; "
    assert repr(limiter).startswith(sentence)
    with pytest.raises(NoSuchActor, match=sentence):
        limiter.state()
    with pytest.raises(AttributeError, match="did you mean core/manager"):
        _ = desk.actors.core.manger
    with pytest.raises(AttributeError, match="core/manager/kil does not exist; did you mean the verb kill"):
        _ = desk.actors.core.manager.kil
    assert not hasattr(desk.actors.core, "manger")


def test_the_root_is_a_handle_before_the_start_and_after_the_end() -> None:
    console = Console(ThreadRuntime())

    assert repr(console.actors) == "actors: expected a tree that runs, got none; start the system first"
    assert "core" not in dir(console.actors)
