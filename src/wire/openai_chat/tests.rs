use proptest::prelude::*;

use super::OpenAiChat;
use crate::chat::Event;
use crate::wire::StreamError;
use crate::wire::replay::{Replay, decode, decode_body};

/// Each stream, and what is to come of it.
const STREAMS: [(&str, &[u8], &str); 21] = [
    (
        "a_stream_without_any_end_is_truncated",
        include_bytes!("../../../tests/fixtures/openai-chat/cut.sse"),
        r#"model house-7b
id chatcmpl-a1
text "It was a dark"
Truncated"#,
    ),
    (
        "details_count_where_they_are_all_there_is",
        include_bytes!("../../../tests/fixtures/openai-chat/details-only.sse"),
        r#"reasoning "Let me see."
text "<think> it is."
end stop"#,
    ),
    (
        "an_empty_finish_reason_is_none",
        include_bytes!("../../../tests/fixtures/openai-chat/empty-finish.sse"),
        r#"reasoning "Hm."
text "Half of"
Truncated"#,
    ),
    (
        "an_error_inside_the_stream_comes_after_the_usage_beside_it",
        include_bytes!("../../../tests/fixtures/openai-chat/error-chunk.sse"),
        r#"model lab/house-7b
by Parasail
id gen-5
text "Once"
usage in 43 out 10
billed 0
failed server Some(502): upstream went away"#,
    ),
    (
        "an_error_event_ends_the_answer",
        include_bytes!("../../../tests/fixtures/openai-chat/error-event.sse"),
        r#"model house-7b
id chatcmpl-a1
text "Half of"
failed bad_request Some(400): the tool call does not fit its schema"#,
    ),
    (
        "chunks_without_choices_or_delta_are_no_harm",
        include_bytes!("../../../tests/fixtures/openai-chat/filtered.sse"),
        r#"model house-7b
id chatcmpl-a1
text "Take"
end content_filter"#,
    ),
    (
        "an_error_as_finish_reason_is_a_failure",
        include_bytes!("../../../tests/fixtures/openai-chat/finish-error.sse"),
        r#"model house-7b
id chatcmpl-a1
text "Once upon"
failed server None: the provider broke the answer off with an error (`network_lost`)"#,
    ),
    (
        "a_gateway_says_who_serves_and_what_it_costs",
        include_bytes!("../../../tests/fixtures/openai-chat/gateway.sse"),
        r#"model lab/house-7b
by Parasail
id gen-5
reasoning "We greet."
text "Hello"
usage in 2 write 6 out 5 reasoning 5
billed 0.0002745
end stop (end_turn)"#,
    ),
    (
        "a_finish_reason_is_end_enough",
        include_bytes!("../../../tests/fixtures/openai-chat/no-done.sse"),
        r#"model house-7b
id chatcmpl-a1
text "Fine."
usage in 2 read 1 out 2
end stop (eos)"#,
    ),
    (
        "done_is_end_enough",
        include_bytes!("../../../tests/fixtures/openai-chat/no-finish.sse"),
        r#"model house-7b
text "4"
usage in 22 out 5
end stop"#,
    ),
    (
        "an_answer_without_choices_is_no_empty_answer",
        include_bytes!("../../../tests/fixtures/openai-chat/nothing.sse"),
        r#"model house-7b
id chatcmpl-a1
usage in 3
failed protocol None: the answer ended without ever having begun: no `choices` came"#,
    ),
    (
        "broken_and_repeated_chunks_are_passed_over",
        include_bytes!("../../../tests/fixtures/openai-chat/odd.sse"),
        r#"model house-7b
id chatcmpl-a1
text "yes!"
malformed 1
end stop (something_new)"#,
    ),
    (
        "arrays_of_parts_are_told_apart",
        include_bytes!("../../../tests/fixtures/openai-chat/part-arrays.sse"),
        r#"model house-7b
id chatcmpl-a1
reasoning "First look."
text "Then cross over."
usage in 9 out 6
end stop"#,
    ),
    (
        "reasoning_has_a_field_and_cache_hits_another_name",
        include_bytes!("../../../tests/fixtures/openai-chat/reasoning-content.sse"),
        r#"model house-7b
id chatcmpl-a1
reasoning "Two and two."
text "4"
usage in 4 read 8 out 9 reasoning 6
end stop"#,
    ),
    (
        "a_refusal_is_no_answer",
        include_bytes!("../../../tests/fixtures/openai-chat/refusal.sse"),
        r#"model house-7b
id chatcmpl-a1
refusal "I can't help with that."
end refusal (stop)"#,
    ),
    (
        "a_character_cut_in_two_is_joined",
        include_bytes!("../../../tests/fixtures/openai-chat/split-emoji.sse"),
        r#"text "party 🎉!"
reasoning "�"
end stop"#,
    ),
    (
        "an_answer_may_end_inside_its_reasoning",
        include_bytes!("../../../tests/fixtures/openai-chat/think-only.sse"),
        r#"model house-7b
id chatcmpl-a1
reasoning "Still at it </th"
end length"#,
    ),
    (
        "tags_at_the_start_hold_reasoning",
        include_bytes!("../../../tests/fixtures/openai-chat/think-tags.sse"),
        r#"model house-7b
id chatcmpl-a1
reasoning "Is it 4?"
text "Yes, <think> is a tag."
end stop"#,
    ),
    (
        "tool_arguments_come_in_pieces",
        include_bytes!("../../../tests/fixtures/openai-chat/tool-call.sse"),
        r#"model house-7b
id chatcmpl-a1
arguments "{\"city\":\"Ghent\"}"
usage in 30 out 12
end tool_calls"#,
    ),
    (
        "usage_may_come_before_the_last_chunk",
        include_bytes!("../../../tests/fixtures/openai-chat/usage-chunk.sse"),
        r#"model house-7b
id chatcmpl-a1
text "Tea is ready. ☕"
usage in 4 read 16 out 7 reasoning 2
end stop"#,
    ),
    (
        "groq_has_its_own_id_and_usage",
        include_bytes!("../../../tests/fixtures/openai-chat/x-groq.sse"),
        r#"model house-7b
id req_77
reasoning "Short."
text "Hi"
usage in 5 out 1
end stop"#,
    ),
];

