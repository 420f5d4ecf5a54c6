//! Protocol adapters: pure, synchronous, without keys and without IO.
//!
//! A [`Wire`] encodes a [`Request`] for a [`Target`] and makes a [`Decode`]
//! that turns the answer's bytes into [`Event`]s. Vendors are data: what one
//! server does differently is a [`Quirks`] value of its row, never a branch on
//! its name.

use serde_json::Value;

use crate::chat::{Effort, Ending, Event, Request};
use crate::model::ModelRef;

pub mod anthropic;
mod cache;
mod count;
mod effort;
pub mod failure;
#[cfg(test)]
mod fixtures;
pub mod gemini;
pub(crate) mod openai;
pub mod openai_chat;
pub mod openai_responses;
pub mod quirks;
#[cfg(any(test, fuzzing))]
pub mod replay;
mod schema;
pub mod sse;
pub mod text;
mod turns;

pub use anthropic::Anthropic;
pub use cache::is_from_cache;
pub use failure::{ApiError, FailureKind, Headers};
pub use gemini::Gemini;
pub use openai_chat::OpenAiChat;
pub use openai_responses::OpenAiResponses;

/// A wire format of chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// `POST …/chat/completions`.
    OpenAiChat,
    /// `POST …/responses`.
    OpenAiResponses,
    /// `POST …/messages`.
    Anthropic,
    /// `POST …/models/{model}:streamGenerateContent`.
    Gemini,
}

impl Protocol {
    /// The name used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai-chat",
            Self::OpenAiResponses => "openai-responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The adapter that speaks it.
    pub fn wire(self) -> &'static dyn Wire {
        match self {
            Self::OpenAiChat => &OpenAiChat,
            Self::OpenAiResponses => &OpenAiResponses,
            Self::Anthropic => &Anthropic,
            Self::Gemini => &Gemini,
        }
    }

    /// Every protocol, in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::OpenAiChat, Self::OpenAiResponses, Self::Anthropic, Self::Gemini];
}

/// How a provider's key travels. The key itself is added by the transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer KEY`.
    Bearer,
    /// A header of its own: `x-api-key: KEY`.
    Header(String),
}

/// The field that caps generated tokens in Chat Completions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaxTokensField {
    /// `max_tokens`, which most compatible servers know.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`, which `OpenAI` and a few others want.
    MaxCompletionTokens,
}

/// How a server wants to be told how hard to think.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReasoningStyle {
    /// `reasoning_effort: "low"`.
    #[default]
    Effort,
    /// `reasoning: {"effort": "low"}` or `{"max_tokens": n}` (`OpenRouter`, Vercel).
    Object,
    /// `thinking: {"type": "enabled"}` or `"disabled"` (z.ai, Moonshot).
    Thinking,
    /// `thinking: {"type": …}` together with `reasoning_effort` (`DeepSeek`).
    ThinkingAndEffort,
    /// `enable_thinking: true` and `thinking_budget: n` (Alibaba).
    EnableThinking,
    /// There is no such control.
    Unsupported,
}

/// What a server can do natively for structured output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SchemaSupport {
    /// The schema itself can be sent.
    #[default]
    Native,
    /// Only "answer with a JSON object" can be asked for.
    JsonObject,
    /// Nothing: the schema goes into the prompt.
    Prompt,
}

/// Where one server departs from its protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Which field caps the answer.
    pub max_tokens_field: MaxTokensField,
    /// How reasoning is controlled.
    pub reasoning: ReasoningStyle,
    /// What structured output it knows.
    pub schema: SchemaSupport,
    /// The name of the seed's field.
    pub seed_field: &'static str,
    /// Whether `stream_options.include_usage` may be sent.
    pub stream_usage: bool,
    /// Whether the role `developer` is understood; `system` otherwise.
    pub developer_role: bool,
    /// Whether PDFs go as `document_url` (Mistral) instead of `file`.
    pub document_url: bool,
    /// Whether images may be given by address; otherwise their bytes are needed.
    pub image_urls: bool,
    /// Whether PDFs may be given by address (`OpenRouter`, Mistral).
    pub pdf_urls: bool,
    /// Whether audio goes as one bare text, base64 or an address (Mistral),
    /// instead of an object with its data and format.
    pub bare_audio: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            max_tokens_field: MaxTokensField::default(),
            reasoning: ReasoningStyle::default(),
            schema: SchemaSupport::default(),
            seed_field: "seed",
            stream_usage: true,
            developer_role: false,
            document_url: false,
            image_urls: true,
            pdf_urls: false,
            bare_audio: false,
        }
    }
}

/// What is known of a model that changes what may be sent to it. Unknown
/// models have no facts, and everything that the user set is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Context window in tokens.
    pub context: Option<u64>,
    /// Most tokens that one answer may have.
    pub max_output: Option<u64>,
    /// The model refuses `temperature` and its like.
    pub no_temperature: bool,
    /// Whether the model can reason; `None` where that is not known.
    pub reasoning: Option<bool>,
    /// Effort levels that the model takes, where they are listed.
    pub efforts: Option<Vec<Effort>>,
    /// The least and the most thinking budget in tokens.
    pub thinking_budget: Option<(u32, u32)>,
    /// Whether structured output is known to work; `None` where that is not known.
    pub schema: Option<bool>,
}

