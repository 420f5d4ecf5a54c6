//! The text of a catalog, read without parsing it.
//!
//! The file is JSON laid out by lines: the head has one key a line, then comes
//! a line a provider, a line a model, and `}}` closes a provider. A newline
//! can't stand inside a JSON string, so whatever follows one is structure.
//! So providers are found by the `\n}}` before them and a model by its `\n"ID":{`,
//! and only the lines that are wanted are parsed.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;

use memchr::{memchr, memchr2, memmem};

/// Where the providers begin.
const PROVIDERS: &str = "\n\"p\":{";
/// What ends the line of a provider: the object of its models opens.
const OPENS_MODELS: &str = "\"m\":{";
/// What begins the line that closes a provider.
const CLOSES: &str = "\n}}";

/// A catalog file.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    text: Cow<'static, str>,
    /// Where the providers are: found once, in one pass over the file.
    places: OnceLock<Vec<Place>>,
}

/// Where a provider's part is.
#[derive(Clone, Debug)]
struct Place {
    id: String,
    head: Range<usize>,
    body: Range<usize>,
}

/// One provider's part of the file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Section<'a> {
    /// The provider's facts: an object that is still open, up to `"m":{`.
    head: &'a str,
    /// The lines of its models, with the newline before the first.
    body: &'a str,
}

impl Snapshot {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self { text: text.into(), places: OnceLock::new() }
    }

    /// The JSON behind a key of the head.
    pub(super) fn head(&self, key: &str) -> Option<&str> {
        let head = &self.text[..memmem::find(self.text.as_bytes(), PROVIDERS.as_bytes())?];
        let needle = format!("\n\"{key}\":");
        let start = memmem::find(head.as_bytes(), needle.as_bytes())? + needle.len();
        Some(first_line(&head[start..]).trim_end_matches(','))
    }

    /// The part of one provider, by its exact id.
    pub(super) fn section(&self, provider: &str) -> Option<Section<'_>> {
        self.sections().find(|(id, _)| *id == provider).map(|(_, section)| section)
    }

    /// All providers in the order of the file.
    pub(super) fn sections(&self) -> impl Iterator<Item = (&str, Section<'_>)> {
        let part = |range: &Range<usize>| &self.text[range.clone()];
        let places = self.places.get_or_init(|| places(&self.text));
        places.iter().map(move |place| {
            (place.id.as_str(), Section { head: part(&place.head), body: part(&place.body) })
        })
    }

    /// Whether the file ends as a whole one does: only behind the last provider
    /// there is no comma.
    pub(super) fn is_whole(&self) -> bool {
        self.text.trim_end().ends_with("\n}}\n}}")
    }
}

impl<'a> Section<'a> {
    /// The provider's facts as a whole JSON object, without its models.
    pub(super) fn facts(&self) -> String {
        format!("{}{OPENS_MODELS}}}}}", self.head)
    }

    /// The row of one model, by its exact id.
    pub(super) fn line(&self, model: &str) -> Option<&'a str> {
        let needle = anchor(model);
        let start = memmem::find(self.body.as_bytes(), needle.as_bytes())? + needle.len() - 1;
        Some(first_line(&self.body[start..]).trim_end_matches(','))
    }

    /// The ids and rows of all its models.
    pub(super) fn lines(&self) -> impl Iterator<Item = (Cow<'a, str>, &'a str)> + use<'a> {
        self.body.lines().filter_map(split_key).map(|(id, row)| (id, row.trim_end_matches(',')))
    }
}

/// The start of the line of `id`, with the newline before it.
fn anchor(id: &str) -> String {
    format!("\n{}:{{", serde_json::Value::from(id))
}

fn first_line(text: &str) -> &str {
    &text[..memchr(b'\n', text.as_bytes()).unwrap_or(text.len())]
}

