//! For tests: fixtures through a decoder, whole, cut and damaged.

use proptest::prelude::*;
use proptest::sample::Index;

use super::Wire;
use super::replay::{Replay, decode, decode_body};

/// Decodes a fixture; JSON is one that did not stream.
pub(super) fn replay(wire: &dyn Wire, answer: &[u8]) -> Replay {
    replay_cut(wire, answer, &[])
}

fn replay_cut(wire: &dyn Wire, answer: &[u8], cuts: &[usize]) -> Replay {
    match answer.trim_ascii_start().first() {
        Some(b'{' | b'[') => decode_body(wire, answer),
        _ => decode(wire, answer, cuts),
    }
}

/// The replay's story, line by line.
pub(super) fn lines(replay: &Replay) -> Vec<String> {
    replay.story().lines().map(str::to_owned).collect()
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
    let whole = replay(wire, answer);
    let unix: Vec<u8> = answer.iter().copied().filter(|byte| *byte != b'\r').collect();
    let text = String::from_utf8(unix).expect("fixtures are text");
    let bytes = if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes();
    let places: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    assert_eq!(replay_cut(wire, &bytes, &places), whole);
}

/// An answer with bytes written over, cut short; only not panicking counts.
pub(super) fn check_damage(wire: &dyn Wire, answer: &[u8], damage: &[(Index, u8)], end: Index) {
    let mut bytes = answer.to_vec();
    for (place, byte) in damage {
        let place = place.index(bytes.len());
        bytes[place] = *byte;
    }
    bytes.truncate(end.index(answer.len() + 1));
    replay(wire, &bytes);
}
