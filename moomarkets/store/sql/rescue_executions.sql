-- Takes running executions whose lease is over, or whose node is proven dead; locks their job rows, skipping locked ones.
-- The second look at the lease, under the lock of its row, lets a renewal that came in between win.
-- The first death under a job counts, whatever the process was at; later ones only if the job's code had begun.
WITH orphans AS MATERIALIZED (
    SELECT executions.id AS execution_id, jobs.id AS job_id
    FROM executions
    JOIN jobs ON jobs.id = executions.job_id
    WHERE executions.status = 'running'
      AND (executions.id = ANY (:seen) AND executions.lease_until < coalesce(:now, clock_timestamp())
           OR executions.node_id = ANY (:dead_nodes))
      -- What was switched off in a run must end, not wait: that takes the lock of the run first, elsewhere.
      AND (jobs.is_enabled OR jobs.run_id IS NULL)
    ORDER BY executions.id
    LIMIT 500
    FOR UPDATE OF jobs SKIP LOCKED
), interrupted AS (
    UPDATE executions
    SET status = 'interrupted', reason = 'interrupted', error_class = 'retryable',
        error_message = 'the process that ran it died or lost its lease',
        completed_at = coalesce(:now, clock_timestamp()), updated_at = coalesce(:now, clock_timestamp())
    FROM orphans
    WHERE executions.id = orphans.execution_id AND executions.status = 'running'
      AND (executions.lease_until < coalesce(:now, clock_timestamp()) OR executions.node_id = ANY (:dead_nodes))
    RETURNING executions.id, executions.job_id, executions.began_at
)
UPDATE jobs
SET status = 'pending', lease_token = lease_token + 1, attempts = greatest(attempts - 1, 0),
    crash_count = crash_count + CASE WHEN crash_count = 0 OR interrupted.began_at IS NOT NULL THEN 1 ELSE 0 END,
    due_at = coalesce(:now, clock_timestamp())
        + make_interval(secs => CASE
            -- It is given up next, in a transaction of its own, and nobody is to be quicker.
            WHEN crash_count + CASE WHEN crash_count = 0 OR interrupted.began_at IS NOT NULL THEN 1 ELSE 0 END
                 >= coalesce(crash_limit, :crash_limit) THEN 60
            WHEN crash_count = 0 OR interrupted.began_at IS NULL THEN 0
            ELSE least(2.0 ^ least(crash_count - 1, 10), 60) END),
    updated_at = coalesce(:now, clock_timestamp())
FROM interrupted
WHERE jobs.id = interrupted.job_id
RETURNING interrupted.id AS execution_id, jobs.id AS job_id, jobs.run_id, jobs.crash_count, jobs.crash_limit
