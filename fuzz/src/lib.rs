//! What the targets share: how an input is cut, and what holds of every decoder.

use fastrand::Rng;
use pollm::chat::Event;
use pollm::fuzzing::{Replay, decode, decode_body};
use pollm::wire::Protocol;

/// A source of chance that is the same for the same input, so that an input
/// that fails once fails again, and a seed can be any file as it is.
pub fn chance(input: &[u8]) -> Rng {
    // FNV-1a.
    let seed = input.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Rng::with_seed(seed)
}

/// Some places to cut an input at; now and then all of them.
pub fn cuts(length: usize, chance: &mut Rng) -> Vec<usize> {
    if chance.u8(..) < 32 {
        return (0..=length).collect();
    }
    (0..chance.usize(1..16)).map(|_| chance.usize(0..=length)).collect()
}

/// The pieces of a text, cut between characters.
pub fn pieces<'t>(text: &'t str, chance: &mut Rng) -> Vec<&'t str> {
    let mut cuts = cuts(text.len(), chance);
    cuts.push(text.len());
    cuts.sort_unstable();
    let mut start = 0;
    let ends = cuts.into_iter().map(|cut| text.floor_char_boundary(cut));
    ends.map(|end| &text[std::mem::replace(&mut start, end)..end]).collect()
}

/// What a decoder may never do, whatever a server sends: panic; make of pieces
/// anything else than of the whole; emit more than came in; or call an answer
/// complete in which none of the protocol's `ends` stands.
pub fn check_decoder(protocol: Protocol, ends: &[&str], answer: &[u8]) {
    let wire = protocol.wire();
    let whole = decode(wire, answer, &[]);
    check_amount(&whole, answer);
    if whole.ending.is_ok() {
        check_end(ends, answer);
    }
    let cuts = cuts(answer.len(), &mut chance(answer));
    assert_eq!(decode(wire, answer, &cuts), whole, "cut at {cuts:?}");

    let body = decode_body(wire, answer);
    check_amount(&body, answer);
}

/// Every text that is emitted came in. A byte that is not UTF-8 is shown as
/// three, so a decoder that repeats nothing stays below four times the input.
fn check_amount(replay: &Replay, answer: &[u8]) {
    let emitted: usize = replay.events.iter().map(length).sum();
    assert!(emitted <= 4 * answer.len() + 64, "{emitted} bytes of {}", answer.len());
}

fn length(event: &Event) -> usize {
    match event {
        Event::Text(text) | Event::Reasoning(text) | Event::Refusal(text) | Event::ToolArguments(text) => {
            text.len()
        }
        Event::ServedModel(name) | Event::ServedBy(name) | Event::RequestId(name) => name.len(),
        Event::Usage(_) | Event::Billed(_) | Event::Cached => 1,
    }
}

/// An escape could spell the marker in another way, so such input proves nothing.
fn check_end(ends: &[&str], answer: &[u8]) {
    let text = String::from_utf8_lossy(answer);
    let ended = ends.iter().any(|end| text.contains(end));
    assert!(ended || text.contains("\\u"), "complete without any of {ends:?}");
}
