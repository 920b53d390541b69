-- For each rate window: how much of it is free now; in how many seconds there is room for the lightest request that wants
-- it, null where there is room; and in how many once all that is free is taken. Whoever reserves has locked the bucket row.
WITH live AS MATERIALIZED (
    SELECT id, least(coalesce(done_at, deadline_at), :at + make_interval(secs => :deadline_s)) AS ends_at, endpoint,
           weight
    FROM permits
    WHERE bucket_id = :bucket_id
      AND coalesce(done_at, deadline_at) > :at - make_interval(secs => :longest_s + 0.001)
)
SELECT room.free,
       CASE WHEN room.free < windows.need
           THEN extract(epoch FROM room.ends[1] - :at) + windows.seconds + 0.001 END AS wait_s,
       extract(epoch FROM room.ends[2] - :at) + windows.seconds + 0.001 AS next_s
FROM jsonb_to_recordset(CAST(:windows AS jsonb)) AS windows (place int, count int, seconds float8, endpoint text, need int)
CROSS JOIN LATERAL (
    SELECT windows.count - coalesce(max(counted.total), 0) AS free,
           ARRAY[min(counted.ends_at) FILTER (WHERE counted.freed >= counted.total + windows.need - windows.count),
                 min(counted.ends_at) FILTER (WHERE counted.freed >= windows.need)] AS ends
    FROM (SELECT live.ends_at, sum(live.weight) OVER () AS total,
                 sum(live.weight) OVER (ORDER BY live.ends_at, live.id) AS freed
          FROM live
          WHERE live.ends_at > :at - make_interval(secs => windows.seconds + 0.001)
            AND CASE WHEN windows.endpoint IS NULL THEN live.endpoint <> ALL (CAST(:apart AS text[]))
                     ELSE live.endpoint = windows.endpoint END) AS counted
) AS room
ORDER BY windows.place
