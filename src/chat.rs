//! The vocabulary of a conversation: what is asked, and what comes back.
//!
//! These types know no provider and no protocol. A protocol adapter in
//! [`crate::wire`] turns a [`Request`] into bytes and bytes into [`Event`]s.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::money::{Cost, Usage};

/// Who speaks. System prompts are not turns: see [`Request::system`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The person, or the script, that asks.
    User,
    /// The model.
    Assistant,
}

/// One turn of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// Text and media in order.
    pub parts: Vec<Part>,
}

impl Message {
    /// A turn of text alone.
    pub fn text(role: Role, text: impl Into<String>) -> Self {
        Self { role, parts: vec![Part::Text(text.into())] }
    }

    /// The texts of the turn, joined by blank lines.
    pub fn to_text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Media(_) => None,
        });
        texts.collect::<Vec<_>>().join("\n\n")
    }
}

/// A piece of a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Plain text.
    Text(String),
    /// An image, a PDF or audio.
    Media(Media),
}

/// What kind of thing is attached, as far as protocols tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MediaKind {
    /// PNG, JPEG, GIF, WebP and the like.
    Image,
    /// A PDF document.
    Pdf,
    /// Sound: WAV, MP3 and the like.
    Audio,
}

impl fmt::Display for MediaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Image => "image",
            Self::Pdf => "PDF",
            Self::Audio => "audio",
        })
    }
}

/// An attachment. Cloning is cheap.
#[derive(Clone, Debug, PartialEq)]
pub struct Media {
    /// The kind, found by content.
    pub kind: MediaKind,
    /// MIME type, such as `image/png`.
    pub mime: String,
    /// A file name to show and to send where a protocol wants one.
    pub name: String,
    /// The bytes, or where the provider is to fetch them.
    pub source: MediaSource,
}

/// Where an attachment's bytes are.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaSource {
    /// Read here.
    Bytes(Arc<[u8]>),
    /// An `http(s)` address that the provider fetches itself.
    Url(String),
}

/// How hard a model is asked to think.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// No reasoning at all.
    None,
    /// The least there is.
    Minimal,
    /// Little.
    Low,
    /// The usual amount.
    Medium,
    /// Much.
    High,
    /// More than high.
    Xhigh,
    /// As much as the model can.
    Max,
    /// A budget for thinking, in tokens.
    Budget(u32),
}

impl Effort {
    /// The named levels, in rising order.
    pub const LEVELS: [Self; 7] =
        [Self::None, Self::Minimal, Self::Low, Self::Medium, Self::High, Self::Xhigh, Self::Max];

    /// The level's name on the wire of `OpenAI` and most others; `None` for a budget.
    pub const fn level(self) -> Option<&'static str> {
        Some(match self {
            Self::None => "none",
            Self::Minimal => "minimal",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
            Self::Budget(_) => return None,
        })
    }
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budget(tokens) => write!(f, "{tokens}"),
            other => f.write_str(other.level().unwrap_or_default()),
        }
    }
}

impl std::str::FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(tokens) = text.parse() {
            return Ok(Self::Budget(tokens));
        }
        Self::LEVELS.into_iter().find(|effort| effort.level() == Some(text)).ok_or_else(|| {
            "expected none, minimal, low, medium, high, xhigh, max or a number of tokens".to_owned()
        })
    }
}

/// Sampling and limits. Only what the user set is `Some`, and only that is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Params {
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling.
    pub top_p: Option<f64>,
    /// Cap on generated tokens, reasoning included.
    pub max_tokens: Option<u32>,
    /// Seed for repeatable sampling, where a provider has it.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How hard to think.
    pub effort: Option<Effort>,
    /// Fields of the provider's own request body (`-o`), laid over the body last.
    /// A dot in a name reaches into an object: `generationConfig.topK`.
    pub extra: Map<String, Value>,
}

