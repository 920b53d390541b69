-- Stores jobs that stand alone, on the same terms, and tells the listeners in the same statement; asked again after a lost
-- answer it finds those that it has stored, and locks their rows.
WITH made AS (
    INSERT INTO jobs (user_id, key, job_type, name, parameters, priority, due_at, deadline_at, timeout_s, max_retries, retry_delay,
                      status)
    SELECT :user_id, coalesce(CAST(:key AS text), gen_random_uuid()::text) || '/' || given.position, :job_type, :name, given.parameters, :priority,
           coalesce(CAST(:due_at AS timestamptz), :now, clock_timestamp()), CAST(:deadline_at AS timestamptz),
           CAST(:timeout_s AS float8), :max_retries, :retry_delay_s, 'pending'
    FROM jsonb_array_elements(CAST(:parameters AS jsonb)) WITH ORDINALITY AS given (parameters, position)
    ORDER BY given.position
    ON CONFLICT (key) WHERE job_group_id IS NULL DO UPDATE SET key = excluded.key
    RETURNING id
)
SELECT coalesce(array_agg(id ORDER BY id), '{}') AS ids, pg_notify(:channel, :topic) FROM made
