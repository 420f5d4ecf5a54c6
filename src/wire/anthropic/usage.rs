//! Token counts of the Messages API.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::money::Usage;
use crate::wire::count::Count;

/// The counts as sent. Those of `message_delta` are totals, not increments:
/// each field that is present replaces the one before.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Counts {
    input_tokens: Count,
    cache_read_input_tokens: Count,
    cache_creation_input_tokens: Count,
    cache_creation: Option<Written>,
    output_tokens: Count,
    output_tokens_details: Option<Details>,
}

/// What was written to the cache, by how long it stays: the tokens of
/// `cache_creation_input_tokens` once more.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Written {
    ephemeral_5m_input_tokens: Count,
    ephemeral_1h_input_tokens: Count,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
struct Details {
    thinking_tokens: Count,
}

impl Counts {
    /// Reads a `usage` object. One that can't be read says nothing: it must not
    /// take the event that it stands in down with it.
    pub(super) fn read(raw: &RawValue) -> Self {
        serde_json::from_str(raw.get()).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn replace(&mut self, newer: Self) {
        self.input_tokens = newer.input_tokens.or(self.input_tokens);
        self.cache_read_input_tokens = newer.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.cache_creation_input_tokens =
            newer.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_creation = newer.cache_creation.or(self.cache_creation);
        self.output_tokens = newer.output_tokens.or(self.output_tokens);
        self.output_tokens_details = newer.output_tokens_details.or(self.output_tokens_details);
    }

    /// The common form. `input_tokens` excludes what was read from and written
    /// to the cache; `output_tokens` includes thinking.
    pub(super) fn usage(&self) -> Usage {
        let written = self.cache_creation.unwrap_or_default();
        let hour = written.ephemeral_1h_input_tokens.tokens();
        // A later total without its split may be the larger: what grew was
        // written at the default of five minutes.
        let rest = self.cache_creation_input_tokens.tokens() - hour;
        Usage {
            input_uncached: self.input_tokens.tokens(),
            cache_read: self.cache_read_input_tokens.tokens(),
            cache_write_5m: written.ephemeral_5m_input_tokens.tokens().max(rest),
            cache_write_1h: hour,
            output: self.output_tokens.tokens(),
            reasoning: self.output_tokens_details.unwrap_or_default().thinking_tokens.tokens(),
            ..Usage::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Tokens;

    fn usage(texts: &[&str]) -> Usage {
        let mut counts = Counts::default();
        texts.iter().for_each(|text| counts.replace(serde_json::from_str(text).unwrap()));
        counts.usage()
    }

    #[test]
    fn written_tokens_count_once() {
        let split = r#"{"input_tokens":20,"cache_read_input_tokens":5,"cache_creation_input_tokens":10,
            "cache_creation":{"ephemeral_5m_input_tokens":4,"ephemeral_1h_input_tokens":6},"output_tokens":1}"#;
        let expected = Usage {
            input_uncached: Tokens(20),
            cache_read: Tokens(5),
            cache_write_5m: Tokens(4),
            cache_write_1h: Tokens(6),
            output: Tokens(9),
            ..Usage::default()
        };
        let end = r#"{"input_tokens":20,"cache_creation_input_tokens":10,"output_tokens":9}"#;
        assert_eq!(usage(&[split, end]), expected);
        let grown = r#"{"cache_creation_input_tokens":13,"output_tokens":9}"#;
        assert_eq!(usage(&[split, grown]), Usage { cache_write_5m: Tokens(7), ..expected });
        assert_eq!(usage(&[r#"{"cache_creation_input_tokens":10}"#]).cache_write_5m, Tokens(10));
        assert_eq!(
            usage(&[r#"{"cache_creation":{"ephemeral_1h_input_tokens":10}}"#]).cache_write_1h,
            Tokens(10)
        );
    }

    #[test]
    fn later_counts_replace_and_never_add() {
        let usage = usage(&[
            r#"{"input_tokens":10,"output_tokens":1}"#,
            r#"{"output_tokens":30,"output_tokens_details":{"thinking_tokens":20}}"#,
            r#"{"input_tokens":12,"output_tokens":40,"cache_read_input_tokens":null}"#,
        ]);
        assert_eq!((usage.input(), usage.output, usage.reasoning), (Tokens(12), Tokens(40), Tokens(20)));
    }
}
