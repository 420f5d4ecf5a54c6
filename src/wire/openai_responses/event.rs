//! The shapes of events, items and responses, borrowed from the bytes.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::wire::text::Raw;

/// One event of a stream. The events of text come by the thousand; what the
/// others carry is kept as raw JSON and read when it is needed.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamEvent<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    pub(super) output_index: Option<u64>,
    pub(super) content_index: Option<u64>,
    pub(super) summary_index: Option<u64>,
    #[serde(borrow)]
    pub(super) delta: Option<Raw<'a>>,
    /// The whole of a text, in the event that closes it.
    #[serde(borrow)]
    pub(super) text: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) arguments: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) item: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// Just the type, where the rest of an event is not as expected.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Option<Raw<'a>>,
}

/// The response object: inside events, and as a whole answer.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub(super) id: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) model: Option<Raw<'a>>,
    /// Who serves the model behind a gateway (`OpenRouter`).
    #[serde(borrow)]
    pub(super) provider: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) status: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) incomplete_details: Option<Incomplete<'a>>,
    /// Perplexity has been seen to send null where `OpenAI` has an array.
    #[serde(borrow)]
    pub(super) output: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow)]
    pub(super) reason: Option<Raw<'a>>,
}

/// An item of the output: a message, reasoning, a tool call.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Item<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) phase: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) content: Option<Vec<ItemPart<'a>>>,
    #[serde(borrow)]
    pub(super) summary: Option<Vec<ItemPart<'a>>>,
    #[serde(borrow)]
    pub(super) arguments: Option<Raw<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ItemPart<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Raw<'a>,
    #[serde(borrow)]
    pub(super) text: Option<Raw<'a>>,
    #[serde(borrow)]
    pub(super) refusal: Option<Raw<'a>>,
}
