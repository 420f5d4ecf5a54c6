//! Lines out of words: wrapping, hanging indents and faces, without ever
//! taking back what was written.
//!
//! A word is held until it is complete, since only then it is known whether it
//! fits on its line; one that fits on no line is written as it comes. Line ends
//! are owed, not written, so that nothing but [`Writer::close`] ends a text.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::face::Face;
use super::inline::Sink;

/// What stands before the text of a line inside a quote or a list.
#[derive(Clone, Debug)]
pub(super) enum Indent {
    /// The bar of a quote.
    Quote,
    /// The marker of an item on its first line, blanks of its width on others.
    Item { marker: String, written: bool },
}

/// Where in the output the text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// At the very beginning.
    Beginning,
    /// Behind a complete line whose end is owed.
    Ended,
    /// As [`At::Ended`], behind a line that was left blank, or has bars only.
    Blank { bars: bool },
    /// On a line that has only its indent so far.
    Indented,
    /// On a line with text.
    Text,
}

#[derive(Debug)]
pub(super) struct Writer {
    out: String,
    width: usize,
    color: bool,
    bar: char,
    indents: Vec<Indent>,
    at: At,
    column: usize,
    shown: Face,
    word: Word,
    /// Blanks before the word.
    gap: usize,
    gap_face: Face,
    /// The word is on its line already and goes on as it comes.
    placed: bool,
    /// The character before, where no blank stands between.
    last: Option<char>,
}

/// A word that is not complete, with the places where its face changes.
#[derive(Debug, Default)]
struct Word {
    text: String,
    /// Faces and where each begins.
    faces: Vec<(usize, Face)>,
    /// The sum of the characters' widths: never less than the word's.
    most: usize,
}

/// The most bytes of a word that are held: a letter can bear any number of accents.
const WORD_BYTES: usize = 4_096;

impl Writer {
    pub(super) fn new(width: usize, color: bool, bar: char) -> Self {
        Self {
            out: String::new(),
            width,
            color,
            bar,
            indents: Vec::new(),
            at: At::Beginning,
            column: 0,
            shown: Face::PLAIN,
            word: Word::default(),
            gap: 0,
            gap_face: Face::PLAIN,
            placed: false,
            last: None,
        }
    }

    /// What is to be written now. The terminal is back to its own face behind it.
    pub(super) fn take(&mut self) -> String {
        self.face(Face::PLAIN);
        std::mem::take(&mut self.out)
    }

    /// Ends the text with a line end, where there is any.
    pub(super) fn close(&mut self) {
        self.end_line();
        // Behind an empty line nothing is owed: beginning it ended the one before.
        if matches!(self.at, At::Ended | At::Blank { bars: true }) {
            self.face(Face::PLAIN);
            self.out.push('\n');
        }
    }

    /// Columns left for text beside the indents.
    pub(super) fn room(&self) -> usize {
        let mut column = 0;
        for indent in &self.indents {
            column += self.indent_width(indent, column);
        }
        self.width - column
    }

    pub(super) fn indent(&mut self, indent: Indent) {
        self.end_line();
        self.indents.push(indent);
    }

    /// Drops the innermost indent. An item without text is written as its marker.
    pub(super) fn outdent(&mut self) {
        self.end_line();
        if let Some(Indent::Item { written: false, .. }) = self.indents.last() {
            self.raw("", Face::PLAIN);
            self.end_line();
        }
        self.indents.pop();
    }

    /// Ends the line, where it has anything on it.
    pub(super) fn end_line(&mut self) {
        self.commit();
        self.last = None;
        self.gap = 0;
        if matches!(self.at, At::Indented | At::Text) {
            self.at = At::Ended;
        }
    }

    /// Leaves a line without text, but one only, and never at the beginning.
    pub(super) fn blank_line(&mut self) {
        self.end_line();
        if self.at == At::Ended {
            self.raw("", Face::PLAIN);
            self.at = At::Blank { bars: !self.out.ends_with('\n') };
        }
    }

    /// Ends a line that [`Writer::raw`] wrote, even where it is empty.
    pub(super) fn end_raw_line(&mut self) {
        if self.at != At::Text {
            self.raw("", Face::PLAIN);
        }
        self.end_line();
    }

    /// Columns that the text of the last line takes.
    pub(super) fn text_width(&self) -> usize {
        self.column.saturating_sub(self.width - self.room())
    }

    /// Writes on the line as it is, without wrapping. The text has no line ends.
    pub(super) fn raw(&mut self, text: &str, face: Face) {
        self.commit();
        if text.is_empty() && self.at != At::Text {
            // A line without text has no blanks either.
            self.begin_line();
            self.face(Face::PLAIN);
            self.out.truncate(self.out.trim_end_matches(' ').len());
            return;
        }
        if self.at != At::Text {
            self.begin_line();
        }
        self.face(face);
        self.out.push_str(text);
        self.column += width(text);
        self.at = At::Text;
    }

