"""The whole life of groups, runs and jobs against a plain model: thousands of random steps on a real database."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from moomarkets.domain.errors import Conflict, Fenced, InvalidInput, Reason
from moomarkets.domain.group import RunKind
from moomarkets.domain.job import PLAN, Attempt, Usage
from moomarkets.domain.retry import GiveUp, Retry
from moomarkets.store import completions, groups, job_switch, jobs, rescue, retries, runs
from moomarkets.store.completions import Completion
from tests.moomarkets.store.life_model import ENDED, OPEN, GroupModel, JobModel, Model, RunModel
from tests.moomarkets.store.scene import LOCAL, Scene, after, planned

KEYS = ("a", "b", "c", "d", "e")
EXAMPLES, STEPS = 40, 60
LEASE_S = 30
# No row means that all is well.
BROKEN = """
    SELECT 'counters', runs.id FROM runs
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE status = 'completed' AND job_type <> 'plan_group') AS completed,
                               count(*) FILTER (WHERE status = 'failed') AS failed,
                               count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
                               count(*) FILTER (WHERE job_type <> 'plan_group'
                                                   OR status IN ('failed', 'cancelled')) AS total
                        FROM jobs WHERE jobs.run_id = runs.id) AS recount
    WHERE planned_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM runs AS newer WHERE newer.job_group_id = runs.job_group_id
                      AND newer.started_at IS NOT NULL AND newer.id > runs.id)
      AND (completed_jobs, failed_jobs, cancelled_jobs) <> (completed, failed, cancelled)
  UNION ALL
    SELECT 'limit', runs.id FROM runs
    CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE NOT is_held AND status IN ('pending', 'running')) AS open,
                               count(*) FILTER (WHERE is_held) AS held
                        FROM jobs WHERE jobs.run_id = runs.id AND job_type <> 'plan_group') AS places
    WHERE status = 'running' AND definition ->> 'max_parallel' IS NOT NULL
      AND (open > (definition ->> 'max_parallel')::int OR held > 0 AND open < (definition ->> 'max_parallel')::int)
  UNION ALL
    SELECT 'held', id FROM jobs WHERE is_held AND status <> 'pending'
  UNION ALL
    SELECT 'attempts', id FROM jobs WHERE attempts > max_retries + 1
  UNION ALL
    SELECT 'lease', jobs.id FROM jobs
    LEFT JOIN executions ON executions.job_id = jobs.id AND executions.status = 'running'
    WHERE (jobs.status = 'running') <> (executions.id IS NOT NULL) OR executions.lease_token <> jobs.lease_token
