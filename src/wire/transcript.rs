//! For tests: what a decoder made of an answer, as short lines, and hostile
//! variants of answers.

use proptest::prelude::*;
use proptest::sample::Index;

use super::replay::{Replay, decode};
use super::{StreamError, Wire};
use crate::chat::Event;
use crate::money::Usage;

/// One line an event and one for the ending.
pub(super) fn lines(replay: &Replay) -> Vec<String> {
    let mut lines: Vec<String> = replay.events.iter().map(line).collect();
    lines.push(match &replay.ending {
        Ok(ending) => match &ending.native {
            Some(native) => format!("{} ({native})", ending.finish.as_str()),
            None => ending.finish.as_str().to_owned(),
        },
        Err(StreamError::Truncated) => "truncated".to_owned(),
        Err(StreamError::Malformed(message)) => format!("malformed: {message}"),
        Err(StreamError::Api(error)) => format!("{}: {}", error.kind.as_str(), error.message),
    });
    lines
}

fn line(event: &Event) -> String {
    match event {
        Event::Text(text) => format!("text {text:?}"),
        Event::Reasoning(text) => format!("reasoning {text:?}"),
        Event::Refusal(text) => format!("refusal {text:?}"),
        Event::ToolArguments(text) => format!("arguments {text}"),
        Event::Usage(usage) => usage_line(usage),
        Event::ServedModel(model) => format!("model {model}"),
        Event::RequestId(id) => format!("id {id}"),
        other => format!("{other:?}"),
    }
}

/// Only the buckets that hold something.
fn usage_line(usage: &Usage) -> String {
    let buckets = [
        ("uncached", usage.input_uncached),
        ("read", usage.cache_read),
        ("5m", usage.cache_write_5m),
        ("1h", usage.cache_write_1h),
        ("audio", usage.input_audio),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
        ("audio out", usage.output_audio),
    ];
    let filled = buckets.iter().filter(|(_, tokens)| tokens.0 > 0);
    let words: Vec<String> = filled.map(|(name, tokens)| format!("{name} {tokens}")).collect();
    format!("usage {}", words.join(", "))
}

/// Places to cut an answer at.
pub(super) fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..24)
}

/// Bytes to write over an answer, and where.
pub(super) fn damage() -> impl Strategy<Value = Vec<(Index, u8)>> {
    prop::collection::vec((any::<Index>(), any::<u8>()), 1..12)
}

/// However an answer is cut, and whichever line ends it has, the decoder makes
/// the same of it.
pub(super) fn check_cuts(wire: &dyn Wire, answer: &[u8], cuts: &[Index], crlf: bool) {
    let whole = decode(wire, answer, &[]);
    let unix: Vec<u8> = answer.iter().copied().filter(|byte| *byte != b'\r').collect();
    let text = String::from_utf8(unix).expect("fixtures are text");
    let bytes = if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes();
    let places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    assert_eq!(decode(wire, &bytes, &places), whole);
}

/// An answer with bytes written over, cut short; only not panicking counts.
pub(super) fn check_damage(wire: &dyn Wire, answer: &[u8], damage: &[(Index, u8)], end: Index) {
    let mut bytes = answer.to_vec();
    for (place, byte) in damage {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes.truncate(end.index(answer.len() + 1));
    decode(wire, &bytes, &[]);
}
