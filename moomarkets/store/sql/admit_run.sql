-- Starts a pending run whose turn it is, with a snapshot of its group; the rows of both are locked already.
WITH admitted AS (
    UPDATE runs
    SET status = 'running', blocked_by = NULL, started_at = coalesce(:now, clock_timestamp()),
        definition = jsonb_build_object(
            'scope', job_groups.scope, 'priority', job_groups.priority, 'max_retries', job_groups.max_retries,
            'retry_delay', job_groups.retry_delay, 'max_parallel', job_groups.max_parallel,
            'crash_limit', job_groups.crash_limit)
    FROM job_groups
    WHERE runs.id = :run_id AND runs.status = 'pending' AND job_groups.id = runs.job_group_id
      AND job_groups.status <> 'paused'
      AND NOT EXISTS (SELECT FROM runs AS ahead WHERE ahead.job_group_id = runs.job_group_id
                      AND (ahead.status = 'running' OR ahead.status = 'pending' AND ahead.id < runs.id))
    RETURNING runs.id, runs.job_group_id
), marked AS (
    UPDATE job_groups SET status = 'running', updated_at = coalesce(:now, clock_timestamp())
    FROM admitted
    WHERE job_groups.id = admitted.job_group_id
)
SELECT id FROM admitted
