-- Reads the failed jobs of a run, narrowed to what their last attempts failed with; locks nothing.
SELECT jobs.id
FROM jobs
LEFT JOIN LATERAL (
    SELECT reason, error_class FROM executions WHERE executions.job_id = jobs.id ORDER BY executions.id DESC LIMIT 1
) AS last ON true
WHERE jobs.run_id = :run_id AND jobs.status = 'failed' AND jobs.is_enabled
  AND (CAST(:reason AS text) IS NULL OR last.reason = :reason)
  AND (CAST(:error_class AS text) IS NULL OR last.error_class = :error_class)
