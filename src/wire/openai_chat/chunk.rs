//! The shapes of a chunk and of a whole answer, borrowed from the bytes.
//!
//! Every field may be missing or null. What is only now and then there, or
//! comes in several types, is kept as raw JSON and read when it is needed:
//! skipping a value costs the same as keeping its place.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::wire::text::Raw;

/// A chunk of a stream, or a whole answer: they differ in `delta` and `message`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model: Option<Raw<'a>>,
    /// Who serves the model behind a gateway (`OpenRouter`).
    #[serde(borrow)]
    pub(super) provider: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) object: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) choices: Option<Choices<'a>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) x_groq: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

impl Chunk<'_> {
    /// The text of a chunk that says nothing else but of the answer as a whole,
    /// if it stands in the JSON as it is.
    pub(super) fn only_text(&self) -> Option<(Channel, &[u8])> {
        // Every field by its name: a new one must be thought of here.
        let Self { id: _, model: _, provider: _, object: _, choices, usage: None, x_groq: None, error: None } =
            self
        else {
            return None;
        };
        let Choice {
            index: _,
            delta: Some(delta),
            message: None,
            finish_reason: None,
            native_finish_reason: None,
            usage: None,
            error: None,
        } = choices.as_ref()?.first.as_ref()?
        else {
            return None;
        };
        let Delta {
            content,
            reasoning_content,
            reasoning,
            reasoning_details: None,
            refusal: None,
            tool_calls: None,
            function_call: None,
        } = &**delta
        else {
            return None;
        };
        let (channel, text) = match (content, reasoning_content, reasoning) {
            (Some(text), None, None) => (Channel::Answer, text),
            (None, Some(text), None) | (None, None, Some(text)) => (Channel::Reasoning, text),
            _ => return None,
        };
        match text {
            Content::Text(Raw(Cow::Borrowed(text))) => Some((channel, text)),
            Content::Text(_) | Content::Parts(_) => None,
        }
    }
}

/// The choices of a chunk, of which only the first answer counts.
#[derive(Default)]
pub(super) struct Choices<'a> {
    /// Whether there are any.
    pub(super) any: bool,
    /// The one with index 0.
    pub(super) first: Option<Choice<'a>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Choices<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ChoicesVisitor)
    }
}

struct ChoicesVisitor;

impl<'de> Visitor<'de> for ChoicesVisitor {
    type Value = Choices<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of choices")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Choices<'de>, A::Error> {
        let mut choices = Choices::default();
        while let Some(choice) = items.next_element::<Choice<'de>>()? {
            choices.any = true;
            if choices.first.is_none() && choice.index.unwrap_or(0) == 0 {
                choices.first = Some(choice);
            }
        }
        Ok(choices)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Choice<'a> {
    pub(super) index: Option<u64>,
    /// Boxed, because moving it about costs more than the allocation.
    #[serde(borrow)]
    pub(super) delta: Option<Box<Delta<'a>>>,
    /// A [`Delta`] that holds the whole; raw, because most chunks have none.
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) finish_reason: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) native_finish_reason: Option<&'a RawValue>,
    /// Moonshot has put it here.
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<Content<'a>>,
    #[serde(borrow)]
    pub(super) reasoning: Option<Content<'a>>,
    /// [`Content`], raw because it mostly repeats the reasoning above.
    #[serde(borrow)]
    pub(super) reasoning_details: Option<&'a RawValue>,
    /// [`Content`].
    #[serde(borrow)]
    pub(super) refusal: Option<&'a RawValue>,
    /// An array of [`ToolCall`]s.
    #[serde(borrow)]
    pub(super) tool_calls: Option<&'a RawValue>,
    /// A [`Function`]; the form before `tool_calls`.
    #[serde(borrow)]
    pub(super) function_call: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolCall<'a> {
    #[serde(borrow)]
    pub(super) function: Option<Function<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) arguments: Option<&'a RawValue>,
}

/// Groq's own field: the request's id, and usage that needs no asking.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct XGroq<'a> {
    #[serde(borrow)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// Text as a string, or as an array of typed parts (Mistral).
