-- Caps on spending: what is set aside for calls that are under way, and what
-- calls cost beyond what `calls` says of them.
--
-- A call that ends as it should gives its reservation back: the row is gone,
-- and `calls` has its cost. A row stays where `calls` does not hold all that
-- counts: the call is under way (open), its process is gone (lost), the
-- provider may have billed more than is known, or the user wants it in no
-- history (both settled). So what was spent is the sum over both tables.
--
-- USD as in `calls`: nano × 1e-9 + atto × 1e-18.

CREATE TABLE reservations (
    call            TEXT    PRIMARY KEY, -- ULID of the call that it is for
    command         TEXT    NOT NULL,
    provider        TEXT    NOT NULL,
    model           TEXT    NOT NULL,
    at_ns           INTEGER NOT NULL,    -- when it was made; settled: when the call began
    machine         TEXT    NOT NULL,    -- who made it: where its number means something,
    process         INTEGER NOT NULL,    -- its number,
    process_began   INTEGER,             -- and what tells it from a later one of that number
    worst_nano      INTEGER,             -- the most that the call can cost; NULL: no price is known
    worst_atto      INTEGER,
    state           TEXT    NOT NULL,    -- open, lost, settled
    counted_nano    INTEGER,             -- what counts besides the call's row in `calls`, if it
    counted_atto    INTEGER,             -- has one; NULL: unknown
    possibly_billed INTEGER NOT NULL     -- the provider may have billed more than is known
) STRICT;

CREATE INDEX reservations_by_time ON reservations (at_ns);
CREATE INDEX reservations_open ON reservations (call) WHERE state = 'open';

-- Sums and reports read only this, however long the history is: rows of
-- `calls` are wide, and texts lie between them.
CREATE INDEX calls_by_time ON calls (
    started_ns, provider, model, command, usage_source, input_uncached, cache_read, cache_write_5m,
    cache_write_1h, input_audio, output, reasoning, output_audio, cost_nano, cost_atto, cost_source,
    cost_approximate, possibly_billed, effort, request_id
);
