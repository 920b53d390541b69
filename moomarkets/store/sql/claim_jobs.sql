-- Takes up to :count due jobs for this node, opens an execution for each, and reads what is needed to run them; or reads
-- again what this very claim took before its answer was lost. Locks the job rows, skipping locked ones.
WITH earlier AS MATERIALIZED (
    SELECT id AS execution_id, job_id, lease_token, attempt
    FROM executions
    WHERE claim_id = :claim_id AND status = 'running'
), due AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE status = 'pending' AND is_enabled AND due_at <= coalesce(:now, clock_timestamp())
      AND job_type = ANY (:job_types) AND NOT EXISTS (SELECT FROM earlier)
    ORDER BY priority DESC, due_at, id
    LIMIT :count
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE jobs
    SET status = 'running', attempts = attempts + 1, lease_token = lease_token + 1,
        started_at = coalesce(:now, clock_timestamp()), completed_at = NULL,
        last_run_at = coalesce(:now, clock_timestamp()), updated_at = coalesce(:now, clock_timestamp())
    FROM due
    WHERE jobs.id = due.id
    RETURNING jobs.id, jobs.run_id, jobs.attempts, jobs.lease_token
), opened AS (
    INSERT INTO executions (job_id, run_id, node_id, claim_id, attempt, lease_token, lease_until, started_at)
    SELECT id, run_id, :node_id, :claim_id, attempts, lease_token,
           coalesce(:now, clock_timestamp()) + make_interval(secs => :lease_s), coalesce(:now, clock_timestamp())
    FROM taken
    RETURNING id AS execution_id, job_id, lease_token, attempt
), mine AS (
    SELECT * FROM opened UNION ALL SELECT * FROM earlier
)
SELECT mine.*, jobs.run_id, jobs.job_group_id, coalesce(job_groups.user_id, 1) AS user_id, jobs.job_type, jobs.key,
       jobs.name, jobs.parameters, jobs.symbol, jobs.max_retries, jobs.retry_delay
FROM mine
JOIN jobs ON jobs.id = mine.job_id
LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
ORDER BY jobs.priority DESC, jobs.due_at, jobs.id
