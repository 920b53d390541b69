"""A server is found by its place or its name; a misspelt one is answered with what was meant."""

from __future__ import annotations

import pytest

from moomarkets.domain.errors import InvalidInput, MoomarketsError, NotFound
from moomarkets.services.actor_paths import NoSuchActor, children_of, find_actor, find_below, heads
from tests.moomarkets.services.test_tree_view import info

INFOS = [
    info("root", name="root"),
    info("root/core"),
    info("root/core/manager", name="manager"),
    info("root/core/executors"),
    *(info(f"root/core/executors/x{slot}", name=f"executor:x{slot}") for slot in range(20)),
]


@pytest.mark.parametrize("wanted", ["core/manager", "root/core/manager", "manager", "/core/manager/"])
def test_a_place_may_be_given_with_or_without_the_root_or_by_name(wanted: str) -> None:
    assert find_actor(INFOS, wanted).path == "root/core/manager"


def test_nothing_given_means_the_root() -> None:
    assert find_actor(INFOS, "").path == "root"


@pytest.mark.parametrize(
    ("wanted", "answer"),
    [
        ("core/manger", "did you mean core/manager? in core there are: manager, executors"),
        ("root/core/manger", "did you mean core/manager? in core there are: manager, executors"),
        ("mangaer", "did you mean manager? in root there are: core"),
        ("x3", "did you mean core/executors/x3? in root there are: core"),
        ("core/manager/zzz", "did you mean core/manager? nothing is below core/manager now"),
        ("core/zzz/qqq", "in core there are: manager, executors"),
    ],
)
def test_a_misspelt_place_is_answered_with_what_was_meant_and_what_is_there(wanted: str, answer: str) -> None:
    with pytest.raises(NoSuchActor) as refused:
        find_actor(INFOS, wanted)

    assert str(refused.value) == f"actor {wanted.removeprefix('root/')} does not exist; {answer}"
    assert isinstance(refused.value, NotFound)


def test_of_many_children_only_some_are_listed() -> None:
    with pytest.raises(NoSuchActor, match=r"x10, x11 and 8 more$"):
        find_actor(INFOS, "core/executors/zzz")


def test_from_a_place_only_what_is_below_it_is_found_but_from_the_root_names_count_too() -> None:
    assert find_below(INFOS, "root/core", "executors/x3").path == "root/core/executors/x3"
    assert find_below(INFOS, "root", "manager").path == "root/core/manager"
    with pytest.raises(NoSuchActor):
        find_below(INFOS, "root/core/executors", "manager")


def test_what_is_no_text_and_a_tree_that_does_not_run_are_told_apart_from_a_wrong_place() -> None:
    with pytest.raises(InvalidInput, match="expected a place in the tree"):
        find_actor(INFOS, 7)  # type: ignore[arg-type]
    with pytest.raises(MoomarketsError, match="expected a tree that runs, got none"):
        find_actor([], "manager")


def test_children_are_those_right_below_in_order_of_start() -> None:
    assert heads(INFOS) == ["root"]
    assert [one.path for one in children_of(INFOS, "root/core")] == ["root/core/manager", "root/core/executors"]
