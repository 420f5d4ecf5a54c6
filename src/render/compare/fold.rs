//! Painted lines, folded to a width.
//!
//! A line may hold the sequences that set colours (SGR); whatever is on at a
//! fold is off at the line's end and on again on the next line, so that lines
//! can stand side by side. Letters with accents and emoji of several parts are
//! never torn apart.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Where a line may be folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    /// At blanks, which go; elsewhere only within a word that fits on no line,
    /// and there as in a name.
    Words,
    /// Behind the signs that names are joined with.
    Name,
    /// Anywhere, the rest behind a sign: for code, which must not be taken for
    /// lines that the model wrote.
    Code,
}

/// A line that fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    /// Its text, with the colours it needs.
    pub(super) text: String,
    /// Columns that it takes.
    pub(super) width: usize,
}

/// What stands before the rest of a line of code.
const REST: &str = "↳ ";

/// Narrower lines of code go on without a sign.
const LEAST_WITH_SIGN: usize = 8;

/// Columns from one tab stop to the next.
const TAB: usize = 4;

/// What is never torn apart.
struct Atom<'t> {
    text: &'t str,
    width: usize,
    /// The colours in force.
    face: Range<usize>,
}

/// The lines that a text takes at a width. An empty line stays one; a final
/// line end begins none. Only a letter wider than the width sticks out.
pub(super) fn fold(text: &str, width: usize, how: Fold) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.lines() {
        // Most lines: answers come here laid out to the width already.
        if line.len() <= width && line.bytes().all(is_plain) {
            let text = if how == Fold::Words { line.trim_end_matches(' ') } else { line };
            lines.push(Line { text: text.to_owned(), width: text.len() });
            continue;
        }
        let (atoms, faces) = atoms(line);
        fold_line(&atoms, &faces, width.max(1), how, &mut lines);
    }
    lines
}

/// ASCII of one column.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// Every letter of a text with its width. Two ASCII characters are never one
/// letter, so only what lies between such pairs has to be looked up.
fn letters<'t>(text: &'t str, each: &mut dyn FnMut(&'t str, usize)) {
    let mut rest = text;
    while !rest.is_empty() {
        let bytes = rest.as_bytes();
        let stands_alone = |at: usize| is_plain(bytes[at]) && bytes.get(at + 1).is_none_or(u8::is_ascii);
        let plain = (0..bytes.len()).take_while(|at| stands_alone(*at)).count();
        for at in 0..plain {
            each(&rest[at..=at], 1);
        }
        // What an ASCII character is joined to may stand before it.
        let end = (plain..bytes.len()).find(|at| stands_alone(*at)).map_or(bytes.len(), |at| at + 1);
        for grapheme in rest[plain..end].graphemes(true) {
            each(grapheme, grapheme.width());
        }
        rest = &rest[end..];
    }
}

/// The letters of a line, and every setting of colours that they need.
fn atoms(line: &str) -> (Vec<Atom<'_>>, String) {
    let (mut atoms, mut faces) = (Vec::new(), String::new());
    let (mut face, mut column) = (0..0, 0);
    for (at, part) in line.split('\x1b').enumerate() {
        let mut text = part;
        if let Some((codes, rest)) = part.split_once('m').filter(|_| at > 0) {
            text = rest;
            let codes = codes.trim_start_matches('[');
            // `0` at the beginning turns all off that was on before.
            let (reset, codes) = match codes.strip_prefix('0') {
                Some(rest) => (true, rest.trim_start_matches(';')),
                None => (codes.is_empty(), codes),
            };
            let before = if reset { String::new() } else { faces[face.clone()].to_owned() };
            let start = faces.len();
            faces.push_str(&before);
            if !codes.is_empty() {
                faces.push_str(&format!("\x1b[{codes}m"));
            }
            face = start..faces.len();
        }
        letters(text, &mut |letter, width| {
            let blanks = if letter == "\t" { TAB - column % TAB } else { 0 };
            for _ in 0..blanks {
                atoms.push(Atom { text: " ", width: 1, face: face.clone() });
            }
            if blanks == 0 {
                atoms.push(Atom { text: letter, width, face: face.clone() });
            }
            column += blanks.max(width);
        });
    }
    (atoms, faces)
}