/// Where a request goes: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The model as the user knows it.
    pub model: ModelRef,
    /// The id to send, which is a deployment's name on Azure.
    pub api_model: String,
    /// The wire format.
    pub protocol: Protocol,
    /// The address that the protocol's path is appended to, without a final slash.
    pub base_url: String,
    /// How the key travels.
    pub auth: Auth,
    /// Headers of the provider's row and of the user's configuration.
    pub headers: Vec<(String, String)>,
    /// Where the server departs from its protocol.
    pub quirks: Quirks,
    /// What is known of the model.
    pub facts: Facts,
}

/// A parameter that was left out because the model or the protocol can't take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropped {
    /// The parameter as the user knows it: `temperature`, `seed`.
    pub param: String,
    /// Why it was left out, for people.
    pub reason: String,
}

impl Dropped {
    /// Notes that a parameter was left out.
    pub fn new(param: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { param: param.into(), reason: reason.into() }
    }
}

/// A request ready to be sent, but for the key.
#[derive(Clone, Debug, PartialEq)]
pub struct WireRequest {
    /// What is appended to the base URL, with a leading slash and any query.
    pub path: String,
    /// Headers of the protocol, lower case.
    pub headers: Vec<(String, String)>,
    /// The body, before the user's own fields are laid over it ([`overlay`]).
    pub body: Value,
    /// What was left out.
    pub dropped: Vec<Dropped>,
}

/// Why a request can't be put into a protocol's words: an attachment it has no
/// place for, say. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EncodeError(pub String);

/// A fault inside an answer whose status was fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StreamError {
    /// One event could not be read. It is skipped and counted; the rest goes on.
    Malformed(String),
    /// The provider reports a failure: nothing more comes.
    Api(ApiError),
    /// The answer ended without its end marker.
    Truncated,
}

impl From<ApiError> for StreamError {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}

/// One protocol: requests out, answers in.
pub trait Wire: Sync {
    /// Puts a request into the protocol's words.
    ///
    /// # Errors
    /// Where the protocol has no place for something that must not be left out.
    fn encode(&self, target: &Target, request: &Request) -> Result<WireRequest, EncodeError>;

    /// A decoder for one answer.
    fn decoder(&self) -> Box<dyn Decode>;

    /// Reads a failed answer: its status, headers and body.
    fn error(&self, status: u16, headers: &Headers, body: &[u8]) -> ApiError {
        failure::read(status, headers, body)
    }
}

/// The decoder of one answer. Bytes arrive as SSE frames, or as one whole body
/// where the answer does not stream.
pub trait Decode: Send {
    /// Takes one frame; emits any number of events.
    ///
    /// # Errors
    /// [`StreamError::Malformed`] for a frame to skip, [`StreamError::Api`] for
    /// a failure that the provider reports. Text and usage that the failing
    /// frame carries are emitted first.
    fn frame(&mut self, frame: sse::Frame<'_>, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError>;

    /// Takes a whole answer that did not stream; emits its events.
    ///
    /// # Errors
    /// As [`Decode::frame`]; a body that is not the protocol's is `Malformed`.
    fn body(&mut self, body: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError>;

    /// Whether the stream said that it is over: nothing of the answer can follow,
    /// so nobody needs to wait for the connection's end.
    fn is_over(&self) -> bool;

    /// Says how the answer ended, after the last byte.
    ///
    /// # Errors
    /// [`StreamError::Truncated`] where the end marker never came.
    fn finish(self: Box<Self>) -> Result<Ending, StreamError>;
}

/// Lays the `-o` fields over a body. A dot in a name reaches into an object.
pub fn overlay(body: &mut Value, extra: &serde_json::Map<String, Value>) {
    for (name, value) in extra {
        let mut place = &mut *body;
        for step in name.split('.') {
            if !place.is_object() {
                *place = Value::Object(serde_json::Map::new());
            }
            place = &mut place[step];
        }
        *place = value.clone();
    }
}

/// Reads the JSON of an event. Where all of it is UTF-8, which one look tells,
/// its strings need no look each.
fn from_json<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(json) {
        Ok(text) => serde_json::from_str(text),
        // What is not may stand in a field that nobody reads.
        Err(_) => serde_json::from_slice(json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn extra_fields_reach_into_objects() {
        let mut body = json!({"a": 1, "generationConfig": {"topP": 0.5}});
        let extra = json!({"generationConfig.topK": 40, "provider.order.0": "x", "a": {"b": 2}});
        overlay(&mut body, extra.as_object().unwrap());
        assert_eq!(
            body,
            json!({"a": {"b": 2}, "generationConfig": {"topP": 0.5, "topK": 40}, "provider": {"order": {"0": "x"}}})
        );
    }
}
