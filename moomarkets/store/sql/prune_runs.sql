-- Deletes up to :size runs that are over and old enough, oldest first, never the newest of a group: that one is what the
-- group shows, and what others wait for. Skips locked ones.
WITH old AS MATERIALIZED (
    SELECT runs.id
    FROM runs
    JOIN job_groups ON job_groups.id = runs.job_group_id
    WHERE runs.status NOT IN ('pending', 'running')
      -- Follows from the next line, and needs no other table: most rows go no further.
      AND runs.completed_at < :now - make_interval(days => :least_days)
      AND runs.completed_at < :now - make_interval(days => coalesce(job_groups.keep_days, :keep_days))
      AND EXISTS (SELECT FROM runs AS newer WHERE newer.job_group_id = runs.job_group_id AND newer.id > runs.id)
    ORDER BY runs.id
    LIMIT :size
    FOR UPDATE OF runs SKIP LOCKED
)
DELETE FROM runs USING old WHERE runs.id = old.id
