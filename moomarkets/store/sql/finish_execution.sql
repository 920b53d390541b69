-- The fence: ends an execution only while its lease token is the job's newest. Locks the execution row.
UPDATE executions
SET status = :status, completion_id = :completion_id, completed_at = coalesce(:now, clock_timestamp()),
    updated_at = coalesce(:now, clock_timestamp()), error_class = :error_class, reason = :reason,
    began_at = coalesce(began_at, coalesce(:now, clock_timestamp()) - make_interval(secs => :lasted_s)),
    error_message = :error_message, requests = :requests, bytes = :bytes, rows_received = :rows, rows_written = :written, pages = :pages
WHERE id = :execution_id AND lease_token = :token AND status = 'running'
RETURNING id