    fn indent_width(&self, indent: &Indent, column: usize) -> usize {
        let width = match indent {
            Indent::Quote => 2,
            Indent::Item { marker, .. } => marker.width(),
        };
        // Deep nesting must not squeeze the text away.
        if column + width <= self.width / 2 { width } else { 0 }
    }

    /// Begins a line, paying what is owed, with its indents.
    fn begin_line(&mut self) {
        if matches!(self.at, At::Indented) {
            return;
        }
        self.face(Face::PLAIN);
        if self.at != At::Beginning {
            self.out.push('\n');
        }
        self.column = 0;
        let mut indents = std::mem::take(&mut self.indents);
        for indent in &mut indents {
            let width = self.indent_width(indent, self.column);
            match indent {
                Indent::Quote if width == 0 => {}
                Indent::Quote => {
                    self.face(Face::DIM);
                    self.out.push(self.bar);
                    self.face(Face::PLAIN);
                    self.out.push(' ');
                }
                Indent::Item { marker, written } if !*written => {
                    self.face(Face::PLAIN);
                    self.out.push_str(marker);
                    *written = true;
                    self.column += marker.width() - width;
                }
                Indent::Item { .. } => {
                    self.face(Face::PLAIN);
                    self.out.extend(std::iter::repeat_n(' ', width));
                }
            }
            self.column += width;
        }
        self.indents = indents;
        self.at = At::Indented;
    }

    fn face(&mut self, face: Face) {
        if self.color {
            self.shown.change(face, &mut self.out);
            self.shown = face;
        }
    }

    /// Puts the word on its line.
    fn commit(&mut self) {
        let word = std::mem::take(&mut self.word);
        if !word.text.is_empty() {
            self.place(width(&word.text));
            for (index, (start, face)) in word.faces.iter().enumerate() {
                let end = word.faces.get(index + 1).map_or(word.text.len(), |(start, _)| *start);
                self.face(*face);
                self.out.push_str(&word.text[*start..end]);
            }
        }
        self.placed = false;
    }

    /// Makes room for a word: on this line, or on the next.
    fn place(&mut self, width: usize) {
        if self.placed {
            self.column += width;
            return;
        }
        if self.at == At::Text && self.column + self.gap + width > self.width {
            self.at = At::Ended;
        }
        if self.at == At::Text {
            self.face(self.gap_face);
            self.out.extend(std::iter::repeat_n(' ', self.gap));
            self.column += self.gap;
        } else {
            self.begin_line();
        }
        self.gap = 0;
        self.column += width;
        self.at = At::Text;
    }

    fn char(&mut self, c: char, face: Face) {
        if self.last.replace(c).is_some_and(|last| breaks_between(last, c)) {
            self.commit();
        }
        if self.word.faces.last().is_none_or(|(_, shown)| *shown != face) {
            self.word.faces.push((self.word.text.len(), face));
        }
        self.word.text.push(c);
        self.word.most += if c.is_ascii() { 1 } else { c.width().unwrap_or(0) };
        if self.placed || self.word.most > self.width || self.word.text.len() > WORD_BYTES {
            self.commit();
            self.placed = true;
        }
    }
}

impl Sink for Writer {
    /// Takes text to be wrapped at its blanks. Runs of blanks are one, unless
    /// they are to be kept; a line end ends the line.
    fn text(&mut self, text: &str, face: Face, keep_blanks: bool) {
        for c in text.chars() {
            match c {
                '\n' => self.end_line(),
                ' ' | '\t' => {
                    self.commit();
                    self.last = None;
                    self.gap = if keep_blanks { self.gap + 1 } else { self.gap.max(1) };
                    self.gap_face = face;
                }
                _ => self.char(c, face),
            }
        }
    }
}

/// Columns of a text without line ends. Most are ASCII, which needs no table.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// Whether a line may end between two characters that no blank parts.
fn breaks_between(left: char, right: char) -> bool {
    if left == '\u{200b}' {
        return true;
    }
    (is_ideographic(left) || is_ideographic(right))
        && right.width().unwrap_or(0) > 0
        && !never_first(right)
        && !never_last(left)
}

/// Scripts that are written without blanks and may be broken anywhere.
const fn is_ideographic(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{312f}' | '\u{3190}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{ff01}'..='\u{ff9f}' | '\u{20000}'..='\u{3ffff}')
}

/// What may not begin a line in Chinese and Japanese.
fn never_first(c: char) -> bool {
    ")]}.,:;?!%’”…、。，．：；？！）］｝」』】〉》〕〗〙〟・ーゝゞヽヾ々〻ぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ～％"
        .contains(c)
}

/// What may not end one.
fn never_last(c: char) -> bool {
    "([{‘“（［｛「『【〈《〔〖〘〝￥＄".contains(c)
}

#[cfg(test)]
mod tests;
