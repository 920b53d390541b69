-- Takes up to :count due jobs for this node and opens an execution for each; locks the job rows, skipping locked ones.
WITH due AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE status = 'pending' AND is_enabled AND due_at <= coalesce(:now, clock_timestamp())
      AND job_type = ANY (:job_types)
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
    RETURNING jobs.*
)
INSERT INTO executions (job_id, run_id, node_id, claim_id, attempt, lease_token, lease_until, started_at)
SELECT id, run_id, :node_id, :claim_id, attempts, lease_token,
       coalesce(:now, clock_timestamp()) + make_interval(secs => :lease_s), coalesce(:now, clock_timestamp())
FROM taken
