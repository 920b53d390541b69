-- Deletes what is old enough of the next :size attempts after :after, skipping locked ones; says how many, where it has
-- come to, and whether whatever follows is too young. Attempts come in the order of their age.
WITH here AS MATERIALIZED (
    SELECT executions.id, executions.created_at, executions.status <> 'running' AND executions.completed_at
               < :now - make_interval(days => coalesce(job_groups.keep_days, :keep_days)) AS is_old
    FROM (SELECT * FROM executions WHERE id > :after ORDER BY id LIMIT :size) AS executions
    JOIN jobs ON jobs.id = executions.job_id
    LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
), locked AS MATERIALIZED (
    SELECT id FROM executions WHERE id IN (SELECT id FROM here WHERE is_old) ORDER BY id FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM executions USING locked WHERE executions.id = locked.id RETURNING executions.id
)
SELECT (SELECT count(*) FROM gone) AS pruned, (SELECT max(id) FROM here) AS last_id,
       coalesce((SELECT max(created_at) > :now - make_interval(days => :least_days) FROM here), true)
           OR (SELECT count(*) < :size FROM here) AS is_over
