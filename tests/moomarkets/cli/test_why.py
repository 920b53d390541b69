"""The lines of the chain, where no supervisor is needed to see them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from moomarkets.cli.why import lines
from moomarkets.domain.why import AttemptFacts, Explanation, JobFacts

AT = datetime(2026, 11, 20, 8, tzinfo=UTC)
JOB = JobFacts(
    id=7,
    group=None,
    run_id=None,
    key="7",
    name="7",
    job_type="summarize",
    status="failed",
    is_enabled=True,
    is_held=False,
    priority=5,
    due_at=AT,
    deadline_at=AT,
    next_at=None,
    attempts=0,
    max_retries=3,
    crash_count=0,
    last_error="timed_out: its deadline passed before it started",
)
ATTEMPT = AttemptFacts(1, 1, "failed", "host", UUID(int=0), 3, AT, AT, 0, 1, 0, 0, 0, 0, None, "invalid", "no map")


def chain(job: JobFacts) -> str:
    """What is printed of that job."""
    return "\n".join(lines(Explanation(f"job {job.id}", None, is_scheduler_enabled=True, nodes=1, jobs=(job,))))


def test_a_job_that_was_never_tried_tells_its_error() -> None:
    assert "summarize: failed (timed_out: its deadline passed before it started); 0 of at most 4" in chain(JOB)


def test_a_job_that_was_tried_leaves_its_error_to_its_attempts() -> None:
    text = chain(replace(JOB, last_error="no map", executions=(ATTEMPT,)))

    assert "summarize: failed; " in text
    assert text.count("no map") == 1


def test_an_attempt_for_an_earlier_run_says_so() -> None:
    text = chain(replace(JOB, run_id=5, executions=(ATTEMPT, replace(ATTEMPT, id=2, run_id=5))))

    assert "attempt 1 of run 3, started" in text
    assert "attempt 1, started" in text
