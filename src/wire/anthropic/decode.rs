//! Answers of the Messages API, streamed or whole.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::events::{Block, BlockDelta, BlockStart, Message, MessageDelta, MessageStart, StopDetails, Typed};
use super::usage::Counts;
use crate::chat::{Ending, Event, Finish};
use crate::wire::failure::{self, ApiError, FailureKind};
use crate::wire::sse::Frame;
use crate::wire::text::{Joiner, Raw, apart};
use crate::wire::{Decode, StreamError, from_json};

/// The state of one answer.
#[derive(Default)]
pub(super) struct Decoder {
    text: Joiner,
    reasoning: Joiner,
    arguments: Joiner,
    /// Some text of the answer came.
    spoke: bool,
    counts: Counts,
    stop: Option<Stop>,
    complete: bool,
}

/// The provider's words on why it stopped.
struct Stop {
    reason: String,
    category: Option<String>,
}

/// What an event is. Names that are not listed are to be ignored, as the API's
/// versioning policy demands.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    MessageStart,
    BlockStart,
    BlockDelta,
    BlockStop,
    MessageDelta,
    MessageStop,
    Ping,
    Error,
    Unknown,
}

impl Kind {
    fn named(name: &[u8]) -> Self {
        match name {
            b"message_start" => Self::MessageStart,
            b"content_block_start" => Self::BlockStart,
            b"content_block_delta" => Self::BlockDelta,
            b"content_block_stop" => Self::BlockStop,
            b"message_delta" => Self::MessageDelta,
            b"message_stop" => Self::MessageStop,
            b"ping" => Self::Ping,
            b"error" => Self::Error,
            _ => Self::Unknown,
        }
    }

    /// By the event's name, which saves a look into the data; a server that
    /// leaves it out has the same word in `type`.
    fn of(frame: &Frame<'_>) -> Result<Self, StreamError> {
        let named = Self::named(frame.event.as_bytes());
        // Some servers keep a connection alive with events that say nothing.
        if named != Self::Unknown || matches!(frame.data.trim_ascii(), b"" | b"[DONE]") {
            return Ok(named);
        }
        match parse::<Typed<'_>>(frame.data) {
            Ok(typed) if typed.error.is_some() => Ok(Self::Error),
            Ok(typed) => Ok(Self::named(&typed.kind.unwrap_or_default().0)),
            Err(_) if !frame.event.is_empty() => Ok(Self::Unknown),
            Err(error) => Err(error),
        }
    }
}

fn parse<'a, T: Deserialize<'a>>(data: &'a [u8]) -> Result<T, StreamError> {
    from_json(data).map_err(|error| StreamError::Malformed(error.to_string()))
}

impl Decode for Decoder {
    fn frame(&mut self, frame: Frame<'_>, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        match Kind::of(&frame)? {
            Kind::MessageStart => self.head(parse(frame.data)?, emit),
            Kind::BlockStart => self.block_start(parse(frame.data)?, emit),
            Kind::BlockDelta => self.delta(parse(frame.data)?, emit),
            Kind::BlockStop => self.flush(emit),
            Kind::MessageDelta => self.message_delta(parse(frame.data)?, emit),
            Kind::MessageStop => {
                self.flush(emit);
                self.complete = true;
            }
            Kind::Error => return Err(failure::fault(frame.data).into()),
            Kind::Ping | Kind::Unknown => {}
        }
        Ok(())
    }

    fn body(&mut self, body: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let typed: Typed<'_> = parse(body)?;
        if typed.error.is_some() || typed.kind.is_some_and(|kind| &*kind.0 == b"error") {
            return Err(failure::fault(body).into());
        }
        let message: Message<'_> = parse(body)?;
        let Some(content) = &message.content else {
            return Err(StreamError::Malformed("the answer has no `content`".to_owned()));
        };
        self.identify(&message, emit);
        for block in content {
            self.block(block, emit);
            if let Some(input) = block.input {
                emit(Event::ToolArguments(input.get().to_owned()));
            }
            self.flush(emit);
        }
        self.count(message.usage, emit);
        self.stopped(message.stop_reason, message.stop_details, emit);
        self.complete = true;
        Ok(())
    }

    fn is_over(&self) -> bool {
        self.complete
    }

    fn finish(self: Box<Self>) -> Result<Ending, StreamError> {
        match self.stop {
            Some(stop) if self.complete => stop.ending(),
            _ => Err(StreamError::Truncated),
        }
    }
}

impl Decoder {
    fn head(&mut self, start: MessageStart<'_>, emit: &mut dyn FnMut(Event)) {
        if let Some(message) = start.message {
            self.identify(&message, emit);
            self.count(message.usage, emit);
        }
    }

    fn identify(&self, message: &Message<'_>, emit: &mut dyn FnMut(Event)) {
        if let Some(id) = message.id.as_ref().filter(|id| !id.is_empty()) {
            emit(Event::RequestId(id.to_text()));
        }
        if let Some(model) = message.model.as_ref().filter(|model| !model.is_empty()) {
            emit(Event::ServedModel(model.to_text()));
        }
    }

