//! What people see.

use insta::assert_snapshot;

use super::*;

#[test]
fn a_table_has_a_column_a_lane() {
    assert_snapshot!(text(&two(), View::Table, Sort::Given, &output(76)), @r#"
    prompt: Where is the Eiffel Tower?

    model       │ openai/gpt-6.1-sol            │ groq/openai/gpt-oss-120b
    ────────────┼───────────────────────────────┼──────────────────────────────
    answer      │ In **Paris**:                 │ 埃菲尔铁塔位于巴黎。🎉 It is
                │                               │ in Paris.
                │ ```sh                         │
                │ curl https://example.com/a/lo │
                │ ↳ ng/address                  │
                │ ```                           │
    ────────────┼───────────────────────────────┼──────────────────────────────
    first word  │ 0.41 s                        │ 0.21 s *
    total       │ 1.23 s                        │ 0.63 s *
    speed       │ 122 tok/s                     │ 238 tok/s *
    tokens in   │ 12                            │ 12
    tokens out  │ 101                           │ 101
    cost        │ $0.001904                     │ $0.000073 *
    finish      │ stop                          │ stop

    * the best

    groq/openai/gpt-oss-120b was first: 0.21 s to the first word
      1.95 times faster than openai/gpt-6.1-sol
      one run each, so this may be chance; `--runs 4` could tell
    groq/openai/gpt-oss-120b was cheapest: $0.000073
      26.0 times cheaper than openai/gpt-6.1-sol
    cost of both calls: $0.001977
    "#);
}

#[test]
fn narrow_terminals_get_cards() {
    assert_snapshot!(text(&two(), View::Table, Sort::Latency, &output(40)), @r#"
    prompt: Where is the Eiffel Tower?

    ── groq/openai/gpt-oss-120b ────────────
    first word 0.21 s * · total 0.63 s *
    speed 238 tok/s * · tokens in 12
    tokens out 101 · cost $0.000073 *
    finish stop

    埃菲尔铁塔位于巴黎。🎉 It is in Paris.

    ── openai/gpt-6.1-sol ──────────────────
    first word 0.41 s · total 1.23 s
    speed 122 tok/s · tokens in 12
    tokens out 101 · cost $0.001904
    finish stop

    In **Paris**:

    ```sh
    curl https://example.com/a/long/address
    ```

    * the best

    groq/openai/gpt-oss-120b was first: 0.21
    s to the first word
      1.95 times faster than
      openai/gpt-6.1-sol
      one run each, so this may be chance;
      `--runs 4` could tell
    groq/openai/gpt-oss-120b was cheapest:
    $0.000073
      26.0 times cheaper than
      openai/gpt-6.1-sol
    cost of both calls: $0.001977
    "#);
}

#[test]
fn failures_are_shown_in_words_beneath_what_came() {
    assert_snapshot!(text(&with_failures(), View::Cards, Sort::Given, &output(80)), @r#"
    prompt: Where is the Eiffel Tower?

    ── openai/gpt ──────────────────────────────────────────────────────────────────
    first word 0.30 s · total 0.90 s · speed 167 tok/s · tokens in 12
    tokens out 101 · cost $0.002 · finish stop · checks 1/2 passed (failed: json)

    Paris

    check: `json` failed: not JSON

    ── groq/x ──────────────────────────────────────────────────────────────────────
    tokens in ~12 · tokens out ~101 · cost ~$0.0005 (possibly billed) · finish cut

    It is in

    error: the answer ends here: the connection broke: connection reset
    hint: `pollm compare --last --retry-failed` asks only what failed

    ── ollama/qwen3 ────────────────────────────────────────────────────────────────
    finish error

    error: could not connect: connection refused
    hint: is `ollama serve` running? OLLAMA_HOST names another address

    model         first word   total      speed  tokens out      cost  finish
    openai/gpt        0.30 s  0.90 s  167 tok/s         101    $0.002    stop
    groq/x                 –       –          –        ~101  ~$0.0005     cut
    ollama/qwen3           –       –          –           –         –   error

    ~ estimated

    2 of 3 models failed
      groq/x: the connection broke
      ollama/qwen3: could not connect
    cost of all 3 calls: ~$0.0025 (1 call possibly billed)
    "#);
}

#[test]
fn screen_readers_get_a_fact_a_line() {
    let output = Output { accessible: true, ..output(40) };
    assert_snapshot!(text(&with_failures(), View::Table, Sort::Given, &output), @r#"
    prompt: Where is the Eiffel Tower?

    model: openai/gpt
    first word: 0.30 s
    total: 0.90 s
    speed: 167 tok/s
    tokens in: 12
    tokens out: 101
    cost: $0.002
    finish: stop
    checks: 1/2 passed, failed: json
    check: `json` failed: not JSON
    answer:
    Paris

    model: groq/x
    tokens in: 12 (estimated)
    tokens out: 101 (estimated)
    cost: $0.0005 (estimated), possibly billed
    finish: cut
    error: the answer ends here: the connection broke: connection reset
    hint: `pollm compare --last --retry-failed` asks only what failed
    answer:
    It is in

    model: ollama/qwen3
    finish: error
    error: could not connect: connection refused
    hint: is `ollama serve` running? OLLAMA_HOST names another address

    2 of 3 models failed
    groq/x: the connection broke
    ollama/qwen3: could not connect
    cost of all 3 calls: ~$0.0025 (1 call possibly billed)
    "#);
}

#[test]
fn differences_read_without_colour() {
    let lanes = vec![
        one("a/a", "The tower is in Paris, France.\n\nIt is tall.\n", 300, "0.002"),
        one("b/b", "The tower stands in Paris.\n\nIt is tall.\nVery tall.\n", 200, "0.002"),
        one("c/c", "The tower is in Paris,  France.\nIt is tall.", 200, "0.002"),
        one("d/d", "The tower is in Paris, France.\n\nIt is tall.", 200, "0.002"),
        one("e/e", "塔在巴黎。", 200, "0.002"),
        one("f/f", "塔在里昂。", 200, "0.002"),
    ];
    let shown = text(&comparison(lanes.clone()), View::Diff, Sort::Given, &output(60));
    assert_snapshot!(shown.split("\nmodel").next().unwrap_or_default().split("* the best").next().unwrap_or_default(), @r#"
    prompt: Where is the Eiffel Tower?

    ── a/a ─────────────────────────────────────────────────────
    first word 0.30 s · total 0.90 s · speed 167 tok/s
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    The tower is in Paris, France.

    It is tall.

    ── b/b ─────────────────────────────────────────────────────
    first word 0.20 s * · total 0.60 s * · speed 250 tok/s *
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    against a/a
    The tower [-is-]{+stands+} in Paris[-, France-].

    It is tall.
    {+Very tall.+}

    ── c/c ─────────────────────────────────────────────────────
    first word 0.20 s * · total 0.60 s * · speed 250 tok/s *
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    the same, but for blanks and line ends, as a/a

    ── d/d ─────────────────────────────────────────────────────
    first word 0.20 s * · total 0.60 s * · speed 250 tok/s *
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    the same as a/a

    ── e/e ─────────────────────────────────────────────────────
    first word 0.20 s * · total 0.60 s * · speed 250 tok/s *
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    against a/a
    [-The tower is in Paris, France.-]

    [-It is tall.-]{+塔在巴黎。+}

    ── f/f ─────────────────────────────────────────────────────
    first word 0.20 s * · total 0.60 s * · speed 250 tok/s *
    tokens in 12 · tokens out 101 · cost $0.002 · finish stop

    against a/a
    [-The tower is in Paris, France.-]

    [-It is tall.-]{+塔在里昂。+}
    "#);
    let painted = Output { color_stdout: true, ..output(80) };
    let shown = text(&comparison(lanes[4..].to_vec()), View::Diff, Sort::Given, &painted);
    assert!(shown.contains("塔在\x1b[31m[-巴黎-]\x1b[0m\x1b[32m{+里昂+}\x1b[0m。"), "{shown}");
}

#[test]
fn long_answers_are_compared_by_the_line_and_then_not() {
    let words = |count: usize, end: &str| "word ".repeat(count) + end;
    let lines = |count: usize, end: &str| "some words\n".repeat(count) + end;
    let shown = |old: String, new: String| {
        let lanes = vec![one("a/a", &old, 300, "0.1"), one("b/b", &new, 200, "0.1")];
        text(&comparison(lanes), View::Diff, Sort::Given, &output(80))
    };
    let by_word = shown(words(9_000, "old"), words(9_000, "new"));
    assert!(by_word.contains("\nagainst a/a\n") && by_word.contains("[-old-]{+new+}"));
    let by_line = shown(words(11_000, "old"), words(11_000, "new"));
    assert!(by_line.contains("by the line, since it is long, against a/a\n"));
    let too_long = shown(lines(21_000, "old"), lines(21_000, "new"));
    assert!(too_long.contains("too long to be compared with a/a\n") && !too_long.contains("[-"));
}
