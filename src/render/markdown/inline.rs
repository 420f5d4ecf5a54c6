//! What stands inside a paragraph, a heading or a cell: emphasis, code, links,
//! entities, as the text comes.
//!
//! Text that can't be a mark passes at once. What may begin a mark is held
//! until it is known whether one ends it, for a bounded number of bytes: a
//! [`Step::Wait`] never depends on how the text was cut into pieces, because
//! every look ahead is at a window of fixed size.

use super::face::Face;
use super::{entity, link};

mod emphasis;

use emphasis::Open;

/// Takes text with its face.
pub(super) trait Sink {
    /// A piece of text; runs of blanks in it are one unless they are to be kept.
    fn text(&mut self, text: &str, face: Face, keep_blanks: bool);
}

/// The most bytes that code between backticks has; a backtick whose other is
/// farther away is a character.
const CODE_WINDOW: usize = 256;

/// The longest run of backticks that can be a mark.
const MOST_BACKTICKS: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Inline {
    base: Face,
    /// Show marks as written: there is no colour to stand for them.
    marks: bool,
    /// Inside the text of a link, where no other link can be.
    nested: bool,
    /// What is not decided yet.
    held: String,
    /// The character before it.
    before: Option<char>,
    open: Vec<Open>,
    /// A run too long to be a mark goes on.
    literal_run: bool,
    address: Address,
}

/// How far into a bare address (`…://…`) the current word is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Address {
    #[default]
    No,
    Colon,
    Slash,
    Yes,
}

/// What came of the text at hand.
enum Step {
    /// So many bytes are done.
    Done(usize),
    /// More must come before anything can be said.
    Wait,
}

impl Inline {
    pub(super) fn new(base: Face, marks: bool) -> Self {
        Self { base, marks, ..Self::default() }
    }

    /// The whole of a short text, such as a cell's.
    pub(super) fn whole(text: &str, base: Face, marks: bool, sink: &mut dyn Sink) {
        let mut inline = Self::new(base, marks);
        inline.push(text, sink);
        inline.finish(sink);
    }

    /// Takes more text.
    pub(super) fn push(&mut self, text: &str, sink: &mut dyn Sink) {
        self.held.push_str(text);
        self.run(false, sink);
    }

    /// Ends the paragraph: what was held is text.
    pub(super) fn finish(&mut self, sink: &mut dyn Sink) {
        self.run(true, sink);
        *self = Self { nested: self.nested, ..Self::new(self.base, self.marks) };
    }

    fn run(&mut self, ended: bool, sink: &mut dyn Sink) {
        let held = std::mem::take(&mut self.held);
        let mut at = 0;
        while at < held.len() {
            match self.step(&held[at..], ended, sink) {
                Step::Done(length) => {
                    at += length;
                    self.before = held[..at].chars().next_back();
                }
                Step::Wait => break,
            }
        }
        self.held = if at == 0 { held } else { held[at..].to_owned() };
    }

    fn step(&mut self, rest: &str, ended: bool, sink: &mut dyn Sink) -> Step {
        let first = rest.as_bytes()[0];
        if std::mem::take(&mut self.literal_run) && self.before == Some(char::from(first)) {
            return self.literal_run(rest, first, sink);
        }
        match first {
            b'*' | b'_' | b'~' => self.delimiter(rest, first, ended, sink),
            b'`' => self.code(rest, ended, sink),
            b'\\' => self.escape(rest, ended, sink),
            b'&' => match entity::read(rest, ended) {
                entity::Read::Character(text, length) => self.emit_done(&text, length, sink),
                entity::Read::Text => self.emit_done("&", 1, sink),
                entity::Read::Wait => Step::Wait,
            },
            b'[' if !self.nested => self.link(rest, 0, ended, sink),
            b'!' if rest.starts_with("![") => self.link(rest, 1, ended, sink),
            b'!' if rest.len() == 1 && !ended => Step::Wait,
            b'<' => match link::angle(rest, ended) {
                link::Angle::Address(address, length) => self.emit_done(address, length, sink),
                link::Angle::Tag(length) => {
                    sink.text(&rest[..length], self.face(), true);
                    Step::Done(length)
                }
                link::Angle::Text => self.emit_done("<", 1, sink),
                link::Angle::Wait => Step::Wait,
            },
            _ => {
                let end = rest.char_indices().skip(1).find(|(_, c)| is_special(*c));
                let end = end.map_or(rest.len(), |(end, _)| end);
                self.emit_done(&rest[..end], end, sink)
            }
        }
    }

    /// The face of text at this point.
    fn face(&self) -> Face {
        self.open.iter().fold(self.base, |face, open| face.with(open.face()))
    }