    fn block_start(&mut self, start: BlockStart<'_>, emit: &mut dyn FnMut(Event)) {
        let Some(block) = start.content_block else { return };
        self.block(&block, emit);
        // The arguments follow in pieces; `{}` only holds their place.
        if let Some(input) = block.input.filter(|input| !matches!(input.get(), "{}" | "null")) {
            emit(Event::ToolArguments(input.get().to_owned()));
        }
    }

    /// Redacted thinking and the results of the server's own tools are blocks
    /// too; there is nothing in them to show.
    fn block(&mut self, block: &Block<'_>, emit: &mut dyn FnMut(Event)) {
        match block.kind.as_ref().map(|kind| &*kind.0) {
            Some(b"text") => self.spoke |= say(&mut self.text, &block.text, Event::Text, emit),
            Some(b"thinking") => {
                say(&mut self.reasoning, &block.thinking, Event::Reasoning, emit);
            }
            _ => {}
        }
    }

    fn delta(&mut self, event: BlockDelta<'_>, emit: &mut dyn FnMut(Event)) {
        let Some(delta) = event.delta else { return };
        match delta.kind.as_ref().map(|kind| &*kind.0) {
            Some(b"text_delta") => self.spoke |= say(&mut self.text, &delta.text, Event::Text, emit),
            Some(b"thinking_delta") => {
                say(&mut self.reasoning, &delta.thinking, Event::Reasoning, emit);
            }
            Some(b"input_json_delta") => {
                say(&mut self.arguments, &delta.partial_json, Event::ToolArguments, emit);
            }
            _ => {}
        }
    }

    fn message_delta(&mut self, event: MessageDelta<'_>, emit: &mut dyn FnMut(Event)) {
        self.flush(emit);
        self.count(event.usage, emit);
        if let Some(delta) = event.delta {
            self.stopped(delta.stop_reason, delta.stop_details, emit);
        }
    }

    fn count(&mut self, usage: Option<&RawValue>, emit: &mut dyn FnMut(Event)) {
        if let Some(counts) = usage.map(Counts::read).filter(|counts| !counts.is_empty()) {
            self.counts.replace(counts);
            emit(Event::Usage(self.counts.usage()));
        }
    }

    fn stopped(
        &mut self,
        reason: Option<Raw<'_>>,
        details: Option<StopDetails<'_>>,
        emit: &mut dyn FnMut(Event),
    ) {
        let Some(reason) = reason else { return };
        let (category, explanation) = match details {
            Some(details) => (details.category, details.explanation),
            None => (None, None),
        };
        if let Some(explanation) = explanation.filter(|text| !text.is_empty()) {
            emit(Event::Refusal(apart(explanation.to_text(), self.spoke)));
        }
        self.stop = Some(Stop { reason: reason.to_text(), category: category.as_ref().map(Raw::to_text) });
    }

    /// Halves of a character don't reach over the end of a block.
    fn flush(&mut self, emit: &mut dyn FnMut(Event)) {
        let ends = [
            Event::Text(self.text.end()),
            Event::Reasoning(self.reasoning.end()),
            Event::ToolArguments(self.arguments.end()),
        ];
        ends.into_iter().filter(|event| !is_blank(event)).for_each(emit);
    }
}

/// Emits a piece; whether there was anything in it.
fn say(
    joiner: &mut Joiner,
    piece: &Option<Raw<'_>>,
    event: fn(String) -> Event,
    emit: &mut dyn FnMut(Event),
) -> bool {
    let text = piece.as_ref().map_or_else(String::new, |piece| joiner.push(piece));
    let says_something = !text.is_empty();
    if says_something {
        emit(event(text));
    }
    says_something
}

fn is_blank(event: &Event) -> bool {
    matches!(event, Event::Text(text) | Event::Reasoning(text) | Event::ToolArguments(text) if text.is_empty())
}

impl Stop {
    fn ending(self) -> Result<Ending, StreamError> {
        let (finish, says_more) = match self.reason.as_str() {
            "end_turn" => (Finish::Stop, false),
            // `pause_turn`: a tool of the server's wants another round, which
            // pollm never asks for.
            "stop_sequence" | "pause_turn" => (Finish::Stop, true),
            "max_tokens" => (Finish::Length, false),
            "model_context_window_exceeded" => (Finish::Length, true),
            "tool_use" => (Finish::ToolCalls, false),
            "refusal" => {
                let native = self.category.map(|category| format!("refusal: {category}"));
                return Ok(Ending { finish: Finish::Refusal, native });
            }
            _ => {
                let message = format!("the answer ended with an unknown reason, `{}`", self.reason);
                let code = Some(self.reason);
                return Err(ApiError { code, ..ApiError::new(FailureKind::Protocol, message) }.into());
            }
        };
        Ok(Ending { finish, native: says_more.then_some(self.reason) })
    }
}
