-- Reads how far one run has come, and what its jobs that do not run wait for; locks nothing.
WITH RECURSIVE wanted AS (
    SELECT runs.*, job_groups.user_id, job_groups.name AS job_group, job_groups.data_source_id, clock_timestamp() AS at
    FROM runs JOIN job_groups ON job_groups.id = runs.job_group_id
    WHERE runs.id = :run_id AND (CAST(:user_id AS bigint) IS NULL OR job_groups.user_id = :user_id)
), line AS (
    SELECT job_groups.id, job_groups.name, job_groups.status, job_groups.parent_id
    FROM wanted JOIN job_groups ON job_groups.id = wanted.job_group_id
    UNION ALL
    SELECT above.id, above.name, above.status, above.parent_id
    FROM line JOIN job_groups AS above ON above.id = line.parent_id
), counted AS (
    SELECT count(*) FILTER (WHERE jobs.status = 'running') AS running_jobs,
           count(*) FILTER (WHERE jobs.status = 'paused') AS resting_jobs,
           count(*) FILTER (WHERE waits AND jobs.is_held) AS held,
           count(*) FILTER (WHERE waits AND NOT jobs.is_held AND jobs.due_at > wanted.at) AS later,
           count(*) FILTER (WHERE waits AND NOT jobs.is_held AND jobs.due_at <= wanted.at) AS ready,
           extract(epoch FROM max(jobs.due_at) FILTER (WHERE waits) - max(wanted.at))::float8 AS last_due_in_s
    FROM wanted JOIN jobs ON jobs.run_id = wanted.id AND jobs.job_type <> 'plan_group'
    CROSS JOIN LATERAL (SELECT jobs.status = 'pending' AND jobs.is_enabled AS waits) AS judged
)
SELECT wanted.id, wanted.job_group, wanted.status, wanted.for_on, wanted.blocked_by, wanted.total_jobs,
       wanted.completed_jobs, wanted.failed_jobs, wanted.cancelled_jobs, wanted.at,
       extract(epoch FROM wanted.at - wanted.planned_at)::float8 AS planned_s_ago,
       counted.running_jobs, counted.resting_jobs, counted.last_due_in_s,
       jsonb_build_object('an executor', counted.ready, 'the limit of the group', counted.held,
                          'the time of their next try', counted.later,
                          'somebody to resume them', counted.resting_jobs) AS waiting,
       CASE WHEN wanted.status <> 'running' THEN NULL
            WHEN NOT coalesce((SELECT is_enabled FROM scheduler_settings), true) THEN 'the whole is paused'
            WHEN EXISTS (SELECT FROM line WHERE status = 'paused')
                THEN 'group ' || (SELECT min(name) FROM line WHERE status = 'paused') || ' is paused'
            WHEN NOT data_sources.is_enabled THEN 'source ' || data_sources.code || ' is disabled'
            WHEN data_sources.is_paused THEN 'source ' || data_sources.code || ' is paused'
            WHEN EXISTS (SELECT FROM data_source_credentials AS kept
                         WHERE kept.data_source_id = data_sources.id AND kept.user_id = wanted.user_id
                           AND kept.unreadable_by IS NOT NULL)
                THEN 'the credential of ' || data_sources.code || ' does not open'
            WHEN EXISTS (SELECT FROM data_source_credentials AS kept
                         WHERE kept.data_source_id = data_sources.id AND kept.user_id = wanted.user_id
                           AND kept.is_accepted IS FALSE)
                THEN 'the provider refuses the credential of ' || data_sources.code
       END AS obstacle
FROM wanted CROSS JOIN counted
LEFT JOIN data_sources ON data_sources.id = wanted.data_source_id