    fn emit_done(&mut self, text: &str, length: usize, sink: &mut dyn Sink) -> Step {
        self.emit(text, sink);
        Step::Done(length)
    }

    fn emit(&mut self, text: &str, sink: &mut dyn Sink) {
        for byte in text.bytes() {
            self.address = match (self.address, byte) {
                (_, b' ' | b'\t' | b'\n') => Address::No,
                (Address::Yes, _) | (Address::Slash, b'/') => Address::Yes,
                (Address::Colon, b'/') => Address::Slash,
                (_, b':') => Address::Colon,
                _ => Address::No,
            };
        }
        sink.text(text, self.face(), false);
    }

    /// Writes a mark where marks are shown.
    fn mark(&self, mark: &str, sink: &mut dyn Sink) {
        if self.marks {
            sink.text(mark, self.face(), true);
        }
    }

    fn literal_run(&mut self, rest: &str, byte: u8, sink: &mut dyn Sink) -> Step {
        let length = run_length(rest, byte);
        self.literal_run = length == rest.len();
        self.emit_done(&rest[..length], length, sink)
    }

    fn escape(&mut self, rest: &str, ended: bool, sink: &mut dyn Sink) -> Step {
        match rest.as_bytes().get(1) {
            None if !ended => Step::Wait,
            Some(b'\n') => Step::Done(1),
            Some(byte) if byte.is_ascii_punctuation() => self.emit_done(&rest[1..2], 2, sink),
            _ => self.emit_done("\\", 1, sink),
        }
    }

    fn code(&mut self, rest: &str, ended: bool, sink: &mut dyn Sink) -> Step {
        let ticks = run_length(rest, b'`');
        if ticks > MOST_BACKTICKS {
            return self.literal_run(rest, b'`', sink);
        }
        if ticks == rest.len() && !ended {
            return Step::Wait;
        }
        let (window, full) = window(&rest[ticks..], CODE_WINDOW);
        match code_end(window, ticks, ended && !full) {
            Some(end) => {
                let content = window[..end].replace('\n', " ");
                let inner = content.strip_prefix(' ').and_then(|text| text.strip_suffix(' '));
                let inner = inner.filter(|text| !text.trim().is_empty()).unwrap_or(&content);
                let face = self.face().with(Face::CYAN);
                let shown = if self.marks { &rest[..ticks + end + ticks].replace('\n', " ") } else { inner };
                sink.text(shown, face, true);
                Step::Done(ticks + end + ticks)
            }
            None if full || ended => self.emit_done(&rest[..ticks], ticks, sink),
            None => Step::Wait,
        }
    }

    fn link(&mut self, rest: &str, bang: usize, ended: bool, sink: &mut dyn Sink) -> Step {
        match link::read(&rest[bang..], ended) {
            link::Read::Link { text, address, length } => {
                let address = entity::unescape(address);
                let face = self.face();
                if bang == 1 && text.trim().is_empty() {
                    sink.text("image", face, false);
                } else {
                    let face = if bang == 1 { face } else { face.with(Face::UNDERLINE) };
                    let mut inner = Self { nested: true, ..Self::new(face, self.marks) };
                    inner.push(text, sink);
                    inner.finish(sink);
                }
                // An address that is its own text is shown once.
                if !address.is_empty() && address.strip_prefix("mailto:").unwrap_or(&address) != text {
                    sink.text(" ", face, false);
                    sink.text(&format!("({address})"), face.with(Face::DIM), false);
                }
                Step::Done(bang + length)
            }
            link::Read::Text => self.emit_done(&rest[..=bang], bang + 1, sink),
            link::Read::Wait => Step::Wait,
        }
    }
}

/// Characters that may begin or end a mark.
const fn is_special(c: char) -> bool {
    matches!(c, '*' | '_' | '~' | '`' | '\\' | '&' | '[' | '!' | '<')
}

/// How often `byte` stands at the start.
fn run_length(text: &str, byte: u8) -> usize {
    text.bytes().take_while(|b| *b == byte).count()
}

/// The first `size` bytes, fewer where a character would be cut, and whether
/// there are that many.
pub(super) fn window(text: &str, size: usize) -> (&str, bool) {
    (&text[..text.floor_char_boundary(size)], text.len() >= size)
}

/// Where code that began with so many backticks ends. A run at the end of the
/// text may still grow, unless the text is complete.
fn code_end(text: &str, ticks: usize, complete: bool) -> Option<usize> {
    let mut at = 0;
    while let Some(found) = text[at..].find('`') {
        at += found;
        let length = run_length(&text[at..], b'`');
        if length == ticks && (complete || at + length < text.len()) {
            return Some(at);
        }
        at += length;
    }
    None
}
