//! Answers of `generateContent`: SSE, a JSON array in pieces, or one object.

use super::events::{Candidate, Piece, PromptFeedback, Response};
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
    counts: Counts,
    model: Vec<u8>,
    id: Vec<u8>,
    called: bool,
    /// Some text of the answer came.
    spoke: bool,
    stop: Option<Stop>,
    blocked: Option<String>,
    answered: bool,
}

/// The provider's words on why it stopped.
struct Stop {
    reason: String,
    message: Option<String>,
}

impl Decode for Decoder {
    fn frame(&mut self, frame: Frame<'_>, emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        match frame.data.trim_ascii() {
            b"" | b"[DONE]" => Ok(()),
            data => self.take(data, emit),
        }
    }

    fn body(&mut self, body: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        self.take(body, emit)?;
        match self.answered {
            true => Ok(()),
            false => Err(StreamError::Malformed("the answer has no `candidates`".to_owned())),
        }
    }

    fn is_over(&self) -> bool {
        // The protocol has no such word.
        false
    }

    fn finish(self: Box<Self>) -> Result<Ending, StreamError> {
        match (self.stop, self.blocked) {
            (Some(stop), _) => stop.ending(self.called),
            (None, Some(reason)) => Ok(Ending { finish: Finish::ContentFilter, native: Some(reason) }),
            (None, None) => Err(StreamError::Truncated),
        }
    }
}

impl Decoder {
    /// One response, or the array of them that a stream without `alt=sse` is.
    /// Each of its elements is taken as it is read, so that an array that
    /// breaks off still gives what came.
    fn take(&mut self, json: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let Some(mut rest) = json.trim_ascii_start().strip_prefix(b"[") else {
            return self.one(json, emit);
        };
        loop {
            let skipped = rest.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == b',').count();
            rest = &rest[skipped..];
            if rest.is_empty() || rest[0] == b']' {
                return Ok(());
            }
            let mut elements = serde_json::Deserializer::from_slice(rest).into_iter::<Response<'_>>();
            match elements.next() {
                Some(Ok(response)) => {
                    let end = elements.byte_offset();
                    self.response(response, &rest[..end], emit)?;
                    rest = &rest[end..];
                }
                Some(Err(error)) if !error.is_eof() => return Err(malformed(&error)),
                Some(Err(_)) | None => return Ok(()),
            }
        }
    }

    fn one(&mut self, json: &[u8], emit: &mut dyn FnMut(Event)) -> Result<(), StreamError> {
        let response = from_json(json).map_err(|error| malformed(&error))?;
        self.response(response, json, emit)
    }

    fn response(
        &mut self,
        response: Response<'_>,
        json: &[u8],
        emit: &mut dyn FnMut(Event),
    ) -> Result<(), StreamError> {
        name(&mut self.id, response.response_id, Event::RequestId, emit);
        name(&mut self.model, response.model_version, Event::ServedModel, emit);
        self.answered |= response.candidates.is_some() || response.prompt_feedback.is_some();
        for candidate in response.candidates.into_iter().flatten() {
            // More than one can only be had with `-o`; one answer is one text.
            if candidate.index.unwrap_or(0) == 0 {
                self.candidate(candidate, emit);
            }
        }
        if let Some(counts) = response.usage_metadata.map(Counts::read).filter(|counts| !counts.is_empty()) {
            self.count(counts, emit);
        }
        if let Some(feedback) = response.prompt_feedback {
            self.feedback(feedback, emit);
        }
        match response.error {
            Some(_) => Err(failure::fault(json).into()),
            None => Ok(()),
        }
    }

    fn candidate(&mut self, candidate: Candidate<'_>, emit: &mut dyn FnMut(Event)) {
        let parts = candidate.content.and_then(|content| content.parts);
        for part in parts.into_iter().flatten() {
            self.part(&part, emit);
        }
        let Some(reason) = candidate.finish_reason else { return };
        for rest in [Event::Text(self.text.end()), Event::Reasoning(self.reasoning.end())] {
            if !matches!(&rest, Event::Text(text) | Event::Reasoning(text) if text.is_empty()) {
                emit(rest);
            }
        }
        let stop =
            Stop { reason: reason.to_text(), message: candidate.finish_message.as_ref().map(Raw::to_text) };
        if let (Verdict::Filtered, Some(message)) = (stop.verdict(), &stop.message) {
            emit(Event::Refusal(apart(message.clone(), self.spoke)));
        }
        self.stop = Some(stop);
    }

    fn part(&mut self, part: &Piece<'_>, emit: &mut dyn FnMut(Event)) {
        if let Some(piece) = &part.text {
            let (joiner, event): (_, fn(String) -> Event) = match part.thought {
                Some(true) => (&mut self.reasoning, Event::Reasoning),
                _ => (&mut self.text, Event::Text),
            };
            let text = joiner.push(piece);
            if !text.is_empty() {
                self.spoke |= part.thought != Some(true);
                emit(event(text));
            }
        }
        if let Some(call) = &part.function_call {
            self.called = true;
            emit(Event::ToolArguments(call.args.map_or("{}", |args| args.get()).to_owned()));
        }
    }

    fn count(&mut self, counts: Counts, emit: &mut dyn FnMut(Event)) {
        if self.counts != counts {
            self.counts = counts;
            emit(Event::Usage(self.counts.usage()));
        }
    }

    fn feedback(&mut self, feedback: PromptFeedback<'_>, emit: &mut dyn FnMut(Event)) {
        let Some(reason) = feedback.block_reason else { return };
        if let Some(message) = feedback.block_reason_message.filter(|message| !message.is_empty()) {
            emit(Event::Refusal(message.to_text()));
        }
        self.blocked = Some(reason.to_text());
    }
}

