use proptest::prelude::*;

use super::OpenAiResponses;
use crate::chat::Event;
use crate::wire::StreamError;
use crate::wire::replay::{Replay, decode, decode_body};

/// Each stream, and what is to come of it.
const STREAMS: [(&str, &[u8], &str); 13] = [
    (
        "a_stream_without_a_terminal_event_is_truncated",
        include_bytes!("../../../tests/fixtures/openai-responses/cut.sse"),
        r#"model house-7b-2026
id resp_7
text "So far"
Truncated"#,
    ),
    (
        "an_error_event_may_be_flat",
        include_bytes!("../../../tests/fixtures/openai-responses/error-flat.sse"),
        r#"model house-7b-2026
id resp_7
failed rate_limit None: slow down"#,
    ),
    (
        "an_error_event_may_be_nested",
        include_bytes!("../../../tests/fixtures/openai-responses/error-nested.sse"),
        r#"model house-7b-2026
id resp_7
text "So far"
failed context_length None: the input is too long"#,
    ),
    (
        "a_failed_response_names_its_cause",
        include_bytes!("../../../tests/fixtures/openai-responses/failed.sse"),
        r#"model house-7b-2026
id resp_7
text "So far"
usage in 5 out 2
failed server None: something broke"#,
    ),
    (
        "an_incomplete_response_says_why",
        include_bytes!("../../../tests/fixtures/openai-responses/incomplete.sse"),
        r#"model house-7b-2026
id resp_7
text "Once upon"
usage in 5 out 16
end length (max_output_tokens)"#,
    ),
    (
        "items_may_be_open_side_by_side",
        include_bytes!("../../../tests/fixtures/openai-responses/interleaved.sse"),
        r#"model house-7b-2026
id resp_7
reasoning "Add. "
text "4"
reasoning "Done."
usage in 78 out 37
billed 0.0000113
end stop"#,
    ),
    (
        "unknown_events_are_ignored_and_broken_ones_counted",
        include_bytes!("../../../tests/fixtures/openai-responses/odd.sse"),
        r#"model house-7b-2026
id resp_7
text "Fine"
malformed 1
end cut (steered)"#,
    ),
    (
        "text_of_the_last_event_alone_is_not_lost",
        include_bytes!("../../../tests/fixtures/openai-responses/only-terminal.sse"),
        r#"model house-7b-2026
id resp_7
text "All at once."
usage in 5 out 4
billed 0.0061
end stop"#,
    ),
    (
        "comments_on_the_way_are_not_the_answer",
        include_bytes!("../../../tests/fixtures/openai-responses/phases.sse"),
        r#"model house-7b-2026
id resp_7
reasoning "**Looking**\n\n**Deciding**\n\nI'll look it up."
text "It is Ghent."
usage in 9 out 30
end stop"#,
    ),
    (
        "a_refusal_is_no_answer",
        include_bytes!("../../../tests/fixtures/openai-responses/refusal.sse"),
        r#"model house-7b-2026
id resp_7
refusal "I can't do that."
usage in 5 out 6
end refusal"#,
    ),
    (
        "what_the_deltas_left_out_comes_at_the_end",
        include_bytes!("../../../tests/fixtures/openai-responses/short-deltas.sse"),
        r#"model house-7b-2026
id resp_7
text "Half of it."
usage in 5 out 4
end stop"#,
    ),
    (
        "text_and_the_longer_kept_cache",
        include_bytes!("../../../tests/fixtures/openai-responses/text.sse"),
        r#"model house-7b-2026
id resp_7
text "Good morning. ☕"
usage in 20 read 1000 write 2000 write-long 1000 out 9 reasoning 4
end stop"#,
    ),
    (
        "tool_arguments_come_in_pieces",
        include_bytes!("../../../tests/fixtures/openai-responses/tool-call.sse"),
        r#"model house-7b-2026
id resp_7
arguments "{\"city\":\"Ghent\"}"
usage in 9 out 12
end tool_calls"#,
    ),
];

/// Each answer that did not stream, and what is to come of it.
const BODIES: [(&str, &[u8], &str); 3] = [
    (
        "a_whole_answer_may_be_an_error",
        include_bytes!("../../../tests/fixtures/openai-responses/whole-error.json"),
        r#"failed not_found None: no such model"#,
    ),
    (
        "a_whole_answer_may_have_failed",
        include_bytes!("../../../tests/fixtures/openai-responses/whole-failed.json"),
        r#"model house-7b-2026
id resp_7
failed rate_limit None: slow down"#,
    ),
    (
        "a_whole_answer",
        include_bytes!("../../../tests/fixtures/openai-responses/whole.json"),
        r#"model house-7b-2026
id resp_7
text "Paris."
usage in 13 out 11
end stop"#,
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    for (what, bytes, story) in STREAMS {
        assert_eq!(decode(&OpenAiResponses, bytes, &[]).story(), story, "{what}");
    }
    for (what, body, story) in BODIES {
        assert_eq!(decode_body(&OpenAiResponses, body).story(), story, "{what}");
    }
}

#[test]
fn a_body_that_is_no_answer_is_malformed() {
    for body in ["", "{}", "[]", "7", "<!doctype html><p>Log in"] {
        let ending = decode_body(&OpenAiResponses, body.as_bytes()).ending;
        assert!(matches!(ending, Err(StreamError::Malformed(_))), "{body}: {ending:?}");
    }
}

fn text(replay: &Replay) -> String {
    let texts =
        replay.events.iter().map(|event| if let Event::Text(text) = event { text.as_str() } else { "" });
    texts.collect()
}

proptest! {
    #[test]
    fn neither_cuts_nor_line_ends_matter(
        (_, bytes, _) in prop::sample::select(STREAMS.to_vec()),
        crlf: bool,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let whole = decode(&OpenAiResponses, bytes, &[]);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let bytes = if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes();
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        prop_assert_eq!(decode(&OpenAiResponses, &bytes, &cuts), whole);
    }

    #[test]
    fn an_answer_that_is_cut_loses_no_text_in_silence(
        (_, bytes, _) in prop::sample::select(STREAMS.to_vec()),
        end in any::<prop::sample::Index>(),
    ) {
        let whole = decode(&OpenAiResponses, bytes, &[]);
        let part = decode(&OpenAiResponses, &bytes[..end.index(bytes.len())], &[]);
        prop_assert!(text(&whole).starts_with(&text(&part)));
        if part.ending.is_ok() {
            prop_assert_eq!(text(&part), text(&whole));
        }
    }

    #[test]
    fn mutated_answers_never_panic(
        (_, bytes, _) in prop::sample::select([STREAMS.as_slice(), BODIES.as_slice()].concat()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = bytes.to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        decode(&OpenAiResponses, &bytes, &[]).story();
        decode_body(&OpenAiResponses, &bytes).story();
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let framed = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
        decode(&OpenAiResponses, &framed, &[]).story();
        decode_body(&OpenAiResponses, &bytes).story();
    }
}
