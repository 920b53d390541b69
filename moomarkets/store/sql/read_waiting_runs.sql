-- Reads the pending runs, oldest first, with all that decides whether they may start; locks nothing.
WITH RECURSIVE held AS (
    SELECT child.id, job_groups.name
    FROM job_groups JOIN job_groups AS child ON child.parent_id = job_groups.id
    WHERE job_groups.status = 'paused'
    UNION
    SELECT child.id, held.name FROM held JOIN job_groups AS child ON child.parent_id = held.id
)
SELECT runs.id, job_groups.name, job_groups.status = 'paused' AS is_paused, runs.blocked_by,
       data_sources.code, coalesce(data_sources.is_enabled, true) AS source_is_enabled,
       coalesce(data_sources.is_paused, false) AS source_is_paused,
       coalesce((data_sources.config ->> 'needs_credential')::boolean, false) AND NOT EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
       ) AS credential_is_missing,
       EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
             AND kept.unreadable_by IS NOT NULL
       ) AS credential_is_unreadable,
       EXISTS (
           SELECT FROM data_source_credentials AS kept
           WHERE kept.data_source_id = data_sources.id AND kept.user_id = job_groups.user_id
             AND kept.is_accepted IS FALSE
       ) AS credential_is_refused,
       ahead.id AS ahead, coalesce(ahead.status = 'running', false) AS ahead_is_running,
       (SELECT min(held.name) FROM held WHERE held.id = job_groups.id) AS held_by,
       coalesce((SELECT is_enabled FROM scheduler_settings), true) AS is_scheduler_enabled,
       upstream.edges
FROM runs
JOIN job_groups ON job_groups.id = runs.job_group_id
LEFT JOIN data_sources ON data_sources.id = job_groups.data_source_id
LEFT JOIN LATERAL (
    SELECT first.id, first.status FROM runs AS first
    WHERE first.job_group_id = runs.job_group_id
      AND (first.status = 'running' OR first.status = 'pending' AND first.id < runs.id)
    ORDER BY first.status DESC, first.id LIMIT 1
) AS ahead ON true
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_build_object(
               'group', above.name, 'match', edge.match, 'on_failure', edge.on_failure,
               'run_id', newest.id, 'status', newest.status) ORDER BY above.name), '[]') AS edges
    FROM job_group_dependencies AS edge
    JOIN job_groups AS above ON above.id = edge.depends_on_id
    LEFT JOIN LATERAL (
        -- Two questions in one would have all runs of the group looked at.
        (SELECT id, status FROM runs AS candidate
         WHERE edge.match = 'latest' AND candidate.job_group_id = above.id
         ORDER BY candidate.id DESC LIMIT 1)
        UNION ALL
        (SELECT id, status FROM runs AS candidate
         WHERE edge.match = 'same_date' AND candidate.job_group_id = above.id AND candidate.for_on = runs.for_on
         ORDER BY candidate.id DESC LIMIT 1)
    ) AS newest ON true
    WHERE edge.job_group_id = job_groups.id
) AS upstream
WHERE runs.status = 'pending'
ORDER BY runs.id
