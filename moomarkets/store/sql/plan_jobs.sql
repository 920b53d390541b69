-- Gives a run its jobs by the definition that it started with; standing jobs of the group are used again under their key,
-- unless they are switched off. Jobs of a limited run are held at first. The run row is locked already; locks the jobs.
INSERT INTO jobs (job_group_id, run_id, key, job_type, name, symbol, parameters, priority, max_retries, retry_delay,
                  crash_limit, status, due_at, is_held)
SELECT runs.job_group_id, runs.id, planned.key, planned.job_type, planned.name, planned.symbol, planned.parameters,
       (runs.definition ->> 'priority')::smallint, (runs.definition ->> 'max_retries')::int,
       (runs.definition ->> 'retry_delay')::int, (runs.definition ->> 'crash_limit')::int,
       'pending', coalesce(:now, clock_timestamp()),
       :is_held AND runs.definition ->> 'max_parallel' IS NOT NULL
FROM runs, jsonb_to_recordset(CAST(:jobs AS jsonb))
     AS planned (key text, job_type text, name text, symbol text, parameters jsonb)
WHERE runs.id = :run_id
ON CONFLICT (job_group_id, key) DO UPDATE
SET run_id = excluded.run_id, status = 'pending', job_type = excluded.job_type, name = excluded.name,
    symbol = excluded.symbol, parameters = excluded.parameters, max_retries = excluded.max_retries,
    retry_delay = excluded.retry_delay, crash_limit = excluded.crash_limit, is_held = excluded.is_held,
    -- A priority of its own, other than that of the group when it last ran, stays.
    priority = CASE WHEN jobs.priority <> (SELECT (earlier.definition ->> 'priority')::smallint
                                           FROM runs AS earlier WHERE earlier.id = jobs.run_id)
                    THEN jobs.priority ELSE excluded.priority END,
    attempts = 0, retry_count = 0, crash_count = 0, progress = 0, due_at = excluded.due_at, completed_at = NULL,
    next_run_at = NULL, updated_at = coalesce(:now, clock_timestamp())
WHERE jobs.status <> 'running' AND jobs.is_enabled
RETURNING id
