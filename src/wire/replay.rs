//! For tests: feeds bytes to a decoder as the transport would.

use super::sse::{Frame, Item, Parser};
use super::{Decode, StreamError, Wire, failure};
use crate::chat::{Ending, Event};

/// What a decoder made of an answer.
#[derive(Debug, PartialEq)]
pub(crate) struct Replay {
    pub(crate) events: Vec<Event>,
    pub(crate) ending: Result<Ending, StreamError>,
    pub(crate) malformed: usize,
}

/// Decodes an answer. JSON is taken as one that did not stream; anything else
/// as SSE, cut at the given places.
pub(crate) fn decode(wire: &dyn Wire, bytes: &[u8], cuts: &[usize]) -> Replay {
    let mut decoder = wire.decoder();
    let mut replay = Replay { events: Vec::new(), ending: Err(StreamError::Truncated), malformed: 0 };
    let failed = if matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'[')) {
        let result = decoder.body(bytes, &mut |event| replay.events.push(event));
        judge(result, &mut replay.malformed)
    } else {
        stream(&mut *decoder, bytes, cuts, &mut replay)
    };
    replay.ending = failed.map_or_else(|| decoder.finish(), Err);
    replay
}

fn stream(
    decoder: &mut dyn Decode,
    bytes: &[u8],
    cuts: &[usize],
    replay: &mut Replay,
) -> Option<StreamError> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| (*cut).min(bytes.len())).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    let mut parser = Parser::default();
    let mut failed = None;
    let mut stray = Vec::new();
    let mut each = |item: Item<'_>| match item {
        Item::Frame(frame) if failed.is_none() => failed = take(decoder, frame, replay),
        Item::Stray(line) => stray.extend_from_slice(line),
        Item::Frame(_) | Item::Comment => {}
    };
    for pair in places.windows(2) {
        parser.push(&bytes[pair[0]..pair[1]], &mut each).expect("fixtures have short lines");
    }
    parser.end(&mut each);
    let fault = || failure::in_stream(&serde_json::from_slice(&stray).ok()?).map(StreamError::from);
    failed.or_else(fault)
}

fn take(decoder: &mut dyn Decode, frame: Frame<'_>, replay: &mut Replay) -> Option<StreamError> {
    let result = decoder.frame(frame, &mut |event| replay.events.push(event));
    judge(result, &mut replay.malformed)
}

/// What can't be read is counted; anything else ends the answer.
fn judge(result: Result<(), StreamError>, malformed: &mut usize) -> Option<StreamError> {
    match result {
        Ok(()) => None,
        Err(StreamError::Malformed(_)) => {
            *malformed += 1;
            None
        }
        Err(error) => Some(error),
    }
}
