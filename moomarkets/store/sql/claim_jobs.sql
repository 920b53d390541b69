-- Takes up to :count due jobs for this node, opens an execution for each, and reads what is needed to run them; or reads
-- again what this very claim took before its answer was lost. Locks the job rows, skipping locked ones. What rests stays:
-- the groups that are paused with all below them, the sources that are paused or switched off, those whose credential
-- does not open for their user or is refused by the provider, or everything.
WITH RECURSIVE clock AS MATERIALIZED (
    SELECT coalesce(CAST(:now AS timestamptz), clock_timestamp()) AS now
), earlier AS MATERIALIZED (
    SELECT id AS execution_id, job_id, lease_token, attempt
    FROM executions
    WHERE claim_id = :claim_id AND status = 'running'
), closed AS MATERIALIZED (
    SELECT id, code FROM data_sources WHERE is_paused OR NOT is_enabled
), unreadable AS MATERIALIZED (
    SELECT kept.user_id, kept.data_source_id, data_sources.code
    FROM data_source_credentials AS kept JOIN data_sources ON data_sources.id = kept.data_source_id
    WHERE kept.unreadable_by IS NOT NULL OR kept.is_accepted IS FALSE
), paused AS (
    SELECT id FROM job_groups WHERE status = 'paused'
    UNION
    SELECT below.id FROM job_groups AS below JOIN paused ON below.parent_id = paused.id
), due AS MATERIALIZED (
    SELECT id
    FROM jobs
    WHERE status = 'pending' AND is_enabled AND NOT is_held AND due_at <= (SELECT now FROM clock)
      AND (deadline_at IS NULL OR deadline_at > (SELECT now FROM clock))
      -- Follows from the line on due_at: it keeps those that are due in many hours from being read.
      AND (due_at AT TIME ZONE 'UTC') - priority * interval '1 hour'
          <= ((SELECT now FROM clock) AT TIME ZONE 'UTC') - interval '1 hour'
      AND job_type = ANY (ARRAY(
          SELECT known.job_type FROM unnest(CAST(:job_types AS text[]), CAST(:sources AS text[])) AS known (job_type, source)
          WHERE NOT EXISTS (SELECT FROM closed WHERE closed.code = known.source)))
      AND NOT coalesce(job_group_id, 0) IN (
          SELECT id FROM paused
          UNION ALL SELECT job_groups.id FROM job_groups JOIN closed ON closed.id = job_groups.data_source_id
          UNION ALL SELECT job_groups.id FROM job_groups JOIN unreadable
              ON unreadable.data_source_id = job_groups.data_source_id AND unreadable.user_id = job_groups.user_id)
      -- Jobs that stand alone, and those of groups that are bound to another source, or to none. Almost always there is
      -- nothing unreadable, and nothing is looked up for a job.
      AND NOT (EXISTS (SELECT FROM unreadable) AND EXISTS (
          SELECT FROM unreadable
          JOIN unnest(CAST(:job_types AS text[]), CAST(:sources AS text[])) AS known (job_type, source)
              ON known.source = unreadable.code
          WHERE known.job_type = jobs.job_type AND unreadable.user_id = coalesce(
              (SELECT job_groups.user_id FROM job_groups WHERE job_groups.id = jobs.job_group_id), jobs.user_id)))
      AND NOT EXISTS (SELECT FROM earlier) AND NOT EXISTS (SELECT FROM scheduler_settings WHERE NOT is_enabled)
    ORDER BY (due_at AT TIME ZONE 'UTC') - priority * interval '1 hour', id
    LIMIT :count
    FOR UPDATE SKIP LOCKED
), taken AS (
    UPDATE jobs
    SET status = 'running', attempts = attempts + 1, lease_token = lease_token + 1,
        started_at = (SELECT now FROM clock), completed_at = NULL,
        last_run_at = (SELECT now FROM clock), updated_at = (SELECT now FROM clock)
    FROM due
    WHERE jobs.id = due.id
    RETURNING jobs.id, jobs.run_id, jobs.attempts, jobs.lease_token
), opened AS (
    INSERT INTO executions (job_id, run_id, node_id, claim_id, attempt, lease_token, lease_until, started_at)
    SELECT id, run_id, :node_id, :claim_id, attempts, lease_token,
           (SELECT now FROM clock) + make_interval(secs => :lease_s), (SELECT now FROM clock)
    FROM taken
    RETURNING id AS execution_id, job_id, lease_token, attempt
), mine AS (
    SELECT * FROM opened UNION ALL SELECT * FROM earlier
)
SELECT mine.*, jobs.run_id, jobs.job_group_id, coalesce(job_groups.user_id, jobs.user_id) AS user_id, jobs.job_type, jobs.key,
       jobs.name, jobs.parameters, jobs.symbol, jobs.max_retries, jobs.retry_delay, jobs.crash_count,
       jobs.crash_limit, jobs.timeout_s, jobs.priority
FROM mine
JOIN jobs ON jobs.id = mine.job_id
LEFT JOIN job_groups ON job_groups.id = jobs.job_group_id
ORDER BY (jobs.due_at AT TIME ZONE 'UTC') - jobs.priority * interval '1 hour', jobs.id
