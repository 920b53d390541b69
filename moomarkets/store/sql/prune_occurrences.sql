-- Deletes up to :size settled instants that are old enough, oldest first, never the newest of a schedule: from that one on
-- is counted what is due. Skips locked ones.
WITH old AS MATERIALIZED (
    SELECT occurrences.id
    FROM occurrences
    JOIN schedules ON schedules.id = occurrences.schedule_id
    JOIN job_groups ON job_groups.id = schedules.job_group_id
    WHERE occurrences.status <> 'pending'
      -- Follows from the next line, and needs no other table: most rows go no further.
      AND occurrences.due_at < :now - make_interval(days => :least_days)
      AND occurrences.due_at < :now - make_interval(days => coalesce(job_groups.keep_days, :keep_days))
      AND EXISTS (SELECT FROM occurrences AS newer
                  WHERE newer.schedule_id = occurrences.schedule_id AND newer.due_at > occurrences.due_at)
    ORDER BY occurrences.id
    LIMIT :size
    FOR UPDATE OF occurrences SKIP LOCKED
)
DELETE FROM occurrences USING old WHERE occurrences.id = old.id
