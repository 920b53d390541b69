-- Stores jobs that stand alone, each under a unique key, unless a job of that user and type has it that is not over; says for each
-- the id of the job that there is now, and null where somebody has just stored one that this statement cannot see yet.
WITH called AS MATERIALIZED (
    SELECT coalesce(CAST(:key AS text), gen_random_uuid()::text) AS key
), given AS MATERIALIZED (
    SELECT given.parameters, named.unique_key, given.position,
           min(given.position) OVER (PARTITION BY named.unique_key) AS first
    FROM jsonb_array_elements(CAST(:parameters AS jsonb)) WITH ORDINALITY AS given (parameters, position)
    JOIN unnest(CAST(:unique_keys AS text[])) WITH ORDINALITY AS named (unique_key, position)
        ON named.position = given.position
), made AS (
    INSERT INTO jobs (user_id, key, unique_key, job_type, name, parameters, priority, due_at, deadline_at, timeout_s, max_retries,
                      retry_delay, status)
    SELECT :user_id, called.key || '/' || given.position, given.unique_key, :job_type, :name, given.parameters, :priority,
           coalesce(CAST(:due_at AS timestamptz), :now, clock_timestamp()), CAST(:deadline_at AS timestamptz),
           CAST(:timeout_s AS float8), :max_retries, :retry_delay_s, 'pending'
    FROM given, called
    WHERE given.position = given.first
    ORDER BY given.position
    ON CONFLICT DO NOTHING
    RETURNING id, key
), told AS (
    SELECT pg_notify(:channel, :topic) FROM made LIMIT 1
)
SELECT array_agg(coalesce(
           made.id,
           (SELECT jobs.id FROM jobs WHERE jobs.key = called.key || '/' || given.first AND jobs.job_group_id IS NULL),
           (SELECT jobs.id FROM jobs WHERE jobs.user_id = :user_id AND jobs.job_type = :job_type AND jobs.unique_key = given.unique_key
                AND jobs.status IN ('pending', 'running', 'paused'))) ORDER BY given.position) AS ids,
       (SELECT count(*) FROM told) AS told
FROM given CROSS JOIN called LEFT JOIN made ON made.key = called.key || '/' || given.first
