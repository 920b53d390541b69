-- Lets go of up to :count held jobs of a run: the most urgent that are due, else those that are due soonest. The run row
-- is locked already; locks the rows of those jobs, which nobody else wants while they are held.
WITH due AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE run_id = :run_id AND is_held AND status = 'pending' AND due_at <= coalesce(:now, clock_timestamp())
    ORDER BY (due_at AT TIME ZONE 'UTC') - priority * interval '1 hour', id
    LIMIT :count
), later AS MATERIALIZED (
    SELECT id FROM jobs
    WHERE run_id = :run_id AND is_held AND status = 'pending' AND due_at > coalesce(:now, clock_timestamp())
    ORDER BY due_at, id
    LIMIT :count - (SELECT count(*) FROM due)
)
UPDATE jobs SET is_held = false, updated_at = coalesce(:now, clock_timestamp())
WHERE id IN (SELECT id FROM due UNION ALL SELECT id FROM later)
RETURNING id
