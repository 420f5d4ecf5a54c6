//! Events and whole responses into events of the common vocabulary.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use super::event::{Item, Kind, Response, StreamEvent};
use crate::chat::{Ending, Event, Finish};
use crate::wire::openai::{failure, unreadable, usage::Reported};
use crate::wire::sse::Frame;
use crate::wire::text::{Joiner, Raw};
use crate::wire::{ApiError, Decode, FailureKind, StreamError, from_json};

/// Where a text belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    Answer,
    Reasoning,
    Refusal,
    Arguments,
}

/// A text of the answer: its channel, its item and its part of that item.
/// Items may be open side by side (`OpenRouter`), so nothing depends on order.
type Place = (Channel, u64, u64);

/// The decoder of one answer.
#[derive(Default)]
pub(super) struct Decoder {
    joiners: BTreeMap<Channel, Joiner>,
    /// Texts of which something has been emitted, and the last one of them.
    begun: BTreeSet<Place>,
    last: Option<Place>,
    /// Messages that only comment on the way to the answer.
    commentary: BTreeSet<u64>,
    /// The answer so far, to tell what only the last event brings.
    answer: Vec<u8>,
    tool_called: bool,
    refused: bool,
    reported: Reported,
    model: Vec<u8>,
    served_by: bool,
    request_id: bool,
    ending: Option<Ending>,
}

impl Decode for Decoder {
    fn frame(&mut self, frame: Frame<'_>, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let data = frame.data.trim_ascii();
        // `OpenRouter` closes its stream as Chat Completions does.
        if data.is_empty() || self.ending.is_some() || data.starts_with(b"[DONE]") {
            return Ok(());
        }
        let event = match from_json::<StreamEvent<'_>>(data) {
            Ok(event) => event,
            Err(error) => return self.unread(data, &error),
        };
        self.event(&event, data, emit)
    }

    fn body(&mut self, body: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let body = body.trim_ascii();
        let raw: &RawValue = serde_json::from_slice(body).map_err(|error| unreadable(body, &error))?;
        let response: Response<'_> = match serde_json::from_str(raw.get()) {
            Ok(response) => response,
            Err(error) => return self.unread(body, &error),
        };
        if response.status.is_none() && response.output.is_none() {
            return Err(match failure(body) {
                Some(failure) => failure.into(),
                None => StreamError::Malformed("the answer has neither `status` nor `output`".to_owned()),
            });
        }
        self.terminal(raw, &response, "completed", emit)
    }

    fn is_over(&self) -> bool {
        self.ending.is_some()
    }

    fn finish(self: Box<Self>) -> Result<Ending, StreamError> {
        self.ending.ok_or(StreamError::Truncated)
    }
}

impl Decoder {
    /// An event that is not in the expected shape: a failure, something to
    /// skip and count, or a kind of event that is of no interest anyway.
    fn unread(&self, data: &[u8], error: &serde_json::Error) -> Result<(), StreamError> {
        if let Some(failure) = failure(data) {
            return Err(failure.into());
        }
        let kind = serde_json::from_slice::<Kind<'_>>(data).ok().and_then(|event| event.kind);
        match kind {
            Some(kind) if channel_of(&kind.0).is_none() && !is_structural(&kind.0) => Ok(()),
            _ => Err(unreadable(data, error)),
        }
    }

