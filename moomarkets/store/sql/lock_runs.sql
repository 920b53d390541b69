-- Locks each group and then its run, in the order of the runs: whatever may end a run, or let another start, begins so.
-- The order within a row is that of the OF list.
SELECT runs.id, runs.job_group_id, runs.status, runs.cancel_requested_at IS NOT NULL AS is_cancelled,
       runs.definition ->> 'max_parallel' IS NOT NULL AS is_limited
FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id
WHERE runs.id = ANY (:ids)
ORDER BY runs.id
FOR NO KEY UPDATE OF job_groups, runs
