-- Providers and models that are left alone for a while, because they said so
-- or failed again and again.

CREATE TABLE cooldowns (
    provider TEXT    NOT NULL,
    model    TEXT    NOT NULL, -- empty: the whole provider
    until_ns INTEGER NOT NULL,
    since_ns INTEGER NOT NULL,
    failures INTEGER NOT NULL, -- in a row
    reason   TEXT    NOT NULL, -- in words
    PRIMARY KEY (provider, model)
) STRICT, WITHOUT ROWID;
