//! Chunks and whole answers into events.

use serde_json::value::RawValue;

use super::chunk::{Channel, Choice, Chunk, Content, Delta, Function, ToolCall, XGroq, read, string, word};
use super::finish::{Seen, failure};
use super::repeat::Pattern;
use super::thinking::{Piece, Splitter};
use crate::chat::{Ending, Event};
use crate::wire::openai::{self, usage::Reported};
use crate::wire::sse::Frame;
use crate::wire::text::{Joiner, Raw};
use crate::wire::{ApiError, Decode, FailureKind, StreamError, failure as failures, from_json};

/// The decoder of one answer.
#[derive(Default)]
pub(super) struct Decoder {
    texts: Texts,
    pattern: Pattern,
    reported: Reported,
    model: String,
    served_by: bool,
    request_id: bool,
    /// A chunk had choices, so this is an answer.
    choice_seen: bool,
    /// Reasoning came as plain text, so `reasoning_details` only repeat it.
    reasoning_seen: bool,
    /// Choices come as deltas, so a `message` beside them repeats their text.
    delta_seen: bool,
    tool_called: bool,
    reason: Option<String>,
    native: Option<String>,
    /// `[DONE]`, or the end of a whole body.
    done: bool,
}

/// The channels of one answer.
#[derive(Default)]
struct Texts {
    answer: Joiner,
    reasoning: Joiner,
    refusal: Joiner,
    arguments: Joiner,
    splitter: Splitter,
    refused: bool,
}

impl Texts {
    fn take(&mut self, channel: Channel, raw: &Raw<'_>, emit: &mut dyn FnMut(Event)) {
        match channel {
            Channel::Answer => {
                let text = self.answer.push(raw);
                self.splitter.push(text, &mut |piece| emit(piece.into()));
            }
            Channel::Reasoning => {
                // Who has a field for reasoning leaves tags in the text as text.
                self.splitter.stop(&mut |piece| emit(piece.into()));
                let text = self.reasoning.push(raw);
                if !text.is_empty() {
                    emit(Event::Reasoning(text));
                }
            }
            Channel::Refusal => {
                self.refused = true;
                let text = self.refusal.push(raw);
                if !text.is_empty() {
                    emit(Event::Refusal(text));
                }
            }
        }
    }

    /// Hands out what the channels still hold back.
    fn end(&mut self, emit: &mut dyn FnMut(Event)) {
        let rest = self.reasoning.end();
        if !rest.is_empty() {
            emit(Event::Reasoning(rest));
        }
        let rest = self.answer.end();
        self.splitter.push(rest, &mut |piece| emit(piece.into()));
        self.splitter.end(&mut |piece| emit(piece.into()));
        let rest = self.refusal.end();
        if !rest.is_empty() {
            emit(Event::Refusal(rest));
        }
    }
}

impl From<Piece> for Event {
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Reasoning(text) => Self::Reasoning(text),
            Piece::Answer(text) => Self::Text(text),
        }
    }
}

impl Decode for Decoder {
    fn frame(&mut self, frame: Frame<'_>, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let data = frame.data.trim_ascii();
        if data.is_empty() || self.done {
            return Ok(());
        }
        if data.starts_with(b"[DONE]") {
            self.done = true;
            self.texts.end(emit);
            return Ok(());
        }
        let result =
            if frame.event == "error" { Err(reported(data).into()) } else { self.chunk(data, false, emit) };
        if matches!(result, Err(StreamError::Api(_))) {
            self.texts.end(emit);
        }
        result
    }

    fn body(&mut self, body: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        self.chunk(body.trim_ascii(), true, emit)?;
        if !self.choice_seen {
            return Err(StreamError::Malformed("the answer has no `choices`".to_owned()));
        }
        self.done = true;
        self.texts.end(emit);
        Ok(())
    }

    fn is_over(&self) -> bool {
        // A reason to stop is no end: usage may follow.
        self.done
    }

    fn finish(self: Box<Self>) -> Result<Ending, StreamError> {
        if !self.done && self.reason.is_none() {
            return Err(StreamError::Truncated);
        }
        if !self.choice_seen {
            let message = "the answer ended without ever having begun: no `choices` came";
            return Err(ApiError::new(FailureKind::Protocol, message).into());
        }
        let seen = Seen {
            reason: self.reason.as_deref(),
            native: self.native.as_deref(),
            tool_called: self.tool_called,
            refused: self.texts.refused,
        };
        Ok(seen.ending())
    }
}

