//! The terminal filter: nothing that drives a terminal comes out, however the
//! text is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollm::render::filter::{Filter, clean, clean_line, is_forbidden};
use pollm_fuzz::{chance, pieces};

fuzz_target!(|text: &str| {
    let whole = clean(text);
    assert!(!whole.chars().any(is_forbidden), "{whole:?}");
    // Said once more, apart from the filter's own list.
    assert!(!whole.contains(|c: char| c.is_control() && c != '\n' && c != '\t'), "{whole:?}");
    assert!(whole.len() <= text.len());
    assert_eq!(clean(&whole), whole, "what is clean stays as it is");
    assert!(!clean_line(text).contains(['\n', '\t']));

    let (mut filter, mut out) = (Filter::new(), String::new());
    for piece in pieces(text, &mut chance(text.as_bytes())) {
        filter.push(piece, &mut out);
    }
    assert_eq!(out, whole);
});
