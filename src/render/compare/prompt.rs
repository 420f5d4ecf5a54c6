//! The prompt above the answers: what is read, or passed on, days later must
//! say what was asked.

use unicode_width::UnicodeWidthStr as _;

use super::cells::line;
use crate::comparison::Comparison;
use crate::render::columns::{Column, Place, rows};
use crate::render::figures;
use crate::render::output::{Output, Paint};

const LABEL: &str = "prompt: ";

/// Without room for so much of a prompt, its length is not told.
const LEAST_WORDS: usize = 12;

/// Screen readers are given so much of a prompt.
const LONGEST_SPOKEN: usize = 280;

/// The prompt on one line, no wider than the output, and an empty line; of a
/// longer one the beginning and its length. Nothing where only files were sent.
pub(super) fn prompt(comparison: &Comparison, output: &Output) -> String {
    let width = if output.accessible { LONGEST_SPOKEN } else { output.width };
    let room = width.saturating_sub(LABEL.width());
    let prompt = comparison.prompt.trim();
    // No more than can be shown is looked at; the rest is only counted.
    let looked_at: String = prompt.chars().take(room * 4 + 1).collect();
    let words = line(&looked_at).split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() {
        return String::new();
    }
    let length = prompt.chars().count();
    let is_whole = looked_at.len() == prompt.len() && words.width() <= room;
    let shown = if is_whole {
        words
    } else {
        let note = format!(" ({} characters)", figures::count(length as u64));
        let note = if note.width() + LEAST_WORDS <= room { note } else { String::new() };
        // One that is cut ends in `…`, even where its first letters are narrow.
        let words = if words.width() > room - note.width() { words } else { words + " …" };
        let column = Column { width: room - note.width(), ..Column::new(vec![words], Place::Left) };
        rows(&[column], 1).concat() + &output.paint_stdout(&note, Paint::Dim)
    };
    format!("{}{shown}\n\n", output.paint_stdout(LABEL, Paint::Dim))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::render::output::OutputInputs;

    fn shown(text: &str, width: usize) -> String {
        let comparison = Comparison {
            id: ulid::Ulid::nil(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            prompt: text.to_owned(),
            wall: Duration::ZERO,
            lanes: Vec::new(),
            agreement: None,
        };
        prompt(&comparison, &Output { width, ..Output::decide(&OutputInputs::default()) })
    }

    #[test]
    fn a_short_prompt_is_whole_and_on_one_line() {
        assert_eq!(shown(" Why is\n\tthe sky  blue?\n", 40), "prompt: Why is the sky blue?\n\n");
        assert_eq!(shown(" \n", 40), "");
    }

    #[test]
    fn of_a_long_one_the_beginning_and_the_length_are_shown() {
        let long = "word ".repeat(1_000);
        assert_eq!(shown(&long, 40), "prompt: word word wor… (4999 characters)\n\n");
        assert_eq!(shown(&"a".repeat(90), 20), "prompt: aaaaaaaaaaa…\n\n");
        let hidden = format!("{}{}", "\u{200b}".repeat(500), "b".repeat(500));
        assert!(shown(&format!("a{hidden}"), 80).contains("…"), "{}", shown(&hidden, 80));
    }

    proptest! {
        #[test]
        fn nothing_in_a_prompt_breaks_the_line(text in any::<String>(), width in 20_usize..90) {
            let text = shown(&text, width);
            let line = text.strip_suffix("\n\n").unwrap_or(&text);
            prop_assert!(line.width() <= width, "{line}");
            prop_assert!(!line.contains(char::is_control), "{line}");
        }
    }
}