impl Decoder {
    fn chunk(&mut self, data: &[u8], whole: bool, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        if let Some((channel, text)) = self.pattern.text(data) {
            if !text.is_empty() {
                self.texts.take(channel, &text, emit);
            }
            return Ok(());
        }
        self.pattern.forget();
        let chunk: Chunk<'_> = from_json(data).map_err(|error| {
            // A failure may come in a shape that is no chunk's, such as an array.
            openai::failure(data).map_or_else(|| openai::unreadable(data, &error), StreamError::Api)
        })?;
        self.envelope(&chunk, emit);
        let choices = chunk.choices.as_ref();
        self.choice_seen |= choices.is_some_and(|choices| choices.any);
        let choice = choices.and_then(|choices| choices.first.as_ref());
        let failed = choice.map_or(Ok(None), |choice| self.choice(choice, whole, emit))?;
        let groq: Option<XGroq<'_>> = read(chunk.x_groq);
        let usage = chunk
            .usage
            .or_else(|| choice.and_then(|choice| choice.usage))
            .or_else(|| groq.as_ref().and_then(|groq| groq.usage));
        if let Some(usage) = usage {
            self.reported.replace(Reported::read(usage), emit);
        }
        let flat = chunk.object.as_ref().is_some_and(|object| *object.0 == *b"error");
        if flat || chunk.error.is_some_and(says_something) {
            return Err(reported(data).into());
        }
        if let Some(error) = groq.and_then(|groq| groq.error).filter(|error| says_something(error)) {
            return Err(reported(format!("{{\"error\":{error}}}").as_bytes()).into());
        }
        if let Some(failure) = failed {
            return Err(failure.into());
        }
        self.pattern.learn(data, &chunk);
        Ok(())
    }

    /// What the chunk says of the answer as a whole.
    fn envelope(&mut self, chunk: &Chunk<'_>, emit: &mut dyn FnMut(Event)) {
        if let Some(model) = chunk.model.as_ref().filter(|model| !model.is_empty())
            && *model.0 != *self.model.as_bytes()
        {
            self.model = String::from_utf8_lossy(&model.0).into_owned();
            emit(Event::ServedModel(self.model.clone()));
        }
        if !self.served_by
            && let Some(provider) = word(chunk.provider)
        {
            self.served_by = true;
            emit(Event::ServedBy(provider.into_owned()));
        }
        if !self.request_id {
            // Groq's support wants its own id, which the first chunk has too.
            let groq: Option<XGroq<'_>> = read(chunk.x_groq);
            if let Some(id) = word(groq.and_then(|groq| groq.id)).or_else(|| word(chunk.id)) {
                self.request_id = true;
                emit(Event::RequestId(id.into_owned()));
            }
        }
    }

    /// Takes the texts and the end of a choice; the failure that it reports.
    fn choice(
        &mut self,
        choice: &Choice<'_>,
        whole: bool,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Option<ApiError>, StreamError> {
        self.delta_seen |= choice.delta.is_some();
        if let Some(delta) = &choice.delta {
            self.delta(delta, emit);
        } else if let Some(message) = choice.message.filter(|_| whole || !self.delta_seen) {
            let message: Delta<'_> = serde_json::from_str(message.get())
                .map_err(|error| openai::unreadable(message.get().as_bytes(), &error))?;
            self.delta(&message, emit);
        }
        // Later chunks may repeat the reason, or go back to null. An empty one
        // says nothing (xAI, Snowflake): then `[DONE]` is the end.
        if let Some(reason) = word(choice.finish_reason) {
            self.native = word(choice.native_finish_reason).map(String::from).or(self.native.take());
            self.reason = Some(reason.into_owned());
            self.texts.end(emit);
        }
        if let Some(error) = choice.error.filter(|error| says_something(error)) {
            return Ok(Some(reported(format!("{{\"error\":{error}}}").as_bytes())));
        }
        Ok(self.reason.as_deref().and_then(|reason| failure(reason, self.native.as_deref())))
    }

    fn delta(&mut self, delta: &Delta<'_>, emit: &mut dyn FnMut(Event)) {
        // Where several fields have reasoning, they have the same text.
        let fields = [&delta.reasoning_content, &delta.reasoning];
        let reasoning = fields.into_iter().flatten().find(|content| content.has_text());
        self.reasoning_seen |= reasoning.is_some();
        let details: Option<Content<'_>> = read(delta.reasoning_details.filter(|_| !self.reasoning_seen));
        let refusal: Option<Content<'_>> = read(delta.refusal);
        for (content, channel) in [
            (reasoning.or(details.as_ref()), Channel::Reasoning),
            (delta.content.as_ref(), Channel::Answer),
            (refusal.as_ref(), Channel::Refusal),
        ] {
            match content {
                Some(Content::Text(raw)) if !raw.is_empty() => self.texts.take(channel, raw, emit),
                Some(content) => {
                    content.each(channel, &mut |channel, raw| self.texts.take(channel, raw, emit));
                }
                None => {}
            }
        }
        let calls: Vec<ToolCall<'_>> = read(delta.tool_calls).unwrap_or_default();
        self.tool_called |= !calls.is_empty() || delta.function_call.is_some();
        let old: Option<Function<'_>> = read(delta.function_call);
        for function in calls.into_iter().filter_map(|call| call.function).chain(old) {
            self.arguments(&function, emit);
        }
    }

    fn arguments(&mut self, function: &Function<'_>, emit: &mut dyn FnMut(Event)) {
        let Some(raw) = function.arguments else { return };
        // Some servers send the object itself instead of its text.
        let text = match string(raw) {
            Some(text) => self.texts.arguments.push(&text),
            None => raw.get().to_owned(),
        };
        if !text.is_empty() {
            emit(Event::ToolArguments(text));
        }
    }
}

/// Whether an `error` field reports a failure; some servers send it empty.
fn says_something(error: &RawValue) -> bool {
    !matches!(error.get(), "false" | r#""""# | "{}")
}

/// The failure that a frame reports, whatever its shape.
fn reported(data: &[u8]) -> ApiError {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(data) else {
        return ApiError::new(FailureKind::Server, String::from_utf8_lossy(data));
    };
    failures::in_stream(&json)
        .or_else(|| failures::in_stream(&serde_json::json!({"error": json})))
        .unwrap_or_else(|| ApiError::new(FailureKind::Server, "the provider reports an error and no reason"))
}