impl Params {
    /// These parameters with those of one lane laid over them.
    #[must_use]
    pub fn overlaid(&self, lane: &Self) -> Self {
        let mut extra = self.extra.clone();
        extra.extend(lane.extra.clone());
        Self {
            temperature: lane.temperature.or(self.temperature),
            top_p: lane.top_p.or(self.top_p),
            max_tokens: lane.max_tokens.or(self.max_tokens),
            seed: lane.seed.or(self.seed),
            stop: if lane.stop.is_empty() { self.stop.clone() } else { lane.stop.clone() },
            effort: lane.effort.or(self.effort),
            extra,
        }
    }
}

/// Everything that one call says to a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The system prompt.
    pub system: Option<String>,
    /// The turns so far; the last one is the user's.
    pub messages: Vec<Message>,
    /// Sampling and limits.
    pub params: Params,
    /// A JSON Schema that the answer must meet.
    pub schema: Option<Value>,
    /// Whether the answer is to come as it is generated.
    pub stream: bool,
}

impl Request {
    /// The attachments of all turns, in order.
    pub fn media(&self) -> impl Iterator<Item = &Media> {
        self.messages.iter().flat_map(|message| &message.parts).filter_map(|part| match part {
            Part::Media(media) => Some(media),
            Part::Text(_) => None,
        })
    }
}

/// Something that happened while a model answered. All texts are new pieces,
/// never repetitions; usage is cumulative and the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A piece of the answer.
    Text(String),
    /// A piece of reasoning that is not the answer.
    Reasoning(String),
    /// A piece of a refusal; also what is shown in place of an answer.
    Refusal(String),
    /// A piece of a tool call's arguments. Counts as a generated token.
    ToolArguments(String),
    /// Token counts so far; replaces any earlier ones.
    Usage(Usage),
    /// The amount that the provider says it charges; replaces any earlier one.
    Billed(Cost),
    /// The model that answers, as the provider names it.
    ServedModel(String),
    /// Who serves the model behind a gateway.
    ServedBy(String),
    /// The provider's id of this answer, for support questions.
    RequestId(String),
    /// The provider answered from a cache: no figure of this call is a measurement.
    Cached,
}

/// Why an answer ended, in one set for all protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model was done.
    Stop,
    /// A token limit was reached.
    Length,
    /// A filter of the provider withheld text.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The model wants tools to be called.
    ToolCalls,
    /// The stream ended without saying that it was complete, or the provider
    /// said that it is not, for a reason that is none of the others.
    Cut,
}

impl Finish {
    /// The word used in JSON and in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::ToolCalls => "tool_calls",
            Self::Cut => "cut",
        }
    }

    /// What a whole answer that ended this way lacks, which `--strict` makes a failure.
    pub const fn lack(self) -> Option<&'static str> {
        match self {
            Self::Stop | Self::ToolCalls => None,
            Self::Length => Some("the answer was truncated"),
            Self::ContentFilter => Some("the provider's filter cut the answer"),
            Self::Refusal => Some("the model refused"),
            Self::Cut => Some("the answer is not complete"),
        }
    }

    /// Reads the word back.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Stop, Self::Length, Self::ContentFilter, Self::Refusal, Self::ToolCalls, Self::Cut]
            .into_iter()
            .find(|finish| finish.as_str() == word)
    }
}

/// How a stream ended that was complete. It comes only from
/// [`crate::wire::Decode::finish`], so a cut stream can't look like success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The reason in the common set.
    pub finish: Finish,
    /// The provider's own word, where it says more than the common one.
    pub native: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn efforts_read_as_they_are_written() {
        for effort in Effort::LEVELS.into_iter().chain([Effort::Budget(2048)]) {
            assert_eq!(effort.to_string().parse(), Ok(effort));
        }
        assert!("extreme".parse::<Effort>().is_err());
        assert!("-1".parse::<Effort>().is_err());
    }

    #[test]
    fn a_lane_overrides_only_what_it_sets() {
        let common = Params { temperature: Some(0.5), seed: Some(7), ..Params::default() };
        let lane = Params { temperature: Some(0.0), ..Params::default() };
        let both = common.overlaid(&lane);
        assert_eq!((both.temperature, both.seed), (Some(0.0), Some(7)));
    }
}
