-- Ends many executions that bring no rows, each behind its own fence; locks the jobs in order of their ids, then the executions.
WITH given AS MATERIALIZED (
    SELECT * FROM unnest(
        CAST(:execution_ids AS bigint[]), CAST(:job_ids AS bigint[]), CAST(:tokens AS bigint[]),
        CAST(:completion_ids AS uuid[]), CAST(:requests AS int[]), CAST(:bytes AS bigint[]),
        CAST(:rows AS bigint[]), CAST(:written AS bigint[]), CAST(:pages AS int[]), CAST(:lasted_s AS double precision[])
    ) AS given (execution_id, job_id, token, completion_id, requests, bytes, rows_received, rows_written, pages, lasted_s)
), locked AS MATERIALIZED (
    SELECT jobs.id FROM jobs JOIN given ON given.job_id = jobs.id ORDER BY jobs.id FOR UPDATE OF jobs
), ended AS (
    UPDATE executions
    SET status = 'completed', completion_id = given.completion_id, completed_at = coalesce(:now, clock_timestamp()),
        updated_at = coalesce(:now, clock_timestamp()), requests = given.requests, bytes = given.bytes,
        rows_received = given.rows_received, rows_written = given.rows_written, pages = given.pages,
        began_at = coalesce(executions.began_at,
                            coalesce(:now, clock_timestamp()) - make_interval(secs => given.lasted_s))
    FROM given JOIN locked ON locked.id = given.job_id
    WHERE executions.id = given.execution_id AND executions.lease_token = given.token
      -- Said so that no plan begins with all that runs: how much that is, the statistics cannot know.
      AND coalesce(executions.status, '') = 'running'
    RETURNING executions.id, executions.job_id
), done AS (
    UPDATE jobs
    SET status = 'completed', completed_at = coalesce(:now, clock_timestamp()), last_error = NULL, error_count = 0,
        crash_count = 0, progress = 100, updated_at = coalesce(:now, clock_timestamp())
    FROM ended
    WHERE jobs.id = ended.job_id
)
SELECT id FROM ended
