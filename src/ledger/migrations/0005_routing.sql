-- The latest calls of one model, with all that routing and estimates ask of them: read
-- from the index alone, since rows of `calls` are wide and far apart.

CREATE INDEX calls_by_model ON calls (
    provider, model, seq, started_ns, status, cached, streamed, reused, connected_ns, first_visible_ns,
    end_ns, decode_tps, prompt_chars, output, served_by, usage_source,
    input_uncached, cache_read, cache_write_5m, cache_write_1h
);

-- The few calls that were held against checks.

CREATE INDEX calls_checked ON calls (provider, model) WHERE checks IS NOT NULL;
