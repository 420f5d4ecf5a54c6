-- Caps on spending: what is set aside for calls that are under way, and what
-- calls cost that are not in `calls` because the user wants them in no history.
--
-- USD as in `calls`: nano × 1e-9 + atto × 1e-18.

CREATE TABLE reservations (
    call         TEXT    PRIMARY KEY, -- ULID of the call that it is for
    command      TEXT    NOT NULL,
    provider     TEXT    NOT NULL,
    model        TEXT    NOT NULL,
    made_ns      INTEGER NOT NULL,
    process      INTEGER NOT NULL,    -- who made it
    process_began INTEGER,            -- tells a process from a later one of the same number
    worst_nano   INTEGER,             -- NULL: no price is known
    worst_atto   INTEGER,
    state        TEXT    NOT NULL,    -- open, settled, lost
    paid_nano    INTEGER,             -- NULL: unknown, or not settled yet
    paid_atto    INTEGER,
    possibly_billed INTEGER NOT NULL
) STRICT;

CREATE INDEX reservations_by_time ON reservations (made_ns);
