-- Stores jobs that stand alone, due at once, and tells the listeners in the same statement; asked again after a lost
-- answer it finds those that it has stored, and locks their rows.
WITH made AS (
    INSERT INTO jobs (key, job_type, name, parameters, status)
    SELECT given.key, :job_type, :job_type, given.parameters, 'pending'
    FROM unnest(CAST(:keys AS text[]), CAST(:parameters AS jsonb[])) WITH ORDINALITY
        AS given (key, parameters, position)
    ORDER BY position
    ON CONFLICT (key) WHERE job_group_id IS NULL DO UPDATE SET key = excluded.key
    RETURNING id
)
SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids, pg_notify(:channel, :topic) FROM made
