-- Calls, their attempts, and everything that was said.
--
-- `calls` has figures and short words only, so that a sum over years of use
-- reads few pages. Texts and files are in `contents`, each stored once however
-- many calls repeat it; `parts` says which call holds which.
--
-- Times are nanoseconds: since 1970 in UTC for `started_ns`, since the start
-- of the answering attempt for the clock points. Unknown is NULL, never 0.

CREATE TABLE calls (
    seq              INTEGER PRIMARY KEY, -- the order in which calls were written
    id               TEXT    NOT NULL UNIQUE, -- ULID, as the two below
    conversation     TEXT    NOT NULL,
    parent           TEXT,                -- the call that this one goes on from
    command          TEXT    NOT NULL,
    started_ns       INTEGER NOT NULL,
    provider         TEXT    NOT NULL,
    model            TEXT    NOT NULL,
    lane             TEXT    NOT NULL,
    served_model     TEXT,
    served_by        TEXT,
    request_id       TEXT,
    status           TEXT    NOT NULL,
    finish           TEXT,
    native_finish    TEXT,
    error            TEXT,                -- JSON: kind, status, code, message …
    dropped          TEXT,                -- JSON: parameters that were left out
    malformed_events INTEGER NOT NULL,

    -- Tokens in disjoint buckets; audio and reasoning are parts of theirs.
    usage_source     TEXT,                -- NULL: no counts are known
    input_uncached   INTEGER,
    cache_read       INTEGER,
    cache_write_5m   INTEGER,
    cache_write_1h   INTEGER,
    input_audio      INTEGER,
    output           INTEGER,
    reasoning        INTEGER,
    output_audio     INTEGER,

    -- USD is cost_nano × 1e-9 + cost_atto × 1e-18: integers, so that sums are exact.
    cost_nano        INTEGER,
    cost_atto        INTEGER,
    cost_source      TEXT    NOT NULL,
    cost_approximate INTEGER NOT NULL,
    possibly_billed  INTEGER NOT NULL,
    cached           INTEGER NOT NULL,    -- from a provider's cache: no measurement

    -- First-token times are measurements only where `streamed` is 1.
    streamed         INTEGER NOT NULL,
    reused           INTEGER NOT NULL,    -- an open connection was used again
    connected_ns     INTEGER,
    headers_ns       INTEGER,
    first_token_ns   INTEGER,
    first_visible_ns INTEGER,
    last_token_ns    INTEGER,
    end_ns           INTEGER NOT NULL,
    longest_gap_ns   INTEGER,
    wall_ns          INTEGER NOT NULL,
    token_reads      INTEGER NOT NULL,
    decode_tps       REAL,

    -- What was asked, but for its texts and files.
    turns            INTEGER NOT NULL,    -- messages in the request; the last one is the prompt
    prompt_chars     INTEGER NOT NULL,    -- of all texts in the request
    stream_asked     INTEGER NOT NULL,
    temperature      REAL,
    top_p            REAL,
    max_tokens       INTEGER,
    seed             INTEGER,
    stop             TEXT,                -- JSON array
    effort           TEXT
) STRICT;

CREATE INDEX calls_by_conversation ON calls (conversation);

CREATE TABLE attempts (
    call       INTEGER NOT NULL REFERENCES calls (seq) ON DELETE CASCADE,
    number     INTEGER NOT NULL, -- from 1
    started_ns INTEGER NOT NULL, -- since the first attempt's start
    took_ns    INTEGER NOT NULL,
    waited_ns  INTEGER,          -- before the next attempt
    status     INTEGER,          -- of HTTP
    error      TEXT,             -- JSON, as in `calls`
    PRIMARY KEY (call, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE contents (
    id      INTEGER PRIMARY KEY,
    sha256  BLOB    NOT NULL,
    is_file INTEGER NOT NULL, -- 1: `body` is the bytes of an attachment; 0: it is text
    body    ANY     NOT NULL,
    UNIQUE (sha256, is_file)
) STRICT;

-- Turn 0 holds what goes with the whole request (system, schema, options),
-- turns 1 to `calls.turns` its messages, the turn after them the answer.
CREATE TABLE parts (
    call    INTEGER NOT NULL REFERENCES calls (seq) ON DELETE CASCADE,
    turn    INTEGER NOT NULL,
    part    INTEGER NOT NULL,
    role    TEXT    NOT NULL, -- system, schema, options, user, assistant, answer, reasoning
    content INTEGER REFERENCES contents (id), -- NULL: a message without any part
    kind    TEXT,             -- image, pdf or audio; NULL: text
    mime    TEXT,
    name    TEXT,
    PRIMARY KEY (call, turn, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX parts_by_content ON parts (content);
