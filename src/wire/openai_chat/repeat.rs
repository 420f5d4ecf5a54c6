//! Chunks that repeat the one before, all but its text.
//!
//! An answer is thousands of chunks that have the same id, model and date, and
//! one string that differs. Where the bytes around the string are those of the
//! last chunk, and nothing in the string ends it or is an escape, the JSON has
//! the same shape: the chunk says what the last one said, and this text. Telling
//! so takes a tenth of the time of reading it.

use std::borrow::Cow;

use super::chunk::{Channel, Chunk};
use crate::wire::text::Raw;

/// The last chunk, if it said nothing but a text that is new.
#[derive(Default)]
pub(super) struct Pattern {
    channel: Channel,
    before: Vec<u8>,
    /// Empty where there is no such chunk: it begins with the quote that ends the string.
    behind: Vec<u8>,
}

impl Pattern {
    /// The text of a chunk that has this pattern.
    pub(super) fn text<'a>(&self, data: &'a [u8]) -> Option<(Channel, Raw<'a>)> {
        if self.behind.is_empty() {
            return None;
        }
        let text = data.strip_prefix(&*self.before)?.strip_suffix(&*self.behind)?;
        memchr::memchr2(b'"', b'\\', text).is_none().then_some((self.channel, Raw(Cow::Borrowed(text))))
    }

    /// Takes the pattern of a chunk that was read from `data` and said all that it has to say.
    pub(super) fn learn(&mut self, data: &[u8], chunk: &Chunk<'_>) {
        self.forget();
        // An empty text takes no part: it leaves more unsaid than a text does.
        let Some((channel, text)) = chunk.only_text().filter(|(_, text)| !text.is_empty()) else { return };
        // The text is a part of the data, which has a quote on either side of it.
        let Some(start) = text.as_ptr().addr().checked_sub(data.as_ptr().addr()) else { return };
        if let (Some(before), Some(behind)) = (data.get(..start), data.get(start + text.len()..)) {
            self.channel = channel;
            self.before.extend_from_slice(before);
            self.behind.extend_from_slice(behind);
        }
    }

    pub(super) fn forget(&mut self) {
        self.before.clear();
        self.behind.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::OpenAiChat;
    use crate::wire::StreamError;
    use crate::wire::replay::decode;

    /// Chunks; `§` is where a text comes.
    const CHUNKS: [&str; 16] = [
        r#"{"id":"a","model":"m","choices":[{"index":0,"delta":{"content":"§"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"a","model":"n","choices":[{"index":0,"delta":{"content":"§"},"finish_reason":null}],"usage":null}"#,
        r#"{"id":"a","model":"m","provider":"P","choices":[{"delta":{"role":"assistant","content":"§"}}]}"#,
        r#"{"choices":[{"index":1,"delta":{"content":"§"}}]}"#,
        r#"{"choices":[{"index":1,"delta":{}},{"index":0,"delta":{"content":"§"}}]}"#,
        r#"{"choices":[{"delta":{"content":"§","reasoning":"x"}}]}"#,
        r#"{"choices":[{"delta":{"content":null,"reasoning_content":"§"}}]}"#,
        r#"{"choices":[{"delta":{"reasoning":"§","reasoning_details":[{"type":"reasoning.text","text":"§"}]}}]}"#,
        r#"{"choices":[{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"§"}]}}]}"#,
        r#"{"choices":[{"delta":{"content":["§",{"type":"thinking","thinking":"§"}]}}]}"#,
        r#"{"choices":[{"delta":{"content":"§","tool_calls":[{"function":{"arguments":"§"}}]}}]}"#,
        r#"{"choices":[{"delta":{"refusal":"§"}}]}"#,
        r#"{"choices":[{"delta":{"content":"§"},"finish_reason":"§"}]}"#,
        r#"{"choices":[{"delta":{"content":"§"},"finish_reason":"content_filter"}]}"#,
        r#"{"choices":[{"delta":{"content":"§"}}],"usage":{"prompt_tokens":3,"completion_tokens":4}}"#,
        r#"{"error":{"message":"down"},"choices":[{"delta":{"content":"§"}}]}"#,
    ];

    /// Texts as they stand in JSON, and what only looks like one.
    const TEXTS: [&str; 12] = [
        " word",
        "é漢",
        "",
        "<think>",
        "</think>",
        r"a\nb",
        r"\ud83c",
        r"\udf89",
        r#"\""#,
        r#"x","refusal":"y"#,
        r#"x"},"finish_reason":"stop","delta":{"content":"y"#,
        "\u{1}\t",
    ];

    fn chunks() -> impl Strategy<Value = Vec<String>> {
        let texts = prop::collection::vec(prop::sample::select(TEXTS.to_vec()), 1..6);
        // The first chunks are the common ones.
        let place = prop_oneof![3 => 0..3_usize, 2 => 0..CHUNKS.len() - 3, 1 => 0..CHUNKS.len()];
        let run = (place, texts).prop_map(|(place, texts)| {
            texts.into_iter().map(|text| CHUNKS[place].replace('§', text)).collect::<Vec<_>>()
        });
        prop::collection::vec(run, 1..8).prop_map(|runs| runs.concat())
    }

    /// The story of a stream; a failure without its message, which may be the whole chunk.
    fn story(chunks: impl IntoIterator<Item = String>) -> String {
        let stream: String = chunks.into_iter().map(|chunk| format!("data: {chunk}\n\n")).collect();
        let mut replay = decode(&OpenAiChat, stream.as_bytes(), &[]);
        if let Err(StreamError::Api(error)) = &mut replay.ending {
            error.message.clear();
        }
        replay.story()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1024))]

        #[test]
        fn a_chunk_says_the_same_whether_or_not_it_repeats_the_last(chunks in chunks()) {
            let apart = chunks.iter().enumerate().map(|(n, chunk)| format!("{{\"n\":{n},{}", &chunk[1..]));
            prop_assert_eq!(story(chunks.clone()), story(apart));
        }
    }

    #[test]
    fn only_what_repeats_the_last_chunk_is_taken_for_it() {
        use super::super::chunk::Chunk;
        use super::{Channel, Pattern};

        let learnt = |data: &[u8]| {
            let mut pattern = Pattern::default();
            pattern.learn(data, &serde_json::from_slice::<Chunk<'_>>(data).unwrap());
            pattern
        };
        let pattern = learnt(br#"{"choices":[{"delta":{"content":"one"}}]}"#);
        let text = |data: &'static str| pattern.text(data.as_bytes()).map(|(_, text)| text.to_text());
        assert_eq!(text(r#"{"choices":[{"delta":{"content":"two"}}]}"#).as_deref(), Some("two"));
        assert_eq!(text(r#"{"choices":[{"delta":{"content":""}}]}"#).as_deref(), Some(""));
        for other in [
            r#"{"choices":[{"delta":{"content":"t\"o"}}]}"#,
            r#"{"choices":[{"delta":{"content":"t","refusal":"o"}}]}"#,
            r#"{"choices":[{"delta":{"content":"two"}}]} "#,
            r#"{"choices":[{"delta":{"content":"}}]}"#,
        ] {
            assert_eq!(text(other), None, "{other}");
        }
        let thought = learnt(br#"{"choices":[{"delta":{"content":null,"reasoning":"hm"}}]}"#);
        let (channel, _) =
            thought.text(br#"{"choices":[{"delta":{"content":null,"reasoning":"so"}}]}"#).unwrap();
        assert_eq!(channel, Channel::Reasoning);
        for silent in
            [r#"{"choices":[{"delta":{"content":""}}]}"#, r#"{"choices":[{"delta":{"content":"a\n"}}]}"#]
        {
            assert!(learnt(silent.as_bytes()).text(silent.as_bytes()).is_none(), "{silent}");
        }
    }
}