"""


class Life(RuleBasedStateMachine):
    """Everything that may be done to the store, in any order; `scene` is set by the test."""

    scene: Scene
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        for table in ("job_groups", "jobs"):
            self.scene.execute(f"DELETE FROM {table}")
        self.model, self.now, self.tokens = Model(), 0.0, {}

    # Choosing.

    def pick(self, data: st.DataObject, things: Any) -> Any:
        return data.draw(st.sampled_from(sorted(things, key=lambda thing: thing.id)))

    def pick_job(self, data: st.DataObject) -> JobModel:
        job: JobModel = self.pick(data, self.model.jobs.values())
        return job

    def pick_attempt(self, data: st.DataObject) -> tuple[JobModel, Attempt]:
        job = self.model.jobs[data.draw(st.sampled_from(sorted(self.model.running)))]
        return job, self.model.running[job.id]

    def do(self, work: Any, *args: Any, **kwargs: Any) -> Any:
        return self.scene.do(work, *args, now=after(self.now), **kwargs)

    def job_ids(self, group: int) -> dict[str, int]:
        rows = self.scene.one(
            "SELECT coalesce(jsonb_object_agg(key, id), '{}') FROM jobs WHERE job_group_id = :id", id=group
        )
        ids: dict[str, int] = rows[0]
        return ids

    # Groups.

    @precondition(lambda self: len(self.model.groups) < 2)
    @rule(limit=st.sampled_from([None, 1, 2]), retries=st.integers(0, 2))
    def create_group(self, limit: int | None, retries: int) -> None:
        name = str(uuid4())
        group_id = self.scene.group(name, max_parallel=limit, max_retries=retries)
        self.model.groups[group_id] = GroupModel(group_id, name, limit, retries)

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data(), limit=st.sampled_from([None, 1, 3]))
    def edit_group(self, data: st.DataObject, limit: int | None) -> None:
        group: GroupModel = self.pick(data, self.model.groups.values())
        self.scene.execute("UPDATE job_groups SET max_parallel = :limit WHERE id = :id", limit=limit, id=group.id)
        group.limit = limit

    @precondition(lambda self: len(self.model.groups) == 2)
    @rule(data=st.data())
    def delete_group(self, data: st.DataObject) -> None:
        group: GroupModel = self.pick(data, self.model.groups.values())
        self.do(groups.delete, LOCAL, group.name)
        self.model.delete_group(group.id)

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data())
    def pause_or_resume_group(self, data: st.DataObject) -> None:
        group: GroupModel = self.pick(data, self.model.groups.values())
        group.is_paused = not group.is_paused
        self.scene.do(groups.set_paused, group.id, group.is_paused)

    # Runs.

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data(), kind=st.sampled_from(RunKind))
    def request(self, data: st.DataObject, kind: RunKind) -> None:
        group: GroupModel = self.pick(data, self.model.groups.values())
        answers = [run for run in self.model.runs_of(group.id, "pending") if run.kind == RunKind.MANUAL]
        answers = [*self.model.runs_of(group.id, "running"), *answers]
        run_id, is_new = self.do(runs.request, group.id, uuid4(), kind)
        assert is_new == (kind is RunKind.SCHEDULED or not answers)
        if is_new:
            self.model.runs[run_id] = RunModel(run_id, group.id, kind)
        else:
            assert run_id == answers[0].id

    @precondition(lambda self: any(run.status == "pending" for run in self.model.runs.values()))
    @rule(data=st.data())
    def admit(self, data: st.DataObject) -> None:
        self._admit(self.pick(data, [run for run in self.model.runs.values() if run.status == "pending"]))

    def _admit(self, run: RunModel) -> None:
        group = self.model.groups[run.group]
        may_start = self.model.may_start(run)
        assert self.do(runs.admit, run.id) == may_start
        if may_start:
            run.status, run.limit, run.retries, run.has_started = "running", group.limit, group.retries, True
            plan = self.job_ids(group.id)[PLAN]
            self.model.jobs[plan] = JobModel(plan, group.id, run.id, PLAN, most=group.retries + 1)

    @precondition(lambda self: self.model.runs)
    @rule(data=st.data(), skips=st.booleans())
    def cancel_or_skip_run(self, data: st.DataObject, skips: bool) -> None:
        run: RunModel = self.pick(data, self.model.runs.values())
        if skips and run.status == "pending":
            assert self.do(runs.skip, run.id, "dependency: as the test says")
            run.status, self.model.groups[run.group].outcome = "skipped", "idle"
            return
        running = [job.id for job in self.model.jobs_of(run.id, ("running",))]
        assert self.do(runs.cancel, run.id) == (sorted(running) if run.status == "running" else [])
        self.model.cancel_run(run)

    @precondition(lambda self: self.model.groups)
    @rule(data=st.data())
    def retry_failed(self, data: st.DataObject) -> None:
        group: GroupModel = self.pick(data, self.model.groups.values())
        candidates = [run for run in self.model.runs_of(group.id) if self.model.is_repairable(run)]
        failed = [(run, job) for run in candidates for job in self.model.jobs_of(run.id, ("failed",)) if job.is_enabled]
        assert self.do(retries.retry_failed, LOCAL, group.name) == len(failed)
        for run, job in failed:
            self.model.reopen(run, [job])

    @precondition(lambda self: self._free_groups())
    @rule(data=st.data(), keys=st.sets(st.sampled_from(KEYS), min_size=3))
    def start_run(self, data: st.DataObject, keys: set[str]) -> None:
        """All that it takes to have jobs: few random walks would come so far."""
        group: GroupModel = self.pick(data, self._free_groups())
        run_id, _ = self.do(runs.request, group.id, uuid4(), RunKind.SCHEDULED)
        self.model.runs[run_id] = RunModel(run_id, group.id, RunKind.SCHEDULED)
        first = self.model.runs_of(group.id, "pending")[0]
        self._admit(first)
        self._take(self._claim(20, uuid4()))
        plan = next(job for job in self.model.jobs_of(first.id) if job.is_plan)
        self._complete(plan, keys)

    def _free_groups(self) -> list[GroupModel]:
        free = [group for group in self.model.groups.values() if not group.is_paused]
        return [group for group in free if not self.model.runs_of(group.id, "running")]

    # Attempts.

    @precondition(lambda self: self.model.jobs)
    @rule(count=st.integers(1, 4))
    def claim(self, count: int) -> None:
        claim_id = uuid4()
        self._take(self._claim(count, claim_id))
        assert {found.lease.job_id for found in self._claim(count, claim_id)} <= set(self.model.running)

    def _take(self, attempts: list[Attempt]) -> None:
        for attempt in attempts:
            job = self.model.jobs[attempt.lease.job_id]
            assert (job.status, job.is_enabled) == ("pending", True)
            assert not self.model.groups[job.group].is_paused
            job.status, job.attempts = "running", job.attempts + 1
            assert attempt.number == job.attempts
            self.model.running[job.id] = attempt

    def _claim(self, count: int, claim_id: UUID) -> list[Attempt]:
        return self.scene.claim(
            count, claim_id=claim_id, job_types=("fetch", PLAN), lease_s=LEASE_S, now=after(self.now)
        )

    @precondition(lambda self: self.model.running)
    @rule(data=st.data(), keys=st.sets(st.sampled_from(KEYS)))
    def complete(self, data: st.DataObject, keys: set[str]) -> None:
        self._complete(self.pick_attempt(data)[0], keys)

    def _complete(self, job: JobModel, keys: set[str]) -> None:
        attempt, run = self.model.running[job.id], self.model.runs[job.run]
        work = planned(*sorted(keys))

        def write(connection: Any) -> None:
            if job.is_plan:
                runs.plan(connection, run.id, work, after(self.now))

        completion_id = uuid4()
        ended = self.scene.complete(attempt, completion_id, write=write, now=after(self.now))
        assert self.scene.complete(attempt, completion_id, now=after(self.now)) == ended
        del self.model.running[job.id]
        if job.is_plan:
            self.model.plan(run, sorted(keys), self.job_ids(job.group))
        self.model.end_job(job, "completed")
        assert ended == (run.status in ENDED)

    @precondition(lambda self: any(not self.model.jobs[job].is_plan for job in self.model.running))
    @rule()
    def complete_all(self) -> None:
        done = [job for job in map(self.model.jobs.__getitem__, sorted(self.model.running)) if not job.is_plan]
        ends = [Completion(self.model.running[job.id], uuid4(), Usage(), after(self.now)) for job in done]
        self.scene.do(completions.complete_many, ends)
        for job in done:
            del self.model.running[job.id]
            self.model.end_job(job, "completed")

    @precondition(lambda self: self.model.running)
    @rule(
        data=st.data(),
        reason=st.sampled_from([Reason.NETWORK, Reason.INVALID, Reason.INTERRUPTED, Reason.CANCELLED]),
        delay_s=st.sampled_from([0.0, 5.0]),
    )
    def fail(self, data: st.DataObject, reason: Reason, delay_s: float) -> None:
        job, attempt = self.pick_attempt(data)
        run = self.model.runs[job.run]
        again = reason is Reason.INTERRUPTED or (reason is Reason.NETWORK and attempt.number < job.most)
        verdict = Retry(delay_s, is_charged=reason is Reason.NETWORK) if again else GiveUp(reason)
        self.scene.fail(attempt, reason, verdict, now=after(self.now))
        del self.model.running[job.id]
        if again and job.is_enabled and not run.is_cancelled:
            job.status = "pending"
            job.attempts -= 0 if reason is Reason.NETWORK else 1
        else:
            self.model.end_job(job, "cancelled" if again or reason is Reason.CANCELLED else "failed")

    @precondition(lambda self: self.model.late)
    @rule(data=st.data(), succeeds=st.booleans())
    def bring_a_late_result(self, data: st.DataObject, succeeds: bool) -> None:
        attempt = data.draw(st.sampled_from(self.model.late))
        with pytest.raises(Fenced):
            _ = self.scene.complete(attempt) if succeeds else self.scene.fail(attempt)

    @precondition(lambda self: self.model.running)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        job, attempt = self.pick_attempt(data)
        kept = self.do(jobs.renew, [attempt.lease], lease_s=LEASE_S)
        is_cancelled = self.model.runs[job.run].is_cancelled
        assert kept == (set() if is_cancelled else {attempt.lease.execution_id})

    @precondition(lambda self: self.model.running)
    @rule(crash_limit=st.integers(1, 3))
    def crash(self, crash_limit: int) -> None:
        """All leases run out; a rescuer takes the work back, and parks what has killed too often."""
        self.now += LEASE_S + 1
        overdue = sorted(self.do(rescue.overdue))
        orphans = self.do(rescue.rescue, overdue, [])
        assert {orphan.job_id for orphan in orphans} == set(self.model.running)
        for orphan in orphans:
            job = self.model.jobs[orphan.job_id]
            self.model.lose(job.id)
            job.attempts -= 1
            if self.model.runs[job.run].is_cancelled or not job.is_enabled:
                self.model.end_job(job, "cancelled")
            else:
                job.status = "pending"
        for orphan in orphans:
            if orphan.crash_count >= crash_limit and self.model.jobs[orphan.job_id].status == "pending":
                self.do(rescue.give_up, orphan)
                self.model.end_job(self.model.jobs[orphan.job_id], "failed")

    # Jobs.

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data(), is_enabled=st.booleans())
    def switch_job(self, data: st.DataObject, is_enabled: bool) -> None:
        job = self.pick_job(data)
        if job.is_plan and not is_enabled:
            with pytest.raises(InvalidInput):
                self.do(job_switch.set_enabled, job.id, is_enabled)
            return
        self.do(job_switch.set_enabled, job.id, is_enabled)
        job.is_enabled = is_enabled
        if not is_enabled and job.status in ("pending", "paused"):
            self.model.end_job(job, "cancelled")

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def pause_or_resume_job(self, data: st.DataObject) -> None:
        job = self.pick_job(data)
        if job.status == "pending":
            self.do(job_switch.pause_job, job.id)
            job.status = "paused"
        elif job.status == "paused":
            self.do(job_switch.resume_job, job.id)
            job.status = "pending"
        else:
            with pytest.raises(Conflict):
                self.do(job_switch.pause_job, job.id)

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def cancel_job(self, data: st.DataObject) -> None:
        job = self.pick_job(data)
        assert self.do(job_switch.cancel_job, job.id) == ([job.id] if job.status == "running" else [])
        if job.id in self.model.running:
            self.model.lose(job.id)
        if job.status in OPEN:
            self.model.end_job(job, "cancelled")

    @precondition(lambda self: self.model.jobs)
    @rule(data=st.data())
    def retry_job(self, data: st.DataObject) -> None:
        job = self.pick_job(data)
        run = self.model.runs[job.run]
        is_refused = job.status != "running" and (
            not job.is_enabled
            or job.status == "paused"
            or (
                job.status in ENDED
                and (not self.model.is_repairable(run) or (job.is_plan and job.status == "completed"))
            )
        )
        if is_refused:
            with pytest.raises(Conflict):
                self.do(job_switch.retry_job, job.id)
            return
        self.do(job_switch.retry_job, job.id)
        if job.status in ENDED:
            self.model.reopen(run, [job])

    # What always holds.

    @invariant()
    def the_store_is_as_the_model_says(self) -> None:
        type(self).steps += 1
        self.now += 1
        model = self.model
        expected: dict[str, dict[str, Any]] = {
            "job_groups": {str(group.id): model.group_status(group) for group in model.groups.values()},
            "runs": {str(run.id): run.status for run in model.runs.values()},
            "jobs": {str(job.id): f"{job.status} {job.attempts}" for job in model.jobs.values()},
        }
        assert self._stored() == expected

    @invariant()
    def nothing_is_broken_and_tokens_only_grow(self) -> None:
        assert self.scene.one(BROKEN) is None
        tokens: dict[str, int] = self.scene.one("SELECT coalesce(jsonb_object_agg(id, lease_token), '{}') FROM jobs")[0]
        assert all(token >= self.tokens.get(job, 0) for job, token in tokens.items())
        self.tokens = tokens

    def _stored(self) -> dict[str, dict[str, Any]]:
        row = self.scene.one(
            """
            SELECT (SELECT coalesce(jsonb_object_agg(id, status), '{}') FROM job_groups) AS job_groups,
                   (SELECT coalesce(jsonb_object_agg(id, status), '{}') FROM runs) AS runs,
                   (SELECT coalesce(jsonb_object_agg(id, status || ' ' || attempts), '{}') FROM jobs) AS jobs
            """
        )
        return dict(row._mapping)


def test_the_whole_life_is_as_the_model_says(scene: Scene) -> None:
    bound = type("BoundLife", (Life,), {"scene": scene})
    calm = settings(
        max_examples=EXAMPLES,
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )

    run_state_machine_as_test(bound, settings=calm)

    assert bound.steps >= 2000  # type: ignore[attr-defined]  # it is a Life