fn malformed(error: &serde_json::Error) -> StreamError {
    StreamError::Malformed(error.to_string())
}

/// A name that every chunk repeats; told when it changes.
fn name(known: &mut Vec<u8>, told: Option<Raw<'_>>, event: fn(String) -> Event, emit: &mut dyn FnMut(Event)) {
    if let Some(told) = told.filter(|told| !told.is_empty() && *told.0 != **known) {
        known.clear();
        known.extend_from_slice(&told.0);
        emit(event(told.to_text()));
    }
}

/// What a finish reason amounts to.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Done,
    Length,
    /// The answer goes on in another request, which pollm does not make.
    Continues,
    Filtered,
    Failed,
}

impl Stop {
    fn verdict(&self) -> Verdict {
        match self.reason.as_str() {
            "STOP" => Verdict::Done,
            "MAX_TOKENS" => Verdict::Length,
            "CONTINUATION" => Verdict::Continues,
            "SAFETY"
            | "RECITATION"
            | "BLOCKLIST"
            | "PROHIBITED_CONTENT"
            | "SPII"
            | "IMAGE_SAFETY"
            | "IMAGE_PROHIBITED_CONTENT"
            | "IMAGE_RECITATION"
            | "MODEL_ARMOR"
            | "LANGUAGE"
            | "ESCALATION"
            | "PUP_LIMITED_DISABLED" => Verdict::Filtered,
            // `OTHER`, `MALFORMED_RESPONSE` and their like, and what is not known yet.
            _ => Verdict::Failed,
        }
    }

    fn ending(self, called: bool) -> Result<Ending, StreamError> {
        let (finish, native) = match self.verdict() {
            Verdict::Done if called => (Finish::ToolCalls, None),
            Verdict::Done => (Finish::Stop, None),
            Verdict::Length => (Finish::Length, None),
            Verdict::Continues => (Finish::Length, Some(self.reason)),
            Verdict::Filtered => (Finish::ContentFilter, Some(self.reason)),
            Verdict::Failed => return Err(self.failure().into()),
        };
        Ok(Ending { finish, native })
    }

    /// A model's failure was generated and is billed: it is not tried again unasked.
    fn failure(self) -> ApiError {
        let message = match self.message.filter(|message| !message.is_empty()) {
            Some(message) => message,
            None => format!("the answer ended with `{}`", self.reason),
        };
        ApiError {
            code: Some(self.reason),
            should_retry: Some(false),
            ..ApiError::new(FailureKind::Server, message)
        }
    }
}
