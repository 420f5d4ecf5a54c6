//! Markdown on a terminal: streamed in pieces it is what it is as a whole, and
//! nothing but colours drives the terminal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pollm::render::extract::first_code_block;
use pollm::render::filter::is_forbidden;
use pollm::render::markdown::{Markdown, Style};
use pollm_fuzz::{chance, pieces};

fn render<'t>(style: Style, pieces: impl IntoIterator<Item = &'t str>) -> String {
    let mut markdown = Markdown::new(style);
    let shown: String = pieces.into_iter().map(|piece| markdown.push(piece)).collect();
    shown + &markdown.finish()
}

/// What is shown without its colours: `ESC [`, digits and semicolons, `m`.
fn visible(shown: &str) -> String {
    let mut parts = shown.split('\x1b');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.strip_prefix('[').expect("an escape begins a colour");
        let (codes, rest) = rest.split_once('m').expect("a colour has an end");
        assert!(codes.bytes().all(|byte| byte.is_ascii_digit() || byte == b';'), "{codes:?}");
        text += rest;
    }
    text
}

fuzz_target!(|text: &str| {
    let mut chance = chance(text.as_bytes());
    let style = Style { width: chance.usize(0..120), color: chance.bool(), accessible: chance.bool() };
    let whole = render(style, [text]);
    assert!(style.color || !whole.contains('\x1b'));
    let seen = visible(&whole);
    assert!(!seen.chars().any(is_forbidden), "{seen:?}");
    assert!(whole.is_empty() || whole.ends_with('\n'));
    let pieces = pieces(text, &mut chance);
    assert_eq!(visible(&render(style, pieces.iter().copied())), seen, "in the pieces {pieces:?}");
    if let Some(block) = first_code_block(text) {
        assert!(block.len() <= text.len());
    }
});
