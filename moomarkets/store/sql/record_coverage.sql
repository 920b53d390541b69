-- Records one partition as covered, and takes its dates out of older ones of the same key; locks those.
WITH overlapping AS (
    SELECT * FROM coverage
    WHERE user_id = :user_id AND data_source_id = :source_id AND dataset = :dataset AND key = :key
      AND from_on <= CAST(:to_on AS date) AND to_on >= CAST(:from_on AS date)
    FOR UPDATE
), removed AS (
    -- One that begins with the new one is replaced by it, below.
    DELETE FROM coverage USING overlapping AS old
    WHERE coverage.user_id = old.user_id AND coverage.data_source_id = old.data_source_id
      AND coverage.dataset = old.dataset AND coverage.key = old.key AND coverage.from_on = old.from_on
      AND old.from_on > CAST(:from_on AS date)
), shortened AS (
    UPDATE coverage SET to_on = CAST(:from_on AS date) - 1
    FROM overlapping AS old
    WHERE coverage.user_id = old.user_id AND coverage.data_source_id = old.data_source_id
      AND coverage.dataset = old.dataset AND coverage.key = old.key AND coverage.from_on = old.from_on
      AND old.from_on < CAST(:from_on AS date)
), rest AS (
    INSERT INTO coverage (user_id, data_source_id, dataset, key, from_on, to_on, status, rows, pages, execution_id,
                          fetched_at, verified_at, corrected_at)
    SELECT user_id, data_source_id, dataset, key, CAST(:to_on AS date) + 1, to_on, status, rows, pages, execution_id,
           fetched_at, verified_at, corrected_at
    FROM overlapping WHERE to_on > CAST(:to_on AS date)
)
INSERT INTO coverage (user_id, data_source_id, dataset, key, from_on, to_on, status, rows, pages, execution_id,
                      fetched_at)
SELECT :user_id, :source_id, :dataset, :key, CAST(:from_on AS date), CAST(:to_on AS date), :status, :rows, :pages,
       :execution_id, CAST(:fetched_at AS timestamptz)
-- The count makes sure that the old rows have been read before the first of them is replaced here.
FROM (SELECT count(*) FROM overlapping) AS counted
ON CONFLICT (user_id, data_source_id, dataset, key, from_on) DO UPDATE
SET to_on = excluded.to_on, status = excluded.status, rows = excluded.rows, pages = excluded.pages,
    execution_id = excluded.execution_id, fetched_at = excluded.fetched_at
