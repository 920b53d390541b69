"""The promises, as sums that must come out: looked at during a life, and audited at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from moomarkets.domain.job import PLAN
from moomarkets.domain.schedule import Schedule
from moomarkets.store.database import Database
from tests.sim.node import USE_WITHIN_S
from tests.sim.provider import WINDOWS

if TYPE_CHECKING:
    from tests.sim.life import Life

STUCK_AFTER_S = 30.0

TWO_AT_ONCE = "SELECT job_id FROM executions WHERE status = 'running' GROUP BY job_id HAVING count(*) > 1"
OPEN_WORK = """
    SELECT 'run ' || id || ' ' || status || ' ' || coalesce(blocked_by, '') FROM runs
        WHERE status IN ('pending', 'running')
    UNION ALL SELECT 'job ' || id || ' ' || status FROM jobs WHERE status IN ('pending', 'running')
    UNION ALL SELECT 'execution ' || id FROM executions WHERE status = 'running'
"""
WRONG_COUNTERS = """
    SELECT runs.id FROM runs
    LEFT JOIN LATERAL (SELECT count(*) AS rows, count(DISTINCT key) AS keys FROM sim_rows
                       WHERE run_id = runs.id) AS stored ON true
    WHERE runs.status IN ('completed', 'failed', 'cancelled') AND (
        total_jobs <> completed_jobs + failed_jobs + cancelled_jobs
        OR stored.rows <> stored.keys OR stored.rows <> completed_jobs)
"""
ENDED_WITHOUT_DATA = """
    SELECT executions.id FROM executions JOIN jobs ON jobs.id = executions.job_id
    LEFT JOIN sim_rows ON sim_rows.execution_id = executions.id
    WHERE jobs.job_type = 'fetch' AND (executions.status = 'completed') <> (sim_rows.execution_id IS NOT NULL)
"""
TOO_MANY_ATTEMPTS = """
    SELECT jobs.id FROM jobs WHERE attempts > max_retries + 1 OR attempts < 0
"""
NOT_COMPLETED = """
    SELECT runs.id FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id
    WHERE job_groups.name = :group AND runs.status IN ('failed', 'cancelled')
        AND runs.id = (SELECT max(id) FROM runs AS newest WHERE newest.job_group_id = job_groups.id)
"""
TWO_RUNS_AT_ONCE = "SELECT job_group_id FROM runs WHERE status = 'running' GROUP BY job_group_id HAVING count(*) > 1"
WRONG_PLACES = f"""
    SELECT runs.id FROM runs JOIN jobs ON jobs.run_id = runs.id
    WHERE runs.status = 'running' AND jobs.status IN ('pending', 'running') AND jobs.job_type <> '{PLAN}'
        AND runs.definition ->> 'max_parallel' IS NOT NULL
    GROUP BY runs.id
    HAVING count(*) FILTER (WHERE NOT is_held) > (definition ->> 'max_parallel')::int
        OR (count(*) FILTER (WHERE is_held) > 0
            AND count(*) FILTER (WHERE NOT is_held) < (definition ->> 'max_parallel')::int)
"""
WRONG_RECOUNT = f"""
    SELECT runs.id FROM runs
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE status = 'completed') AS completed,
               count(*) FILTER (WHERE status = 'failed') AS failed,
               count(*) FILTER (WHERE status = 'cancelled') AS cancelled
        FROM jobs WHERE jobs.run_id = runs.id AND jobs.job_type <> '{PLAN}') AS recount
    WHERE runs.status IN ('running', 'completed', 'failed', 'cancelled') AND runs.planned_at IS NOT NULL
        AND runs.id = (SELECT max(id) FROM runs AS newest
                       WHERE newest.job_group_id = runs.job_group_id AND newest.planned_at IS NOT NULL)
        AND (completed, failed, cancelled) <> (completed_jobs, failed_jobs, cancelled_jobs)
"""
ROWS_OF_NOBODY = """
    SELECT key FROM sim_rows WHERE run_id IS NOT NULL AND run_id NOT IN (SELECT id FROM runs)
"""
UNSETTLED = """
    SELECT due_at FROM occurrences WHERE status = 'pending'
        AND due_at < (SELECT max(due_at) FROM occurrences AS newest WHERE newest.schedule_id = occurrences.schedule_id)
        AND NOT EXISTS (SELECT FROM runs WHERE runs.id = occurrences.run_id AND runs.status IN ('pending', 'running'))
