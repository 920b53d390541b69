-- Which of the given jobs may not start now: theirs or everything is paused or switched off, as the claim sees it.
WITH RECURSIVE closed AS MATERIALIZED (
    SELECT id, code FROM data_sources WHERE is_paused OR NOT is_enabled
), paused AS (
    SELECT id FROM job_groups WHERE status = 'paused'
    UNION
    SELECT below.id FROM job_groups AS below JOIN paused ON below.parent_id = paused.id
)
SELECT jobs.id
FROM unnest(CAST(:job_ids AS bigint[]), CAST(:sources AS text[])) AS held (id, source)
JOIN jobs ON jobs.id = held.id
LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
WHERE NOT jobs.is_enabled
   OR jobs.job_group_id IN (SELECT id FROM paused)
   OR EXISTS (SELECT FROM closed WHERE closed.id = job_groups.data_source_id OR closed.code = held.source)
   OR EXISTS (SELECT FROM scheduler_settings WHERE NOT scheduler_settings.is_enabled)