    fn event(
        &mut self,
        event: &StreamEvent<'_>,
        data: &[u8],
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), StreamError> {
        if let Some((channel, whole)) = channel_of(&event.kind.0) {
            let index = event.output_index.unwrap_or(0);
            let part = event.summary_index.or(event.content_index).unwrap_or(0);
            let place = (self.heard(channel, index), index, part);
            let text = if whole { closing_text(event) } else { event.delta.as_ref() };
            if let Some(text) = text
                && (!whole || !self.begun.contains(&place))
            {
                self.emit(place, text, emit);
            }
            return Ok(());
        }
        match &*event.kind.0 {
            b"response.output_item.added" | b"response.output_item.done" => {
                let whole = event.kind.0.ends_with(b".done");
                if let Some(item) = event.item.and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                    self.item(event.output_index.unwrap_or(0), &item, whole, emit);
                }
                Ok(())
            }
            b"response.completed" | b"response.incomplete" | b"response.failed" | b"response.cancelled" => {
                let raw = event.response.ok_or_else(|| StreamError::Malformed("no `response`".to_owned()))?;
                let response: Response<'_> = serde_json::from_str(raw.get())
                    .map_err(|error| unreadable(raw.get().as_bytes(), &error))?;
                let said = event.kind.0.strip_prefix(b"response.").unwrap_or_default();
                self.terminal(raw, &response, &String::from_utf8_lossy(said), emit)
            }
            b"error" => Err(failure(data).unwrap_or_else(unexplained).into()),
            _ => {
                if let Some(response) = event.response.and_then(|raw| serde_json::from_str(raw.get()).ok()) {
                    self.envelope(&response, emit);
                }
                match event.error.and_then(|_| failure(data)) {
                    Some(failure) => Err(failure.into()),
                    None => Ok(()),
                }
            }
        }
    }

    /// The channel in which a text is to be heard: what a message only
    /// comments with is no part of the answer.
    fn heard(&self, channel: Channel, output_index: u64) -> Channel {
        match channel {
            Channel::Answer if self.commentary.contains(&output_index) => Channel::Reasoning,
            other => other,
        }
    }

    fn emit(&mut self, place: Place, raw: &Raw<'_>, emit: &mut dyn FnMut(Event)) {
        if raw.is_empty() {
            return;
        }
        let channel = place.0;
        let mut text = self.joiners.entry(channel).or_default().push(raw);
        if self.last.replace(place) != Some(place)
            && self.begun.insert(place)
            && channel == Channel::Reasoning
            && self.begun.range((Channel::Reasoning, 0, 0)..(Channel::Refusal, 0, 0)).nth(1).is_some()
        {
            // Each part of a summary is a paragraph, and nothing says so.
            text.insert_str(0, "\n\n");
        }
        if channel == Channel::Answer {
            self.answer.extend_from_slice(&raw.0);
        }
        self.refused |= channel == Channel::Refusal;
        if !text.is_empty() {
            emit(event_of(channel, text));
        }
    }

    /// Takes note of what an item is; emits those of its texts, once it is
    /// whole, of which no piece came before.
    fn item(&mut self, index: u64, item: &Item<'_>, whole: bool, emit: &mut dyn FnMut(Event)) {
        let comments = item.phase.as_ref().is_some_and(|phase| *phase.0 == *b"commentary");
        let answers = (Channel::Answer, index, 0)..=(Channel::Answer, index, u64::MAX);
        // What was shown as the answer can't be taken back.
        if comments && self.begun.range(answers).next().is_none() {
            self.commentary.insert(index);
        }
        self.tool_called |= item.kind.0.ends_with(b"function_call") || *item.kind.0 == *b"custom_tool_call";
        if whole {
            self.each_text(index, item, &mut |decoder, place, text| {
                if !decoder.begun.contains(&place) {
                    decoder.emit(place, text, emit);
                }
            });
        }
    }

    fn each_text(&mut self, index: u64, item: &Item<'_>, take: &mut dyn FnMut(&mut Self, Place, &Raw<'_>)) {
        let parts = item.summary.iter().chain(&item.content);
        for (part, position) in parts.flat_map(|parts| parts.iter().zip(0..)) {
            if let Some(text) = &part.text {
                let is_answer = *part.kind.0 == *b"output_text" && *item.kind.0 == *b"message";
                let channel = if is_answer { Channel::Answer } else { Channel::Reasoning };
                take(self, (self.heard(channel, index), index, position), text);
            }
            if let Some(refusal) = &part.refusal {
                take(self, (Channel::Refusal, index, position), refusal);
            }
        }
        if let Some(arguments) = &item.arguments {
            take(self, (Channel::Arguments, index, 0), arguments);
        }
    }

    /// What a response says of itself at any time.
    fn envelope(&mut self, response: &Response<'_>, emit: &mut dyn FnMut(Event)) {
        if let Some(model) = response.model.as_ref().filter(|model| !model.is_empty())
            && *model.0 != *self.model
        {
            self.model = model.0.to_vec();
            emit(Event::ServedModel(lossy(model)));
        }
        if !self.request_id
            && let Some(id) = response.id.as_ref().filter(|id| !id.is_empty())
        {
            self.request_id = true;
            emit(Event::RequestId(lossy(id)));
        }
        if !self.served_by
            && let Some(provider) = response.provider
            && let Ok(provider) = serde_json::from_str::<String>(provider.get())
        {
            self.served_by = true;
            emit(Event::ServedBy(provider));
        }
    }

    /// The last event of a stream, or a whole answer. `said` is the state that
    /// the event's name tells, for a response that does not.
    fn terminal(
        &mut self,
        raw: &RawValue,
        response: &Response<'_>,
        said: &str,
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), StreamError> {
        self.envelope(response, emit);
        self.missing(response, emit);
        for (channel, joiner) in &mut self.joiners {
            let rest = joiner.end();
            if !rest.is_empty() {
                emit(event_of(*channel, rest));
            }
        }
        if let Some(usage) = response.usage {
            self.reported.replace(Reported::read(usage), emit);
        }
        if response.error.is_some() {
            return Err(failure(raw.get().as_bytes()).unwrap_or_else(unexplained).into());
        }
        let status = response.status.as_ref().map_or_else(|| said.to_owned(), lossy);
        let ending = match &*status {
            "completed" => Ending { finish: self.natural(), native: None },
            "incomplete" => {
                let details = response.incomplete_details.as_ref();
                incomplete(details.and_then(|details| details.reason.as_ref()).map(lossy))
            }
            "failed" => return Err(unexplained().into()),
            other => {
                let message = format!("the answer was left unfinished, in the state `{other}`");
                return Err(ApiError::new(FailureKind::Server, message).into());
            }
        };
        self.ending = Some(ending);
        Ok(())
    }

    fn natural(&self) -> Finish {
        match self {
            Self { tool_called: true, .. } => Finish::ToolCalls,
            Self { refused: true, .. } => Finish::Refusal,
            _ => Finish::Stop,
        }
    }

    /// Emits what only the whole response brings. Texts are told apart by
    /// their place, but for the answer: it is compared as a whole, so that a
    /// server that numbers its items differently at the end can't double it.
    fn missing(&mut self, response: &Response<'_>, emit: &mut dyn FnMut(Event)) {
        let mut answer: Vec<u8> = Vec::new();
        let mut place = (Channel::Answer, 0, 0);
        let streamed: BTreeSet<Channel> = self.begun.iter().map(|place| place.0).collect();
        for (raw, index) in response.output.iter().flatten().zip(0..) {
            let Ok(item) = serde_json::from_str::<Item<'_>>(raw.get()) else { continue };
            self.item(index, &item, false, emit);
            self.each_text(index, &item, &mut |decoder, at, text| {
                if at.0 == Channel::Answer {
                    answer.extend_from_slice(&text.0);
                    place = at;
                } else if !streamed.contains(&at.0) {
                    decoder.emit(at, text, emit);
                }
            });
        }
        let rest = match answer.strip_prefix(&*self.answer) {
            Some(rest) => rest.to_vec(),
            None => return,
        };
        self.emit(place, &Raw(rest.into()), emit);
    }
}

