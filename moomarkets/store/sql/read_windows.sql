-- For each rate window: how many permits are free now, and in how many seconds the next one is; the bucket row is locked.
WITH live AS MATERIALIZED (
    SELECT least(coalesce(done_at, deadline_at), :at + make_interval(secs => :deadline_s)) AS ends_at, endpoint, weight
    FROM permits
    WHERE bucket_id = :bucket_id
      AND coalesce(done_at, deadline_at) > :at - make_interval(secs => :longest_s + 0.001)
)
SELECT windows.count - coalesce(used.n, 0) AS free,
       extract(epoch FROM used.ends[greatest(used.n - windows.count + 1, 1)] - :at) + windows.seconds + 0.001 AS wait_s
FROM jsonb_to_recordset(CAST(:windows AS jsonb)) AS windows (count int, seconds float8, endpoint text)
LEFT JOIN LATERAL (
    SELECT count(*)::int AS n, array_agg(live.ends_at ORDER BY live.ends_at) AS ends
    FROM live
    WHERE live.ends_at > :at - make_interval(secs => windows.seconds + 0.001)
      AND (windows.endpoint IS NULL OR windows.endpoint = live.endpoint)
) AS used ON true
