-- Reads what a claim took, by the claim's own id, so that a claim whose answer was lost is found again; no lock.
SELECT executions.id AS execution_id, executions.job_id, executions.lease_token, executions.attempt,
       jobs.run_id, jobs.job_group_id, coalesce(job_groups.user_id, 1) AS user_id, jobs.job_type, jobs.key, jobs.name,
       jobs.parameters, jobs.symbol, jobs.max_retries, jobs.retry_delay
FROM executions
JOIN jobs ON jobs.id = executions.job_id
LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
WHERE executions.claim_id = :claim_id AND executions.status = 'running'
ORDER BY jobs.priority DESC, jobs.due_at, jobs.id
