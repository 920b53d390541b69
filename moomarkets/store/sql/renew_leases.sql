-- Extends the leases of this node that are still its own, by token, and whose run goes on; returns those. Locks the
-- execution rows. What is left out has to stop: that is how nodes hear that a run was cancelled on another one.
UPDATE executions
SET lease_until = coalesce(:now, clock_timestamp()) + make_interval(secs => :lease_s)
FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS bigint[])) AS held (id, token)
WHERE executions.id = held.id AND executions.lease_token = held.token AND executions.status = 'running'
  AND NOT EXISTS (SELECT FROM runs WHERE runs.id = executions.run_id AND runs.cancel_requested_at IS NOT NULL)
RETURNING executions.id
