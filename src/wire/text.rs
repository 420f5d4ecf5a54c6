//! Text inside JSON as providers really send it: with lone surrogates.
//!
//! A server that cuts its text by UTF-16 units sends an emoji as `"\ud83c"` in
//! one event and its other half in the next. `serde_json` refuses that for a
//! string but keeps it, as WTF-8, for bytes. [`Raw`] takes the bytes, and a
//! [`Joiner`] a channel puts the halves together.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// A JSON string as bytes, borrowed where it holds no escapes. UTF-8 but for
/// lone surrogates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Raw<'a>(pub Cow<'a, [u8]>);

impl Raw<'_> {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of a string that comes in one piece, such as a name.
    pub fn to_text(&self) -> String {
        let mut joiner = Joiner::default();
        let mut text = joiner.push(self);
        text.push_str(&joiner.end());
        text
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Raw<'de>, E> {
        Ok(Raw(Cow::Borrowed(bytes)))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Raw<'de>, E> {
        Ok(Raw(Cow::Owned(bytes.to_vec())))
    }

    // Values that passed through `serde_json::Value` arrive as strings.
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw(Cow::Borrowed(text.as_bytes())))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Raw<'de>, E> {
        Ok(Raw(Cow::Owned(text.as_bytes().to_vec())))
    }
}

/// Turns the pieces of one channel into strings, joining a surrogate that ends
/// one piece with the one that begins the next. A half that never finds its
/// other becomes U+FFFD.
#[derive(Debug, Default)]
pub struct Joiner {
    lead: Option<u16>,
}

impl Joiner {
    /// The next piece as text; empty where it only begins a character.
    pub fn push(&mut self, raw: &Raw<'_>) -> String {
        let bytes: &[u8] = &raw.0;
        if bytes.is_empty() {
            return String::new();
        }
        if self.lead.is_none()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return text.to_owned();
        }
        let mut out = String::with_capacity(bytes.len());
        let mut rest = bytes;
        while !rest.is_empty() {
            let valid = match std::str::from_utf8(rest) {
                Ok(text) => text,
                Err(error) => std::str::from_utf8(&rest[..error.valid_up_to()]).unwrap_or_default(),
            };
            if !valid.is_empty() {
                self.give_up(&mut out);
                out.push_str(valid);
            }
            rest = &rest[valid.len()..];
            match rest {
                [] => {}
                // U+D800..U+DFFF in WTF-8: ED A0..BF xx.
                [0xED, b @ 0xA0..=0xBF, c @ 0x80..=0xBF, ..] => {
                    self.surrogate(0xD000 | u16::from(b & 0x3F) << 6 | u16::from(c & 0x3F), &mut out);
                    rest = &rest[3..];
                }
                _ => {
                    self.give_up(&mut out);
                    out.push(char::REPLACEMENT_CHARACTER);
                    rest = &rest[1..];
                }
            }
        }
        out
    }

    /// What is left at the end of the channel.
    pub fn end(&mut self) -> String {
        let mut out = String::new();
        self.give_up(&mut out);
        out
    }

    fn surrogate(&mut self, unit: u16, out: &mut String) {
        let is_lead = unit < 0xDC00;
        match self.lead.take() {
            Some(lead) if !is_lead => {
                out.extend(char::decode_utf16([lead, unit]).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)))
            }
            earlier => {
                if earlier.is_some() {
                    out.push(char::REPLACEMENT_CHARACTER);
                }
                if is_lead {
                    self.lead = Some(unit);
                } else {
                    out.push(char::REPLACEMENT_CHARACTER);
                }
            }
        }
    }

    fn give_up(&mut self, out: &mut String) {
        if self.lead.take().is_some() {
            out.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

/// What a provider says in the place of an answer, as a paragraph of its own
/// where some of the answer came before.
pub(super) fn apart(words: String, spoke: bool) -> String {
    if spoke { format!("\n\n{words}") } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(pieces: &[&str]) -> String {
        let mut joiner = Joiner::default();
        let mut text: String = pieces
            .iter()
            .map(|json| joiner.push(&serde_json::from_slice::<Raw<'_>>(json.as_bytes()).unwrap()))
            .collect();
        text.push_str(&joiner.end());
        text
    }

    #[test]
    fn halves_in_two_pieces_are_joined() {
        assert_eq!(joined(&[r#""a \ud83c""#, r#""\udf89 b""#]), "a 🎉 b");
        assert_eq!(joined(&[r#""\ud83c""#, r#""""#, r#""\udf89""#]), "🎉");
        assert_eq!(joined(&[r#""\ud83c\udf89 é""#]), "🎉 é");
    }

    #[test]
    fn a_half_alone_is_replaced() {
        assert_eq!(joined(&[r#""\ud83c""#]), "\u{fffd}");
        assert_eq!(joined(&[r#""\ud83cx""#]), "\u{fffd}x");
        assert_eq!(joined(&[r#""\udf89x""#]), "\u{fffd}x");
        assert_eq!(joined(&[r#""\ud83c""#, r#""\ud83c\udf89""#]), "\u{fffd}🎉");
    }

    #[test]
    fn a_whole_text_keeps_what_it_can() {
        let raw: Raw<'_> = serde_json::from_str(r#""a \ud83c\udf89 \ud83c""#).unwrap();
        assert_eq!(raw.to_text(), "a 🎉 \u{fffd}");
    }

    #[test]
    fn plain_text_is_borrowed() {
        let raw: Raw<'_> = serde_json::from_str(r#""plain é""#).unwrap();
        assert!(matches!(raw.0, Cow::Borrowed(_)));
    }
}
