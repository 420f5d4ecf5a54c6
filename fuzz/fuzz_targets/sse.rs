//! Server-sent events: however the bytes are cut, the same frames come out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollm::wire::sse::{Item, Parser};
use pollm_fuzz::{chance, cuts};

/// Items, copied out.
#[derive(Debug, PartialEq)]
enum Found {
    Frame(String, Vec<u8>),
    Comment,
    Stray(Vec<u8>),
}

fn found(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<Found> {
    let (mut parser, mut found) = (Parser::default(), Vec::new());
    let mut each = |item: Item<'_>| {
        found.push(match item {
            Item::Frame(frame) => Found::Frame(frame.event.to_owned(), frame.data.to_vec()),
            Item::Comment => Found::Comment,
            Item::Stray(line) => Found::Stray(line.to_vec()),
        });
    };
    for piece in pieces {
        parser.push(piece.as_ref(), &mut each).expect("lines of this input are short");
    }
    parser.end(each);
    found
}

fuzz_target!(|stream: &[u8]| {
    let whole = found([stream]);
    let size: usize = whole
        .iter()
        .map(|item| match item {
            Found::Frame(event, data) => event.len() + data.len(),
            Found::Comment => 1,
            Found::Stray(line) => line.len(),
        })
        .sum();
    assert!(size <= 3 * stream.len(), "{size} bytes of {}", stream.len());
    let mut places = cuts(stream.len(), &mut chance(stream));
    places.extend([0, stream.len()]);
    places.sort_unstable();
    assert_eq!(found(places.windows(2).map(|pair| &stream[pair[0]..pair[1]])), whole, "cut at {places:?}");
});
