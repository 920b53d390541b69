-- Deletes what is old enough of the next :size jobs after :after, with its attempts: jobs that stand alone and are over.
-- Skips locked ones; says how many, where it has come to, and whether whatever follows is too young.
WITH here AS MATERIALIZED (
    SELECT id, created_at, job_group_id IS NULL AND status IN ('completed', 'failed', 'cancelled')
               AND completed_at < :now - make_interval(days => :keep_days) AS is_old
    FROM jobs WHERE id > :after ORDER BY id LIMIT :size
), locked AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE id IN (SELECT id FROM here WHERE is_old) AND status IN ('completed', 'failed', 'cancelled')
    ORDER BY id FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM jobs USING locked WHERE jobs.id = locked.id RETURNING jobs.id
)
SELECT (SELECT count(*) FROM gone) AS pruned, (SELECT max(id) FROM here) AS last_id,
       coalesce((SELECT max(created_at) > :now - make_interval(days => :least_days) FROM here), true)
           OR (SELECT count(*) < :size FROM here) AS is_over