fn fold_line(atoms: &[Atom<'_>], faces: &str, width: usize, how: Fold, lines: &mut Vec<Line>) {
    let mut start = 0;
    loop {
        let sign = if start > 0 && how == Fold::Code && width >= LEAST_WITH_SIGN { REST } else { "" };
        let room = width - sign.width();
        let mut end = start;
        let mut taken = 0;
        while end < atoms.len() && (taken + atoms[end].width <= room || end == start) {
            taken += atoms[end].width;
            end += 1;
        }
        let next = if end < atoms.len() { good_end(atoms, start, end, how) } else { end };
        lines.push(written(&atoms[start..next], faces, sign, how));
        start = next;
        if how == Fold::Words && start < atoms.len() {
            start += atoms[start..].iter().take_while(|atom| is_blank(atom)).count();
        }
        if start >= atoms.len() {
            return;
        }
    }
}

fn is_blank(atom: &Atom<'_>) -> bool {
    atom.text.bytes().all(|b| b == b' ')
}

/// The last place at which the line may end well, the full line where there is none.
fn good_end(atoms: &[Atom<'_>], start: usize, full: usize, how: Fold) -> usize {
    let blank = |at: &usize| is_blank(&atoms[*at]) || is_blank(&atoms[at - 1]);
    let joint = |at: &usize| matches!(atoms[at - 1].text, "/" | "@" | "-" | ":" | "_" | " " | ",");
    let last = |ends_well: &dyn Fn(&usize) -> bool| (start + 1..=full).rev().find(ends_well);
    let end = match how {
        Fold::Words => last(&blank).or_else(|| last(&joint)),
        Fold::Name => last(&joint),
        Fold::Code => None,
    };
    end.unwrap_or(full)
}

fn written(atoms: &[Atom<'_>], faces: &str, sign: &str, how: Fold) -> Line {
    let blanks = match how {
        Fold::Words => atoms.iter().rev().take_while(|atom| is_blank(atom)).count(),
        Fold::Name | Fold::Code => 0,
    };
    let mut line = Line { text: sign.to_owned(), width: sign.width() };
    let mut shown = "";
    for atom in &atoms[..atoms.len() - blanks] {
        let face = &faces[atom.face.clone()];
        if face != shown {
            if !shown.is_empty() {
                line.text.push_str("\x1b[0m");
            }
            line.text.push_str(face);
            shown = face;
        }
        line.text.push_str(atom.text);
        line.width += atom.width;
    }
    if !shown.is_empty() {
        line.text.push_str("\x1b[0m");
    }
    line
}

/// A line without the sequences that set colours.
#[cfg(test)]
pub(super) fn bare(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn folded(text: &str, width: usize, how: Fold) -> Vec<String> {
        fold(text, width, how).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn words_go_to_the_next_line_whole() {
        assert_eq!(folded("one two three", 7, Fold::Words), ["one two", "three"]);
        assert_eq!(folded("one  two\n\nabcdefgh", 5, Fold::Words), ["one", "two", "", "abcde", "fgh"]);
        assert_eq!(folded("日本語だ", 5, Fold::Words), ["日本", "語だ"]);
    }

    #[test]
    fn names_end_behind_their_joints() {
        assert_eq!(
            folded("openrouter/meta-llama/llama-3.3-70b@effort=high", 14, Fold::Name),
            ["openrouter/", "meta-llama/", "llama-3.3-70b@", "effort=high"]
        );
    }

    #[test]
    fn code_keeps_its_blanks_and_shows_where_it_goes_on() {
        assert_eq!(folded("    let x = 12345;", 12, Fold::Code), ["    let x = ", "↳ 12345;"]);
        assert_eq!(folded("\ta\tb", 12, Fold::Code), ["    a   b"]);
    }

    #[test]
    fn colours_end_with_each_line_and_begin_again() {
        assert_eq!(
            folded("\x1b[1mone \x1b[31mtwo\x1b[0;4mthree\x1b[0m", 4, Fold::Words),
            ["\x1b[1mone\x1b[0m", "\x1b[1m\x1b[31mtwo\x1b[0m\x1b[4mt\x1b[0m", "\x1b[4mhree\x1b[0m"]
        );
    }

    #[test]
    fn a_letter_of_several_signs_stays_one() {
        assert_eq!(folded("👩‍👩‍👧👩‍👩‍👧", 2, Fold::Code), ["👩‍👩‍👧", "👩‍👩‍👧"]);
        assert_eq!(folded("e\u{301}e\u{301}", 1, Fold::Words), ["e\u{301}", "e\u{301}"]);
    }

    proptest! {
        #[test]
        fn letters_are_graphemes(text in "([a-c]{0,3}|\t|日|e\u{301}|👩\u{200d}👧|🇩🇪|\u{600}|\u{e33}){0,12}") {
            let mut found = Vec::new();
            letters(&text, &mut |letter, width| found.push((letter, width)));
            let expected: Vec<_> = text.graphemes(true).map(|letter| (letter, letter.width())).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn every_line_fits_and_nothing_is_lost(
            text in "([a-z]{1,12}|日本|👍🏽|e\u{301}|\x1b\\[1m|\x1b\\[0m| |\t|\n|/|-){0,60}",
            width in 2_usize..30,
        ) {
            for how in [Fold::Words, Fold::Name, Fold::Code] {
                let lines = fold(&text, width, how);
                let solid = |text: &str| text.replace([' ', '\t', '\n', '↳'], "");
                let all: String = lines.iter().map(|line| solid(&bare(&line.text))).collect();
                prop_assert_eq!(all, solid(&bare(&text)));
                for line in lines {
                    prop_assert!(bare(&line.text).width() <= width, "{:?}", line);
                    prop_assert!(bare(&line.text).width() <= line.width);
                }
            }
        }
    }
}
