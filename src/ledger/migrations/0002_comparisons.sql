-- What `compare` asked, and which calls belong to it.

CREATE TABLE comparisons (
    id         TEXT    PRIMARY KEY, -- ULID
    started_ns INTEGER NOT NULL,
    prompt     TEXT    NOT NULL,    -- as text, for titles
    plan       TEXT    NOT NULL     -- JSON: lanes, parameters, runs, checks
) STRICT;

ALTER TABLE calls ADD COLUMN comparison TEXT REFERENCES comparisons (id) ON DELETE SET NULL;
ALTER TABLE calls ADD COLUMN lane_index INTEGER; -- place of the lane, from 0
ALTER TABLE calls ADD COLUMN run        INTEGER; -- from 1; warm-ups count down from 0
ALTER TABLE calls ADD COLUMN item       INTEGER; -- place of the prompt in its file, from 0
ALTER TABLE calls ADD COLUMN checks     TEXT;    -- JSON: what each check said

CREATE INDEX calls_by_comparison ON calls (comparison) WHERE comparison IS NOT NULL;
