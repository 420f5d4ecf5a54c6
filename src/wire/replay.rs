//! Feeds recorded or written answers through a decoder, as the transport does.

use std::ops::Range;

use super::sse::{Frame, Item, Parser};
use super::{StreamError, Wire};
use crate::chat::{Ending, Event};

/// What came of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// Every event in order, the pieces of one text joined: where the bytes
    /// were cut must not matter, and nor does where the server cut its text.
    pub events: Vec<Event>,
    /// How it ended: by a failure that the stream reports, or as the decoder says.
    pub ending: Result<Ending, StreamError>,
    /// How many frames could not be read.
    pub malformed: usize,
}

impl Replay {
    /// The replay in short lines, one an event, for people and for tests.
    pub fn story(&self) -> String {
        let mut story: String = self.events.iter().map(|event| line(event) + "\n").collect();
        if self.malformed > 0 {
            story += &format!("malformed {}\n", self.malformed);
        }
        match &self.ending {
            Ok(Ending { finish, native: None }) => story += &format!("end {}", finish.as_str()),
            Ok(Ending { finish, native: Some(word) }) => {
                story += &format!("end {} ({word})", finish.as_str());
            }
            Err(StreamError::Api(error)) => {
                story += &format!("failed {} {:?}: {}", error.kind.as_str(), error.status, error.message);
            }
            Err(error) => story += &format!("{error:?}"),
        }
        story
    }
}

fn line(event: &Event) -> String {
    match event {
        Event::Text(text) => format!("text {text:?}"),
        Event::Reasoning(text) => format!("reasoning {text:?}"),
        Event::Refusal(text) => format!("refusal {text:?}"),
        Event::ToolArguments(text) => format!("arguments {text:?}"),
        Event::Usage(usage) => {
            let parts = [
                ("in", usage.input_uncached),
                ("read", usage.cache_read),
                ("write", usage.cache_write_5m),
                ("write-long", usage.cache_write_1h),
                ("in-audio", usage.input_audio),
                ("out", usage.output),
                ("reasoning", usage.reasoning),
                ("out-audio", usage.output_audio),
            ];
            let shown = parts.iter().filter(|(_, count)| count.0 > 0);
            "usage".to_owned() + &shown.map(|(name, count)| format!(" {name} {count}")).collect::<String>()
        }
        Event::Billed(cost) => format!("billed {}", cost.to_usd()),
        Event::ServedModel(model) => format!("model {model}"),
        Event::ServedBy(name) => format!("by {name}"),
        Event::RequestId(id) => format!("id {id}"),
        Event::Cached => "cached".to_owned(),
    }
}

/// Decodes a stream that arrives in pieces, cut at the given places.
pub fn decode(wire: &dyn Wire, bytes: &[u8], cuts: &[usize]) -> Replay {
    let mut parser = Parser::default();
    let mut decoder = wire.decoder();
    let mut events = Vec::new();
    let mut malformed = 0;
    let mut failed = None;
    let mut each = |item: Item<'_>| {
        let frame = match item {
            Item::Frame(frame) => frame,
            Item::Comment => return,
            Item::Stray(data) => Frame { event: "", data },
        };
        if failed.is_some() {
            return;
        }
        match decoder.frame(frame, &mut |event| push(&mut events, event)) {
            Ok(()) => {}
            Err(StreamError::Malformed(_)) => malformed += 1,
            Err(error) => failed = Some(error),
        }
    };
    for piece in pieces(bytes.len(), cuts) {
        if parser.push(&bytes[piece], &mut each).is_err() {
            break;
        }
    }
    parser.end(&mut each);
    let ending = match failed {
        Some(error) => Err(error),
        None => decoder.finish(),
    };
    Replay { events, ending, malformed }
}

/// Decodes an answer that did not stream.
pub fn decode_body(wire: &dyn Wire, body: &[u8]) -> Replay {
    let mut decoder = wire.decoder();
    let mut events = Vec::new();
    let ending = match decoder.body(body, &mut |event| push(&mut events, event)) {
        Ok(()) => decoder.finish(),
        Err(error) => Err(error),
    };
    Replay { events, ending, malformed: 0 }
}

fn pieces(len: usize, cuts: &[usize]) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| (*cut).min(len)).collect();
    cuts.extend([0, len]);
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

fn push(events: &mut Vec<Event>, event: Event) {
    match (events.last_mut(), &event) {
        (Some(Event::Text(all)), Event::Text(more))
        | (Some(Event::Reasoning(all)), Event::Reasoning(more))
        | (Some(Event::Refusal(all)), Event::Refusal(more))
        | (Some(Event::ToolArguments(all)), Event::ToolArguments(more)) => all.push_str(more),
        _ => events.push(event),
    }
}
