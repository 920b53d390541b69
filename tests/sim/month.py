"""A month in the life of the system: schedules of all kinds, and whole days without a node or a database."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import click

from actors import rate_limiter, scheduler
from moomarkets.domain.catch_up import CatchUp, CatchUpPolicy, Overlap
from moomarkets.domain.group import Dependency, GroupDefinition, OnFailure
from moomarkets.domain.schedule import Schedule
from moomarkets.store import groups
from tests.sim.books import Broken
from tests.sim.ground import ground
from tests.sim.life import Life
from tests.sim.node import USER, Rhythm
from tests.sim.provider import FETCH, SPEC

DAY_S = 86400.0
LOOK_EVERY_S = 1800.0

NODES = [0, 0, 1, 1, 2, 3, 4]
"""How many processes are there, until that changes again."""

CHANGES_A_DAY = 1.5
LEDGER = """
    SELECT occurrences.due_at, occurrences.status, occurrences.reason, occurrences.run_id, runs.status AS run_status
    FROM occurrences JOIN schedules ON schedules.id = schedule_id LEFT JOIN runs ON runs.id = run_id
    JOIN job_groups ON job_groups.id = schedules.job_group_id
    WHERE job_groups.name = '{group}' ORDER BY 1
"""
WANTED = (
    ("hourly", {"cron": "0 * * * *", "timezone": "Asia/Tokyo"}, CatchUp(), Overlap.SKIP),
    ("six-hourly", {"every_s": 21600}, CatchUp(CatchUpPolicy.ALL, 3, 2 * DAY_S), Overlap.QUEUE),
    ("weekdays", {"cron": "30 16 * * 1-5", "timezone": "Asia/Tokyo"}, CatchUp(CatchUpPolicy.SKIP), Overlap.SKIP),
    (
        "nightly",
        {"cron": "0 3 * * *", "timezone": "America/New_York"},
        CatchUp(CatchUpPolicy.ALL, 5, 7 * DAY_S),
        Overlap.CANCEL_RUNNING,
    ),
    ("after-close", {"market": "XTKS", "after_close": "16:30"}, CatchUp(), Overlap.SKIP),
)


class Month(Life):
    """One seed's month; afterwards every instant at which a schedule was due has exactly one final outcome."""

    rhythm = Rhythm(poll_s=900.0, lease_s=1200.0, rescue_s=900.0, has_server=False)
    days = 30.0
    outcomes: Counter[str]

    def run(self) -> None:
        with _patience():
            super().run()
        self._compare_ledgers()

    def _found_groups(self) -> None:
        for name, schedule, catch_up, overlap in WANTED:
            above = (Dependency("weekdays", on_failure=OnFailure.RUN),) if name == "nightly" else ()
            definition = GroupDefinition(
                name,
                SPEC.code,
                (FETCH,),
                scope={"keys": [name]},
                schedule=schedule,
                catch_up=catch_up,
                overlap=overlap,
                depends_on=above,
                retry_delay_s=60,
            )
            self._do(lambda connection, given=definition: groups.create(connection, USER, given, self.world.wall()))
            self.groups.append(name)

    def _storm(self) -> None:
        """Processes come and go, by a kill or in order; now and then the database is away for hours."""
        self._plan.clear()
        self.provider.has_bad_day = False
        chance, end_s = self.world.chance, self.days * DAY_S
        while self.world.now_s < end_s:
            self._wanted = chance.choice(NODES)
            self.world.note(f"{self._wanted} nodes from now on")
            self._dismiss()
            if chance.random() < 0.2:
                self.weather.down_until = self.world.now_s + chance.expovariate(1 / 7200)
            until_s = min(self.world.now_s + chance.expovariate(CHANGES_A_DAY / DAY_S), end_s)
            while self.world.now_s < until_s:
                self._look_after_nodes()
                self.world.run_for(min(DAY_S / 24, until_s - self.world.now_s))
            self.books.look()
        self._wanted = max(self._wanted, 1)

    def _dismiss(self) -> None:
        """Those that are too many end in either way."""
        for node in self.nodes[self._wanted :]:
            if self.world.chance.random() < 0.5:
                node.runtime.die()
            else:
                node.stop()
        self.nodes = self.nodes[: self._wanted]

    def _compare_ledgers(self) -> None:
        """What each ledger holds beside what its schedule alone says."""
        # What is due just now waits for the next look of some node.
        since, until = self.world.wall(-self.world.now_s), self.world.wall(-2 * self.rhythm.poll_s)
        for name, spec, _, _ in WANTED:
            rows = [row for row in self._all(LEDGER.format(group=name)) if row.due_at <= until]
            due = Schedule.from_json(spec).due_between(since, until, 10**6)
            if [row.due_at for row in rows] != due:
                raise Broken(f"{name}: instants due and booked differ: {set(due) ^ {row.due_at for row in rows}}")
            for row in rows:
                if not _is_final(row.status, row.reason, row.run_status):
                    raise Broken(f"{name}: expected an outcome, got {tuple(row)}")
        self.outcomes = Counter(str(row.status) for row in self._all("SELECT status FROM occurrences"))


def _is_final(status: str, reason: str | None, run_status: str | None) -> bool:
    """Whether this is how an instant may have ended: by a run that has ended, or with a reason."""
    if status == "ran":
        return run_status in ("completed", "failed", "cancelled", "skipped")
    return status in ("skipped", "merged", "superseded") and reason is not None


@contextmanager
def _patience() -> Iterator[None]:
    """Within the block those that have nothing to do look seldom; in a month of seconds nothing else would happen."""
    before = scheduler.LOOK_EVERY_S, rate_limiter.PRUNE_EVERY_S
    scheduler.LOOK_EVERY_S = rate_limiter.PRUNE_EVERY_S = LOOK_EVERY_S
    try:
        yield
    finally:
        scheduler.LOOK_EVERY_S, rate_limiter.PRUNE_EVERY_S = before


@click.command()
@click.option("--seeds", default=4, show_default=True, help="How many months, from the first seed on.")
@click.option("--first", default=1, show_default=True, help="The first seed.")
@click.option("--days", default=30.0, show_default=True, help="How long each of them is.")
def main(seeds: int, first: int, days: float) -> None:
    """Live whole months; exits 1 if an instant has no outcome, or another promise was broken."""
    is_broken = False
    with ground() as (database, owner):
        for seed in range(first, first + seeds):
            month = Month(seed, database, owner)
            month.days = days
            try:
                month.run()
                found = ", ".join(f"{count} {status}" for status, count in sorted(month.outcomes.items()))
            except Broken as error:
                is_broken, found = True, f"BROKEN: {error}"
            print(f"seed {seed}: {days:g} days, {month.world.steps:,} steps: {found}", flush=True)
    sys.exit(1 if is_broken else 0)


if __name__ == "__main__":
    main()
