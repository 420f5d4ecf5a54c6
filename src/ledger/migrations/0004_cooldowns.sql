-- Providers and models that failed: for how long chains leave them alone, and
-- how often they failed in a row, which decides on the next time.

CREATE TABLE cooldowns (
    provider  TEXT    NOT NULL,
    model     TEXT    NOT NULL, -- empty: the whole provider
    until_ns  INTEGER NOT NULL, -- not later than failed_ns: it is not left alone yet
    failed_ns INTEGER NOT NULL, -- the last failure
    failures  INTEGER NOT NULL, -- in a row
    kind      TEXT    NOT NULL, -- of the last failure, as in `calls.error`
    PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;
