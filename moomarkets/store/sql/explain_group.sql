-- Reads one group with its schedule, its source, and the group, itself or above, that is paused or switched off; locks
-- nothing.
WITH RECURSIVE line AS (
    SELECT id, name, status, parent_id, is_enabled, 0 AS up FROM job_groups WHERE user_id = :user_id AND name = :name
    UNION ALL
    SELECT above.id, above.name, above.status, above.parent_id, above.is_enabled, line.up + 1
    FROM line JOIN job_groups AS above ON above.id = line.parent_id
)
SELECT job_groups.id, job_groups.name, job_groups.status, job_groups.is_enabled, job_groups.next_run_at,
       (SELECT name FROM line WHERE status = 'paused' ORDER BY up LIMIT 1) AS paused_by,
       (SELECT name FROM line WHERE NOT is_enabled ORDER BY up LIMIT 1) AS switched_off_by,
       data_sources.code AS source, data_sources.is_enabled AS source_is_enabled,
       data_sources.is_paused AS source_is_paused,
       coalesce((data_sources.config ->> 'needs_credential')::boolean, false) AND NOT EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
       ) AS credential_is_missing,
       EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
             AND kept.unreadable_by IS NOT NULL
       ) AS credential_is_unreadable,
       EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
             AND kept.is_accepted IS FALSE
       ) AS credential_is_refused,
       (SELECT silent_until FROM permit_buckets
        WHERE permit_buckets.data_source_id = data_sources.id AND permit_buckets.user_id = job_groups.user_id
          AND silent_until > clock_timestamp()) AS silent_until,
       schedules.spec, schedules.error AS schedule_error, schedules.catch_up ->> 'policy' AS catch_up,
       schedules.overlap,
       ARRAY(SELECT above.name FROM job_group_dependencies AS edge
             JOIN job_groups AS above ON above.id = edge.depends_on_id
             WHERE edge.job_group_id = job_groups.id ORDER BY above.name) AS depends_on
FROM line
JOIN job_groups ON job_groups.id = line.id
LEFT JOIN data_sources ON data_sources.id = job_groups.data_source_id
LEFT JOIN schedules ON schedules.job_group_id = job_groups.id
WHERE line.up = 0
