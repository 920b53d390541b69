-- Reads the newest attempts of each of some jobs, with how long each waited before it started; locks nothing.
SELECT * FROM (
    SELECT executions.id, executions.job_id, executions.attempt, executions.status, executions.run_id,
           executions.node_id, coalesce(nodes.host || ' pid ' || nodes.pid, '') AS node,
           executions.started_at, executions.completed_at,
           extract(epoch FROM executions.started_at - coalesce(
               lag(executions.completed_at) OVER earlier, runs.planned_at, runs.started_at, jobs.created_at
           ))::float8 AS waited_s,
           extract(epoch FROM executions.completed_at - executions.started_at)::float8 AS seconds,
           executions.requests, executions.bytes, executions.rows_received,
           executions.rows_written, executions.pages,
           executions.error_class, executions.reason, executions.error_message,
           row_number() OVER (PARTITION BY executions.job_id ORDER BY executions.id DESC) AS age
    FROM executions
    JOIN jobs ON jobs.id = executions.job_id
    LEFT JOIN runs ON runs.id = executions.run_id
    LEFT JOIN nodes ON nodes.id = executions.node_id
    WHERE executions.job_id = ANY (:job_ids)
    WINDOW earlier AS (PARTITION BY executions.job_id, executions.run_id ORDER BY executions.id)
) AS attempts
WHERE age <= :most ORDER BY job_id, id
