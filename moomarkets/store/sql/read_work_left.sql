-- Counts what is not done; jobs that rest, because they, their group, their source or everything is paused or switched
-- off, or the credential does not open, are not due for anybody. Of one user, or of all. Takes no locks.
WITH RECURSIVE closed AS MATERIALIZED (
    SELECT id FROM data_sources WHERE is_paused OR NOT is_enabled
), paused AS (
    SELECT id FROM job_groups WHERE status = 'paused'
    UNION
    SELECT below.id FROM job_groups AS below JOIN paused ON below.parent_id = paused.id
), mine AS MATERIALIZED (
    SELECT id FROM job_groups WHERE CAST(:user_id AS bigint) IS NULL OR user_id = :user_id
), my_runs AS MATERIALIZED (
    SELECT status, blocked_by FROM runs WHERE status IN ('pending', 'running') AND job_group_id IN (SELECT id FROM mine)
), open AS MATERIALIZED (
    SELECT job_group_id, status, is_enabled, due_at FROM jobs
    WHERE status IN ('pending', 'paused', 'running')
      AND (CAST(:user_id AS bigint) IS NULL OR job_group_id IN (SELECT id FROM mine)
           OR job_group_id IS NULL AND user_id = :user_id)
), ready AS MATERIALIZED (
    SELECT due_at <= clock_timestamp() + interval '2 seconds' AS is_due, due_at
    FROM open
    WHERE status = 'pending' AND is_enabled
      AND NOT coalesce(job_group_id, 0) IN (
          SELECT id FROM paused
          UNION ALL SELECT job_groups.id FROM job_groups JOIN closed ON closed.id = job_groups.data_source_id
          UNION ALL SELECT job_groups.id FROM job_groups JOIN data_source_credentials AS kept
              ON kept.data_source_id = job_groups.data_source_id AND kept.user_id = job_groups.user_id
              AND (kept.unreadable_by IS NOT NULL OR kept.is_accepted IS FALSE))
      AND NOT EXISTS (SELECT FROM scheduler_settings WHERE NOT scheduler_settings.is_enabled)
)
SELECT (SELECT count(*) FROM my_runs WHERE status = 'pending') AS pending_runs,
       (SELECT count(*) FROM my_runs WHERE status = 'running') AS running_runs,
       (SELECT count(*) FROM my_runs WHERE status = 'pending' AND blocked_by IS NULL) AS unjudged_runs,
       (SELECT count(*) FROM open WHERE status = 'running') AS running_jobs,
       (SELECT count(*) FROM ready WHERE is_due) AS due_jobs,
       (SELECT count(*) FROM ready WHERE NOT is_due) AS later_jobs,
       (SELECT count(*) FROM open WHERE status IN ('pending', 'paused') AND is_enabled)
           - (SELECT count(*) FROM ready) AS resting_jobs,
       (SELECT min(due_at) FROM ready) AS next_due_at,
       (SELECT count(*) FROM v_groups WHERE run_status IN ('failed', 'cancelled') AND id IN (SELECT id FROM mine)) AS failed_groups
