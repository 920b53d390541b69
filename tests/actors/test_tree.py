"""The tree as data: who is there, in which order, with which budgets."""

from __future__ import annotations

from actors import names
from actors.otp.reasons import SHUTDOWN
from moomarkets.testing.recorded_events import RecordedEvents
from tests.actors.books import Books
from tests.actors.conftest import Open
from tests.actors.otp.patience import eventually


def test_every_server_of_the_tree_has_its_place_and_name(open_house: Open, books: Books) -> None:
    house = open_house(listen_url=books.url)

    paths = {info.path.removeprefix("root/core/"): info.name for info in house.runtime.tree()}

    assert paths == {
        "root": "root",
        "root/fuse": names.FUSE,
        "root/core": None,
        "store_writers": None,
        **{f"store_writers/{name}": name for name in (names.WRITER, names.LEASES, names.PERMITS, names.RESCUE_WRITER)},
        "limiters": names.LIMITERS,
        "manager": names.MANAGER,
        "executors": None,
        **{f"executors/{slot}": names.executor(slot) for slot in ("x0", "x1")},
        "duties": None,
        **{f"duties/{name}": name for name in (names.CLAIMER, names.SCHEDULER, names.RESCUER, names.LISTENER)},
    }


def test_a_duty_that_dies_is_restarted_alone(open_house: Open, events: RecordedEvents) -> None:
    house = open_house()
    manager = house.runtime.whereis(names.MANAGER)

    for name in (names.CLAIMER, names.SCHEDULER, names.RESCUER):
        before = house.runtime.whereis(name)
        house.runtime.kill(name)
        assert eventually(lambda name=name, before=before: house.runtime.whereis(name) not in (None, before))  # type: ignore[misc]

    assert house.runtime.whereis(names.MANAGER) is manager


def test_a_claimer_that_died_is_told_again_what_is_wanted(
    open_house: Open, books: Books, events: RecordedEvents
) -> None:
    house = open_house()
    before = house.runtime.whereis(names.CLAIMER)
    books.planned_run(["a"])

    house.runtime.kill(names.CLAIMER)

    assert eventually(lambda: house.runtime.whereis(names.CLAIMER) not in (None, before))
    events.wait_for("job.completed", job="a")


def test_the_root_gives_up_when_the_manager_dies_again_and_again(open_house: Open, events: RecordedEvents) -> None:
    house = open_house()
    ended = house.root.process.exited

    while not ended.is_done:
        house.runtime.kill(names.MANAGER)
        house.runtime.wait_for(ended, 0.01)

    assert house.root.exit_reason == SHUTDOWN
    assert events.of("supervisor.gave_up", path="root")