"""


class Broken(Exception):
    """A promise was not kept; the seed tells which life to live again."""


class Books:
    """Compares what one life has left behind with what it must."""

    def __init__(self, life: Life, database: Database) -> None:
        self._life, self._database = life, database

    def look(self) -> None:
        """What must hold at any time."""
        self._expect_none("two attempts at one job at once", TWO_AT_ONCE)
        self._expect_none("two runs of a group at once", TWO_RUNS_AT_ONCE)
        self._expect_none("runs with more, or fewer, jobs at a time than their group says", WRONG_PLACES)
        self._expect_none("runs whose counters are not those of a recount", WRONG_RECOUNT)
        self._expect_none("rows of runs that were deleted", ROWS_OF_NOBODY)
        self._expect_no_window_overflows()

    def is_all_done(self) -> bool:
        """Whether nothing is left to do, apart from what a schedule has booked by now."""
        return not self.open_work()

    def open_work(self) -> list[str]:
        """Runs, jobs and attempts that have not ended."""
        return [str(row) for row in self._rows(OPEN_WORK)]

    def has_failed(self, group: str) -> bool:
        """Whether the group's newest run did not complete."""
        return bool(self._rows(NOT_COMPLETED, group=group))

    def audit(self) -> None:
        """What must hold once all is done."""
        self.look()
        self._expect_none("runs whose counters, rows and keys differ", WRONG_COUNTERS)
        self._expect_none("attempts whose end and data differ", ENDED_WITHOUT_DATA)
        self._expect_none("jobs with more attempts than allowed", TOO_MANY_ATTEMPTS)
        self._expect_none("occurrences that were never settled", UNSETTLED)
        self._expect_every_occurrence()
        self._expect_silence_is_kept()
        self._expect_nobody_is_stuck()

    def _expect_none(self, what: str, sql: str) -> None:
        found = self._rows(sql)
        if found:
            raise Broken(f"{what}: {found}")

    def _expect_no_window_overflows(self) -> None:
        """In no window that ends with an arrival are there more arrivals than it allows."""
        arrivals = sorted(at for at in self._life.provider.arrivals if at <= self._life.world.now_s)
        for window in WINDOWS:
            for last in range(window.count, len(arrivals)):
                span = arrivals[last] - arrivals[last - window.count]
                if span < window.seconds:
                    raise Broken(f"{window.count + 1} requests within {span:.3f} s, allowed {window}")

    def _expect_every_occurrence(self) -> None:
        """Every instant at which the schedule was due has one row; the database keeps them from having two."""
        rows = self._database.perform(
            lambda connection: connection.execute(
                text("SELECT id, spec, created_at, counted_from FROM schedules")
            ).all()
        )
        for row in rows:
            booked = [
                at.timestamp()
                for at in self._rows("SELECT due_at FROM occurrences WHERE schedule_id = :id ORDER BY 1", id=row.id)
            ]
            # By the clock of the database; the newest may be due this very moment.
            until = self._life.world.wall(self._life.world.database_skew_s - 10)
            due = Schedule.from_json(row.spec).due_between(row.counted_from, until, 100_000)
            missing = [at for at in due if at.timestamp() not in booked]
            if missing:
                raise Broken(f"instants that nobody has booked: {missing}")

    def _expect_silence_is_kept(self) -> None:
        """After a 429 nobody sends; a permit that another node held may be used for as long as permits may."""
        if self._life.has_stepped:
            return  # a silence is kept by the database's clock
        for silence in self._life.provider.silences:
            early = [at for at in self._life.provider.sent if silence.since_s + USE_WITHIN_S < at < silence.until_s]
            if early:
                raise Broken(f"requests sent at {early} in the silence from {silence.since_s} to {silence.until_s}")

    def _expect_nobody_is_stuck(self) -> None:
        for node in self._life.nodes:
            for info in node.runtime.tree():
                if info.state in ("stopped", "restarting", "starting") or info.busy_s > STUCK_AFTER_S:
                    raise Broken(f"{node.runtime.machine.name}: {info}")

    def _rows(self, sql: str, **parameters: object) -> list[object]:
        return self._database.perform(lambda connection: list(connection.execute(text(sql), parameters).scalars()))
