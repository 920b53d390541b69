-- Reads the newest run of each group that ever started, if jobs of it failed and no other run is under way or waits: that
-- one would look after whatever is missing. Locks nothing.
SELECT runs.id
FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id
WHERE job_groups.user_id = :user_id AND (CAST(:job_group AS text) IS NULL OR job_groups.name = :job_group)
  AND runs.failed_jobs > 0 AND runs.started_at IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM runs AS other
      WHERE other.job_group_id = runs.job_group_id AND other.id <> runs.id
        AND (other.status IN ('pending', 'running') OR other.id > runs.id AND other.started_at IS NOT NULL))