pub(super) enum Content<'a> {
    Text(Raw<'a>),
    Parts(Vec<&'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Asked for bytes, `serde_json` hands out strings with lone surrogates
        // in them, and arrays as sequences.
        deserializer.deserialize_bytes(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or an array of parts")
    }

    fn visit_borrowed_bytes<E: Error>(self, bytes: &'de [u8]) -> Result<Content<'de>, E> {
        Ok(Content::Text(Raw(Cow::Borrowed(bytes))))
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Content<'de>, E> {
        Ok(Content::Text(Raw(Cow::Owned(bytes.to_vec()))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content<'de>, A::Error> {
        let mut parts = Vec::new();
        while let Some(part) = items.next_element::<&'de RawValue>()? {
            parts.push(part);
        }
        Ok(Content::Parts(parts))
    }
}

/// A typed part: `{"type":"text","text":…}`, `{"type":"thinking","thinking":[…]}`,
/// `{"type":"reasoning.summary","summary":…}`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<&'a RawValue>,
    #[serde(borrow)]
    text: Option<Content<'a>>,
    #[serde(borrow)]
    thinking: Option<Content<'a>>,
    #[serde(borrow)]
    reasoning: Option<Content<'a>>,
    #[serde(borrow)]
    summary: Option<Content<'a>>,
    #[serde(borrow)]
    refusal: Option<Content<'a>>,
}

/// Where a text belongs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Channel {
    #[default]
    Answer,
    Reasoning,
    Refusal,
}

impl Content<'_> {
    /// Hands out the texts in order, each with its channel; a plain text
    /// belongs to the channel that its field stands for.
    pub(super) fn each(&self, channel: Channel, take: &mut dyn FnMut(Channel, &Raw<'_>)) {
        self.walk(channel, 0, take);
    }

    fn walk(&self, channel: Channel, depth: u8, take: &mut dyn FnMut(Channel, &Raw<'_>)) {
        // Mistral nests its parts two deep. Raw JSON has no limit of its own,
        // so a hostile server could nest them until the stack ends.
        const DEPTH: u8 = 4;
        match self {
            Content::Text(text) if !text.is_empty() => take(channel, text),
            Content::Text(_) => {}
            Content::Parts(_) if depth == DEPTH => {}
            Content::Parts(parts) => {
                for part in parts {
                    if let Some(text) = string(part) {
                        Content::Text(text).walk(channel, depth + 1, take);
                    } else if let Ok(part) = serde_json::from_str::<Part<'_>>(part.get()) {
                        part.walk(channel, depth + 1, take);
                    }
                }
            }
        }
    }

    /// Whether there is any text in it.
    pub(super) fn has_text(&self) -> bool {
        match self {
            Content::Text(text) => !text.is_empty(),
            Content::Parts(_) => {
                let mut any = false;
                self.each(Channel::Answer, &mut |_, _| any = true);
                any
            }
        }
    }
}

impl Part<'_> {
    fn walk(&self, channel: Channel, depth: u8, take: &mut dyn FnMut(Channel, &Raw<'_>)) {
        let kind = self.kind.map_or("", RawValue::get);
        let of_text = if kind.contains("thinking") || kind.contains("reasoning") {
            Channel::Reasoning
        } else {
            channel
        };
        let fields = [
            (&self.thinking, Channel::Reasoning),
            (&self.reasoning, Channel::Reasoning),
            (&self.summary, Channel::Reasoning),
            (&self.text, of_text),
            (&self.refusal, Channel::Refusal),
        ];
        for (content, channel) in fields {
            if let Some(content) = content {
                content.walk(channel, depth, take);
            }
        }
    }
}

/// A raw value in one of the shapes above, where it has it.
pub(super) fn read<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// A raw value as a string, where it is one.
pub(super) fn string(raw: &RawValue) -> Option<Raw<'_>> {
    if !raw.get().starts_with('"') {
        return None;
    }
    serde_json::from_str(raw.get()).ok()
}

/// A raw value as a word that is not empty, where it is one.
pub(super) fn word(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let text = match string(raw?)?.0 {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    };
    (!text.is_empty()).then_some(text)
}
