-- What `compare` asked, and which calls belong to it.

CREATE TABLE comparisons (
    id          TEXT    PRIMARY KEY, -- ULID
    started_ns  INTEGER NOT NULL,
    prompt      TEXT    NOT NULL,    -- as text, for titles
    plan        TEXT    NOT NULL,    -- JSON: lanes, parameters, runs, checks
    fingerprint TEXT                 -- of many prompts: equal where the same is asked of the same
) STRICT;

ALTER TABLE calls ADD COLUMN comparison TEXT REFERENCES comparisons (id) ON DELETE SET NULL;
ALTER TABLE calls ADD COLUMN lane_index INTEGER; -- place of the lane, from 0
ALTER TABLE calls ADD COLUMN run        INTEGER; -- from 1; warm-ups count down from 0
ALTER TABLE calls ADD COLUMN item       INTEGER; -- place of the prompt in its file, from 0
ALTER TABLE calls ADD COLUMN checks     TEXT;    -- JSON: what each check said

CREATE INDEX calls_by_comparison ON calls (comparison) WHERE comparison IS NOT NULL;

-- Of comparisons of many prompts: which calls were begun. A row is written
-- before its request leaves, so that whatever happens to the process, no call
-- is made twice. Where `calls` has no such call, it never ended, or still runs.
CREATE TABLE begun (
    comparison TEXT    NOT NULL REFERENCES comparisons (id) ON DELETE CASCADE,
    item       INTEGER NOT NULL,
    lane_index INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    call       TEXT    NOT NULL UNIQUE, -- ULID of the latest call of this place
    PRIMARY KEY (comparison, item, lane_index, run)
) STRICT, WITHOUT ROWID;

-- Who deletes a call may have it made again.
CREATE TRIGGER begun_forgets AFTER DELETE ON calls BEGIN
    DELETE FROM begun WHERE call = old.id;
END;