fn places(text: &str) -> Vec<Place> {
    let next_line = |at: usize| at + first_line(&text[at..]).len() + 1;
    let start = memmem::find(text.as_bytes(), PROVIDERS.as_bytes());
    let mut at = start.map_or(text.len(), |newline| next_line(newline + 1));
    let closes = memmem::Finder::new(CLOSES);
    std::iter::from_fn(|| {
        let line = first_line(text.get(at..)?);
        let (id, facts) = split_key(line)?;
        let facts = facts.strip_suffix(OPENS_MODELS)?;
        let body = at + line.len();
        let end = body + closes.find(&text.as_bytes()[body..])?;
        let head = body - OPENS_MODELS.len() - facts.len()..body - OPENS_MODELS.len();
        at = next_line(end + 1);
        Some(Place { id: id.into_owned(), head, body: body..end })
    })
    .collect()
}

/// Splits `"key":value`; `None` for a line that is nothing of the kind.
fn split_key(line: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = line.strip_prefix('"')?;
    let mut end = 0;
    loop {
        end += memchr2(b'"', b'\\', inner.get(end..)?.as_bytes())?;
        if inner.as_bytes()[end] == b'"' {
            break;
        }
        end += 2;
    }
    let value = inner[end + 1..].strip_prefix(':')?;
    let key = &inner[..end];
    if key.contains('\\') {
        return Some((Cow::Owned(serde_json::from_str(&line[..end + 2]).ok()?), value));
    }
    Some((Cow::Borrowed(key), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = concat!(
        "{\n\"v\":1,\n\"gen\":\"2026-01-02\",\n\"p\":{\n",
        "\"a\":{\"n\":\"A\",\"m\":{\n\"b\":{\"n\":\"the model b of a\"},\n\"x\\\"y\\\\\":{\"n\":\"odd\"}\n}},\n",
        "\"none\":{\"n\":\"Nobody\",\"m\":{\n}},\n",
        "\"b\":{\"n\":\"B\",\"m\":{\n\"a\":{\"n\":\"the model a of b, with \\\"m\\\":{\"}\n}}\n}}\n",
    );

    #[test]
    fn a_model_called_as_a_provider_is_told_apart() {
        let file = Snapshot::new(FILE);
        assert_eq!(file.section("b").unwrap().facts(), r#"{"n":"B","m":{}}"#);
        assert_eq!(file.section("a").unwrap().line("b"), Some(r#"{"n":"the model b of a"}"#));
        assert!(file.section("b").unwrap().line("a").unwrap().starts_with(r#"{"n":"the model a of b"#));
        assert!(file.section("b").unwrap().line("b").is_none());
        assert!(file.section("none").unwrap().lines().next().is_none());
        assert!(file.section("c").is_none());
    }

    #[test]
    fn ids_are_read_as_json() {
        let file = Snapshot::new(FILE);
        assert_eq!(file.section("a").unwrap().line("x\"y\\"), Some(r#"{"n":"odd"}"#));
        let ids: Vec<_> = file.section("a").unwrap().lines().map(|(id, _)| id.into_owned()).collect();
        assert_eq!(ids, ["b", "x\"y\\"]);
    }

    #[test]
    fn the_head_is_read_by_key() {
        let file = Snapshot::new(FILE);
        assert_eq!(file.head("gen"), Some("\"2026-01-02\""));
        assert_eq!(file.head("n"), None);
        assert_eq!(file.sections().map(|(id, _)| id.to_owned()).collect::<Vec<_>>(), ["a", "none", "b"]);
        assert!(file.is_whole());
        assert!(!Snapshot::new(&FILE[..FILE.len() - 4]).is_whole());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_fail(text in "[\"\\\\{}:,mp\na\u{e9}]{0,80}") {
            for text in [text.clone(), format!("{{\n\"p\":{{\n{text}")] {
                let file = Snapshot::new(text);
                for (_, section) in file.sections() {
                    section.lines().for_each(drop);
                    section.line("a");
                }
                file.section("a");
                file.head("a");
            }
        }
    }
}