/// The channel that an event's text belongs to, and whether the event closes
/// the text by repeating the whole of it.
fn channel_of(kind: &[u8]) -> Option<(Channel, bool)> {
    Some(match kind {
        b"response.output_text.delta" => (Channel::Answer, false),
        b"response.output_text.done" => (Channel::Answer, true),
        b"response.refusal.delta" => (Channel::Refusal, false),
        b"response.refusal.done" => (Channel::Refusal, true),
        b"response.reasoning_text.delta" | b"response.reasoning_summary_text.delta" => {
            (Channel::Reasoning, false)
        }
        b"response.reasoning_text.done" | b"response.reasoning_summary_text.done" => {
            (Channel::Reasoning, true)
        }
        b"response.function_call_arguments.delta" => (Channel::Arguments, false),
        b"response.function_call_arguments.done" => (Channel::Arguments, true),
        _ => return None,
    })
}

/// Whether an event carries the response or one of its items.
fn is_structural(kind: &[u8]) -> bool {
    matches!(
        kind,
        b"response.completed"
            | b"response.incomplete"
            | b"response.failed"
            | b"response.cancelled"
            | b"response.output_item.added"
            | b"response.output_item.done"
            | b"error"
    )
}

fn closing_text<'e, 'a>(event: &'e StreamEvent<'a>) -> Option<&'e Raw<'a>> {
    event.text.as_ref().or(event.refusal.as_ref()).or(event.arguments.as_ref())
}

fn event_of(channel: Channel, text: String) -> Event {
    match channel {
        Channel::Answer => Event::Text(text),
        Channel::Reasoning => Event::Reasoning(text),
        Channel::Refusal => Event::Refusal(text),
        Channel::Arguments => Event::ToolArguments(text),
    }
}

/// The ending of a response that is not complete. A reason that nobody knows
/// says at least that the answer is not whole.
fn incomplete(reason: Option<String>) -> Ending {
    let finish = match reason.as_deref() {
        Some("max_output_tokens" | "max_tokens") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        _ => Finish::Cut,
    };
    Ending { finish, native: reason.filter(|reason| reason != finish.as_str()) }
}

fn lossy(raw: &Raw<'_>) -> String {
    String::from_utf8_lossy(&raw.0).into_owned()
}

fn unexplained() -> ApiError {
    ApiError::new(FailureKind::Server, "the provider failed and gave no reason")
}