/// Each answer that did not stream, and what is to come of it.
const BODIES: [(&str, &[u8], &str); 4] = [
    (
        "a_whole_answer_may_end_in_an_error",
        include_bytes!("../../../tests/fixtures/openai-chat/whole-choice-error.json"),
        r#"model m
id gen-9
text "Half"
failed overloaded Some(503): overloaded"#,
    ),
    (
        "a_whole_answer_may_be_an_error",
        include_bytes!("../../../tests/fixtures/openai-chat/whole-error.json"),
        r#"failed rate_limit Some(429): Provider returned error (Parasail: slow down)"#,
    ),
    (
        "a_whole_answer_may_be_a_tool_call_and_hide_its_reasoning",
        include_bytes!("../../../tests/fixtures/openai-chat/whole-tools.json"),
        r#"model house-7b
id x
arguments "{\n        \"zone\": \"UTC\"\n       }"
usage in 66 out 34 reasoning 28
end tool_calls"#,
    ),
    (
        "a_whole_answer",
        include_bytes!("../../../tests/fixtures/openai-chat/whole.json"),
        r#"model house-7b-2026
id chatcmpl-w1
reasoning "Easy."
text "Paris."
usage in 13 out 11 reasoning 3
end stop"#,
    ),
];

#[test]
fn answers_are_read_as_they_are_meant() {
    for (what, bytes, story) in STREAMS {
        assert_eq!(decode(&OpenAiChat, bytes, &[]).story(), story, "{what}");
    }
    for (what, body, story) in BODIES {
        assert_eq!(decode_body(&OpenAiChat, body).story(), story, "{what}");
    }
}

#[test]
fn a_body_that_is_no_answer_is_malformed() {
    for body in ["", "{}", r#"{"choices":[]}"#, r#"{"choices":[{"message":7}]}"#, "<!doctype html><p>Log in"]
    {
        let ending = decode_body(&OpenAiChat, body.as_bytes()).ending;
        assert!(matches!(ending, Err(StreamError::Malformed(_))), "{body}: {ending:?}");
    }
}

#[test]
fn parts_nested_without_end_are_given_up() {
    let levels = 100_000;
    let content =
        format!("{}{}", r#"[{"thinking":"#.repeat(levels), "}]".repeat(levels).replacen('}', "1}", 1));
    let chunk = format!(r#"data: {{"choices":[{{"delta":{{"content":{content}}}}}]}}"#);
    assert_eq!(decode(&OpenAiChat, chunk.as_bytes(), &[]).story(), "Truncated");
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
        let whole = decode(&OpenAiChat, bytes, &[]);
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let bytes = if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes();
        let cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        prop_assert_eq!(decode(&OpenAiChat, &bytes, &cuts), whole);
    }

    #[test]
    fn an_answer_that_is_cut_loses_no_text_in_silence(
        (_, bytes, _) in prop::sample::select(STREAMS.to_vec()),
        end in any::<prop::sample::Index>(),
    ) {
        let whole = decode(&OpenAiChat, bytes, &[]);
        let part = decode(&OpenAiChat, &bytes[..end.index(bytes.len())], &[]);
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
        decode(&OpenAiChat, &bytes, &[]).story();
        decode_body(&OpenAiChat, &bytes).story();
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let framed = [b"data: ".as_slice(), &bytes, b"\n\n"].concat();
        decode(&OpenAiChat, &framed, &[]).story();
        decode_body(&OpenAiChat, &bytes).story();
    }
}
