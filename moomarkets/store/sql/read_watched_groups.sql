-- Reads the groups that keep datasets by a schedule, with whatever makes one rest; locks nothing.
WITH RECURSIVE line AS (
    SELECT id AS group_id, id, name, status, is_enabled, parent_id, 0 AS up FROM job_groups
    UNION ALL
    SELECT line.group_id, above.id, above.name, above.status, above.is_enabled, above.parent_id, line.up + 1
    FROM line JOIN job_groups AS above ON above.id = line.parent_id
)
SELECT job_groups.id, job_groups.user_id, job_groups.name, job_groups.scope, job_groups.created_at, schedules.spec,
       CASE
           WHEN NOT coalesce((SELECT is_enabled FROM scheduler_settings), true) THEN 'everything is paused'
           WHEN NOT data_sources.is_enabled THEN 'source ' || data_sources.code || ' is switched off'
           WHEN data_sources.is_paused THEN 'source ' || data_sources.code || ' is paused'
           ELSE (SELECT 'group ' || line.name || CASE WHEN line.is_enabled THEN ' is paused' ELSE ' is switched off' END
                 FROM line
                 WHERE line.group_id = job_groups.id AND (line.status = 'paused' OR NOT line.is_enabled)
                 ORDER BY line.up LIMIT 1)
       END AS resting,
       -- What has just begun, or waits since just now, may still bring it.
       (SELECT max(coalesce(runs.started_at, runs.requested_at)) FROM runs
        WHERE runs.job_group_id = job_groups.id AND runs.status IN ('pending', 'running')) AS under_way_since
FROM job_groups
JOIN data_sources ON data_sources.id = job_groups.data_source_id
LEFT JOIN schedules ON schedules.job_group_id = job_groups.id AND schedules.is_enabled AND schedules.error IS NULL
WHERE CAST(:user_id AS bigint) IS NULL OR job_groups.user_id = :user_id
ORDER BY job_groups.id
