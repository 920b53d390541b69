"""`moomarkets why`: the chain from the schedule to the rows, and what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from moomarkets.cli.given_values import day
from moomarkets.cli.opening import Given, opened
from moomarkets.cli.output import as_json, cell, print_json

if TYPE_CHECKING:
    from moomarkets.domain.why import AttemptFacts, Explanation, GroupFacts, JobFacts, RunFacts, Written


@click.command()
@click.argument("thing")
@click.argument("on", metavar="[DATE]", required=False, type=day)
@as_json
@click.pass_obj
def why(given: Given, thing: str, on: date | None, is_json: bool) -> None:
    """Say why a job or a group is as it is.

    THING is the id of a job or the name of a group; of a group also on one DATE. Prints the chain: schedule, due
    instants, runs, jobs, attempts, rows; and what would help.
    """
    with opened(given) as installation:
        chain = installation.why.explain(thing, on)
    if is_json:
        print_json({**asdict(chain), "remedies": chain.remedies})
        return
    for line in lines(chain):
        click.echo(line)


def lines(chain: Explanation) -> Iterator[str]:
    """The chain for a person; each step stands below what it follows from. Instants are in UTC."""
    yield chain.asked + (f" on {chain.on}" if chain.on is not None else "") + " (times in UTC)"
    if chain.group is not None:
        yield from _group_lines(chain.group)
    for occurrence in chain.occurrences:
        brought = "" if occurrence.run_id is None else f", run {occurrence.run_id}"
        yield f"  due {_second(occurrence.due_at)}: {occurrence.status}{brought}{_because(occurrence.reason)}"
    if chain.group is not None and not chain.runs:
        yield "  no run" + ("" if chain.on is None else " is about that date, or was brought by what was due then")
    for run in chain.runs:
        yield from _run_lines(run)
        for job in (job for job in chain.jobs if job.run_id == run.id):
            yield from _job_lines(job, "    ")
    known = {run.id for run in chain.runs}
    for job in (job for job in chain.jobs if job.run_id not in known):
        yield from _job_lines(job, "  ")
    yield from (f"=> {remedy}" for remedy in chain.remedies)


def _group_lines(group: GroupFacts) -> Iterator[str]:
    switch = "" if group.is_enabled else ", switched off"
    source = f", asks {group.source.code}" if group.source is not None else ""
    after = f", after {' and '.join(group.depends_on)}" if group.depends_on else ""
    yield f"group {group.name}: {group.status}{switch}{source}{after}"
    if group.schedule is None:
        yield "schedule: none; it runs when somebody asks for it"
        return
    policies = f"missed ones: {group.catch_up}, overlap: {group.overlap}"
    yield f"schedule: {group.schedule}; next {cell(group.next_at) or 'not known yet'}; {policies}"
    if group.schedule_error is not None:
        yield f"schedule rests: {group.schedule_error}"


def _run_lines(run: RunFacts) -> Iterator[str]:
    about = f" for {run.for_on}" if run.for_on is not None else ""
    blocked = f", waits for: {run.blocked_by}" if run.blocked_by else ""
    yield f"  run {run.id}, {run.kind}{about}: {run.status}{blocked}{_because(run.error_message)}"
    steps = {"asked for": run.requested_at, "started": run.started_at, "planned": run.planned_at}
    told = [f"{step} {_second(at)}" for step, at in {**steps, "ended": run.completed_at}.items() if at is not None]
    yield f"    {', '.join(told)}"
    if run.planned_at is not None:
        yield f"    {_counted(run)}"
        yield f"    {run.requests} requests, {_rows(run.rows_received, run.rows_written)}"
    yield from (f"    {line}" for line in _written_lines(run.written))


def _counted(run: RunFacts) -> str:
    if not run.total_jobs:
        return "jobs: none planned, as nothing was missing"
    counts = ", ".join(f"{count} {state}" for state, count in run.jobs.items()) or "none"
    held = f" ({run.held_jobs} of them held by the limit of the group)" if run.held_jobs else ""
    return (
        f"jobs: {run.total_jobs} planned; {run.completed_jobs} completed, {run.failed_jobs} failed, "
        f"{run.cancelled_jobs} cancelled; now {counts}{held}"
    )


def _job_lines(job: JobFacts, indent: str) -> Iterator[str]:
    notes = [note for note, holds in (("switched off", not job.is_enabled), ("held", job.is_held)) if holds]
    due = f", due {_second(job.next_at)}" if job.next_at is not None else ""
    name = job.name if job.name == job.key else f"{job.name} ({job.key})"
    state = ", ".join([job.status, *notes])
    # The attempts tell their errors themselves; a deadline that has passed, for instance, is no attempt's.
    error = "" if job.executions else _because(job.last_error)
    yield f"{indent}job {job.id} {name}, {job.job_type}: {state}{error}{due}; {_charged(job)}"
    for attempt in job.executions:
        yield f"{indent}  {_attempt(attempt, job)}"
    yield from (f"{indent}  {line}" for line in _written_lines(job.written))


def _charged(job: JobFacts) -> str:
    deaths = f", {job.crash_count} deaths of its process" if job.crash_count else ""
    return f"{job.attempts} of at most {job.max_retries + 1} attempts{deaths}"


def _attempt(attempt: AttemptFacts, job: JobFacts) -> str:
    run = "" if attempt.run_id in (None, job.run_id) else f" of run {attempt.run_id}"
    waited = "" if attempt.waited_s is None else f" after {attempt.waited_s:g} s of waiting"
    took = "" if attempt.seconds is None else f" in {attempt.seconds:g} s"
    used = f"{attempt.requests} requests, {attempt.bytes:,} bytes, {_rows(attempt.rows, attempt.rows_written)}"
    reason = " ".join(part for part in (attempt.error_class, attempt.reason) if part)
    ended = ": ".join(part for part in (reason, attempt.message) if part)
    return (
        f"attempt {attempt.number}{run}, started {_second(attempt.started_at)}{waited} on {attempt.node}: "
        f"{attempt.status}{took}; {used}{_because(ended)}"
    )


def _rows(received: int, written: int) -> str:
    return f"{received:,} rows received, {written:,} of them new or changed"


def _written_lines(written: tuple[Written, ...]) -> Iterator[str]:
    for part in written:
        dates = str(part.from_on) if part.from_on == part.to_on else f"{part.from_on} to {part.to_on}"
        yield f"wrote {part.dataset}: {part.rows:,} rows in {part.parts} parts ({part.status}), {dates}"


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S")
