"""What goes wrong in a life, and when: drawn from its seed before it begins."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from actors.otp.ref import Ref
from moomarkets.store import job_switch
from tests.sim.node import Node

if TYPE_CHECKING:
    from tests.sim.life import Life

FAULTS: dict[str, Callable[[Life], None]] = {}
"""Every kind of fault by its name."""


def _retry(connection: Connection, job_id: int, now: datetime) -> None:
    """Only what has not brought its row yet: a second one would look like a twin."""
    status = connection.scalar(text("SELECT status FROM jobs WHERE id = :id"), {"id": job_id})
    if status in ("failed", "cancelled"):
        job_switch.retry_job(connection, job_id, now)


MEDDLINGS: tuple[Callable[[Connection, int, datetime], object], ...] = (
    lambda connection, job_id, now: job_switch.set_enabled(connection, job_id, False, now),
    lambda connection, job_id, now: job_switch.set_enabled(connection, job_id, True, now),
    job_switch.pause_job,
    job_switch.resume_job,
    job_switch.cancel_job,
    _retry,
)
"""What a person may do to a job; what is not possible just then is refused."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault and the virtual second from which on it strikes, at the next step."""

    at_s: float
    kind: str


def plan(chance: random.Random, storm_s: float, most: int, kinds: Sequence[str] = ()) -> list[Planned]:
    """Up to `most` faults within the storm, in their order; all of them where only some kinds are wanted."""
    names = list(kinds or FAULTS)
    count = most if kinds else chance.randint(0, most)
    return sorted(
        (Planned(chance.uniform(0, storm_s), chance.choice(names)) for _ in range(count)), key=lambda fault: fault.at_s
    )


def _fault(strike: Callable[[Life], None]) -> Callable[[Life], None]:
    FAULTS[strike.__name__] = strike
    return strike


@_fault
def crash(life: Life) -> None:
    """A handler of some server raises."""
    for node, ref in _somebody(life):
        node.runtime.crash(ref)


@_fault
def kill(life: Life) -> None:
    """Some server is killed, with all below it."""
    for node, ref in _somebody(life):
        life.world.note(f"kill of {node.runtime.machine.name}:{ref.path}")
        node.runtime.kill(ref)


@_fault
def slow(life: Life) -> None:
    """Some server's handler takes long."""
    for node, ref in _somebody(life):
        node.runtime.slow_down(ref, life.world.chance.expovariate(1 / 5))


@_fault
def full(life: Life) -> None:
    """Some server's inbox takes nothing for a moment."""
    for node, ref in _somebody(life):
        node.runtime.fill(ref, life.world.chance.expovariate(2))


@_fault
def refuse(life: Life) -> None:
    """The database cannot be reached."""
    life.weather.down_until = life.world.now_s + life.world.chance.expovariate(1 / 8)


@_fault
def lose(life: Life) -> None:
    """The answers to some commits are lost."""
    life.weather.lost += life.world.chance.randint(1, 3)


@_fault
def repeat(life: Life) -> None:
    """Some commits are done twice, because the first answer was lost on its way."""
    life.weather.repeated += life.world.chance.randint(1, 3)


@_fault
def drag(life: Life) -> None:
    """The database becomes slow, or fast again."""
    life.weather.latency_s = life.world.chance.choice([0.003, 0.05, 0.5])


@_fault
def step(life: Life) -> None:
    """The database's clock is set."""
    life.has_stepped = True
    seconds = life.world.chance.choice([-90.0, -5.0, -0.5, 0.5, 5.0, 90.0])
    life.world.note(f"the database's clock is set by {seconds} s")
    life.world.database_skew_s += seconds


@_fault
def freeze(life: Life) -> None:
    """A whole process stands still."""
    for node in _some_node(life):
        node.runtime.freeze(life.world.chance.expovariate(1 / 15))


@_fault
def die(life: Life) -> None:
    """A whole process is gone."""
    for node in _some_node(life):
        node.runtime.die()


@_fault
def stop(life: Life) -> None:
    """A process is asked to stop, and stops in order."""
    for node in _some_node(life):
        if not node.is_stopping:
            life.world.note(f"{node.runtime.machine.name} is asked to stop")
            node.stop()


@_fault
def ask(life: Life) -> None:
    """A person asks for a run."""
    life.request(life.world.chance.choice(life.groups))


@_fault
def cancel(life: Life) -> None:
    """A person stops a group's run."""
    life.cancel(life.world.chance.choice(life.groups))


@_fault
def pause(life: Life) -> None:
    """A person pauses a group, or lets it go on."""
    life.pause(life.world.chance.choice(life.groups), is_paused=life.world.chance.random() < 0.5)


@_fault
def retry(life: Life) -> None:
    """A person wants what has failed tried again."""
    life.retry_failed()


@_fault
def switch(life: Life) -> None:
    """A person switches the whole system or its source off for a while, or on again."""
    is_on = life.world.chance.random() < 0.5
    if life.world.chance.random() < 0.5:
        life.set_system_enabled(is_on)
    else:
        life.set_source_paused(not is_on)


@_fault
def meddle(life: Life) -> None:
    """A person does something to a single job."""
    life.meddle(life.world.chance.choice(MEDDLINGS))


@_fault
def found(life: Life) -> None:
    """A person makes one more group and asks for a run of it."""
    life.found_another()


@_fault
def delete(life: Life) -> None:
    """A person deletes one of those groups, whatever it is doing."""
    life.delete_another()


@_fault
def enqueue(life: Life) -> None:
    """A program queues a job, perhaps one that is queued already, perhaps for later."""
    life.enqueue()


def _some_node(life: Life) -> list[Node]:
    alive = [node for node in life.nodes if node.is_alive]
    return [life.world.chance.choice(alive)] if alive else []


def _somebody(life: Life) -> list[tuple[Node, Ref]]:
    """One server of one node; the tree's own supervisors are among them."""
    found = []
    for node in _some_node(life):
        paths = [info.path for info in node.runtime.tree()]
        ref = node.runtime.at(life.world.chance.choice(paths)) if paths else None
        if ref is not None and ref.is_alive:
            found.append((node, ref))
    return found
