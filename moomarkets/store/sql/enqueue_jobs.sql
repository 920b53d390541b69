-- Stores jobs that stand alone, due at once, and tells the listeners in the same statement; locks nothing that is there.
WITH made AS (
    INSERT INTO jobs (key, job_type, name, parameters, status)
    SELECT given.key, :job_type, :job_type, given.parameters, 'pending'
    FROM unnest(CAST(:keys AS text[]), CAST(:parameters AS jsonb[])) WITH ORDINALITY
        AS given (key, parameters, position)
    ORDER BY position
    RETURNING id
)
SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids, pg_notify(:channel, :topic) FROM made
