-- Extends the leases of this node that are still its own, by token; returns those. Locks the execution rows.
UPDATE executions
SET lease_until = coalesce(:now, clock_timestamp()) + make_interval(secs => :lease_s)
FROM unnest(CAST(:ids AS bigint[]), CAST(:tokens AS bigint[])) AS held (id, token)
WHERE executions.id = held.id AND executions.lease_token = held.token AND executions.status = 'running'
RETURNING executions.id
