"""The books after a siege: what the database holds beside what the provider has seen."""

from __future__ import annotations

import re
from dataclasses import dataclass

from moomarkets.domain.job import PLAN
from tests.system.kill_ground import EXECUTORS, KillGround

DAY = re.compile(r"bars/daily\?date=([\d-]+)")

OPEN = """
    SELECT (SELECT count(*) FROM runs WHERE status IN ('pending', 'running'))
         + (SELECT count(*) FROM jobs WHERE status IN ('pending', 'running'))
         + (SELECT count(*) FROM executions WHERE status = 'running')
"""
DONE = "SELECT count(*) FROM jobs WHERE status = 'completed' AND job_type = 'daily_quotes'"
NOT_DONE = "SELECT count(*) FROM jobs WHERE status NOT IN ('completed', 'pending', 'running')"
DONE_TWICE = """
    SELECT count(*) FROM (SELECT job_id FROM executions WHERE status = 'completed' GROUP BY job_id
                          HAVING count(*) > 1) AS twice
"""
COVERED = "SELECT count(*) FROM coverage WHERE dataset = 'daily_bars' AND status = 'complete'"
DAYS = """
    SELECT from_on::text, rows, (SELECT count(*) FROM daily_bars WHERE on_date = from_on) FROM coverage
"""
ROWS_WITHOUT_COVERAGE = """
    SELECT count(*) FROM daily_bars WHERE NOT EXISTS (SELECT 1 FROM coverage WHERE from_on = on_date)
"""
STORED_TWICE = """
    SELECT (SELECT count(*) FROM revisions)
         + (SELECT count(*) - count(DISTINCT (user_id, data_source_id, code, on_date)) FROM daily_bars)
"""
COUNTERS = "SELECT total_jobs, completed_jobs, failed_jobs, cancelled_jobs, rows_written FROM runs"
RECOUNT = f"""
    SELECT count(*), count(*) FILTER (WHERE status = 'completed'), count(*) FILTER (WHERE status = 'failed'),
           count(*) FILTER (WHERE status = 'cancelled'), (SELECT count(*) FROM daily_bars)
    FROM jobs WHERE job_type <> '{PLAN}'
"""
CHARGED = "SELECT coalesce(sum(retry_count), 0) FROM jobs"
FAILED = "SELECT reason, error_message FROM executions WHERE status = 'failed'"
INTERRUPTED = "SELECT count(*) FROM executions WHERE status = 'interrupted'"
FENCED_BUT_RUNNING = "SELECT count(*) FROM executions WHERE status = 'running' AND lease_until < clock_timestamp()"


@dataclass(frozen=True, slots=True)
class Line:
    """One sum of the books: what it is, what was found, what must be. `expected` None: for information."""

    what: str
    found: object
    expected: object = None
    is_kept: bool = True

    def __str__(self) -> str:
        mark = "" if self.is_kept else "  BROKEN"
        must = "" if self.expected is None else f"  (must be {self.expected})"
        return f"{self.what:<44} {self.found!s:>9}{must}{mark}"


def audit(ground: KillGround, strikes: int) -> list[Line]:
    """All sums, once the run is over; `strikes` is how often a node was killed or frozen."""
    plan = ground.plan
    arrivals = ground.arrivals()
    most = plan.jobs + strikes * EXECUTORS
    refused = sum(entry.status == 429 for entry in ground.provider.ledger.entries())
    return [
        _equal("jobs completed", ground.value(DONE), plan.jobs),
        _equal("jobs lost: ended in another way", ground.value(NOT_DONE), 0),
        _equal("stuck: runs, jobs, attempts still open", ground.value(OPEN), 0),
        _equal("attempts whose lease is over, still running", ground.value(FENCED_BUT_RUNNING), 0),
        _equal("jobs that were completed twice", ground.value(DONE_TWICE), 0),
        _equal("trading days covered", ground.value(COVERED), plan.jobs),
        _equal("days whose rows are not those served", _wrong_days(ground), 0),
        _equal("rows without coverage", ground.value(ROWS_WITHOUT_COVERAGE), 0),
        _equal("rows stored twice", ground.value(STORED_TWICE), 0),
        _equal("counters of the run", ground.rows(COUNTERS), ground.rows(RECOUNT)),
        _equal("retries that were spent", ground.value(CHARGED), 0),
        _equal("attempts that failed", ground.rows(FAILED), []),
        _at_most("requests", len(arrivals), most),
        _at_most(f"most requests in any {plan.limit.seconds} s", most_in(arrivals, plan.limit.seconds), plan.per_s),
        _equal("requests answered with 429", refused, 0),
        Line("attempts that lost their process", ground.value(INTERRUPTED)),
    ]


def _wrong_days(ground: KillGround) -> int:
    """How many days are stored, or said to be, with another number of rows than the provider served."""
    served = {
        found[1]: entry.rows
        for entry in ground.provider.ledger.entries()
        if entry.status == 200 and (found := DAY.search(entry.target))
    }
    return sum((covered, stored) != (served[day],) * 2 for day, covered, stored in ground.rows(DAYS))


def most_in(arrivals: list[float], seconds: float) -> int:
    """The largest number of arrivals in any stretch of that length."""
    most = first = 0
    for last, at in enumerate(arrivals):
        while at - arrivals[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def _equal(what: str, found: object, expected: object) -> Line:
    return Line(what, found, expected, found == expected)


def _at_most(what: str, found: int, most: int) -> Line:
    return Line(what, found, f"at most {most}", found <= most)
