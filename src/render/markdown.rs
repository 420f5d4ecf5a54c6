//! Markdown for a terminal, as it streams.
//!
//! What was written is never taken back: no cursor moves, nothing is painted
//! again. Words appear as they come. Held back is only what may turn out to be
//! a mark: the start of a line until it is clear what the line is, a run of
//! `*`, a `[` and its link, a table until its end, a word until it is known to
//! fit.
//!
//! With colours, marks give way to faces. Without, the marks of headings,
//! emphasis and code stay as they were written, so nothing is lost. A line end
//! inside a paragraph stays one: models end lines on purpose (verses,
//! addresses), and hardly ever to fill a page. Code and HTML are shown as they
//! are: never wrapped, nothing put before them but what encloses them.
//!
//! All text passes the [`Filter`] that the renderer owns; there is no other way
//! in. How the text is cut into pieces changes nothing of what is shown.

use super::filter::Filter;

mod block;
mod entity;
mod face;
mod highlight;
mod inline;
pub(super) mod line;
mod link;
mod table;
#[cfg(test)]
mod tests;
mod wrap;

use block::Leaf;
use inline::Inline;
use line::{Container, Item, Kind, Start};
use wrap::Writer;

/// What the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Whether colours and other attributes may be used.
    pub color: bool,
    /// For screen readers: no boxes, no bars, tables as `name: value` lines.
    pub accessible: bool,
}

/// Narrower terminals are written to as if they had this many columns.
const NARROWEST: usize = 10;

/// The most bytes of a line that are held until it is clear what the line is.
/// One that is not clear by then is text.
const LINE_START: usize = 512;

/// A text that is being rendered.
#[derive(Debug)]
pub struct Markdown {
    filter: Filter,
    style: Style,
    writer: Writer,
    inline: Inline,
    containers: Vec<Container>,
    /// The last item at each depth, which the next one may follow.
    items: Vec<Option<Numbered>>,
    leaf: Leaf,
    /// The line as far as it is not clear what it is; `None` behind that point.
    undecided: Option<String>,
    /// Lines without text came since the last block.
    blank: bool,
    /// How many came within indented code, which may go on.
    blank_lines: usize,
    /// The last block stands apart from the next.
    apart: bool,
}

/// An item with the number that it was shown with.
#[derive(Clone, Copy, Debug)]
struct Numbered {
    item: Item,
    shown: u32,
}

impl Markdown {
    /// A renderer at the start of a text.
    pub fn new(style: Style) -> Self {
        let style = Style { width: style.width.max(NARROWEST), ..style };
        Self {
            filter: Filter::new(),
            style,
            writer: Writer::new(style.width, style.color, if style.accessible { '>' } else { '│' }),
            inline: Inline::default(),
            containers: Vec::new(),
            items: Vec::new(),
            leaf: Leaf::None,
            undecided: Some(String::new()),
            blank: false,
            blank_lines: 0,
            apart: false,
        }
    }

    /// Takes the next piece of text; returns what is to be written now.
    pub fn push(&mut self, text: &str) -> String {
        let mut filtered = String::with_capacity(text.len());
        self.filter.push(text, &mut filtered);
        for piece in filtered.split_inclusive('\n') {
            match piece.strip_suffix('\n') {
                Some(line) => self.line(line, true),
                None => self.line(piece, false),
            }
        }
        self.writer.take()
    }

    /// Ends the text; returns the rest, with a final line end where any text was.
    pub fn finish(&mut self) -> String {
        if self.undecided.as_ref().is_none_or(|line| !line.is_empty()) {
            self.line("", true);
        }
        self.close_leaf();
        self.close_containers(0);
        self.writer.close();
        self.writer.take()
    }

    /// A part of a line, or the rest of it.
    fn line(&mut self, text: &str, ended: bool) {
        match self.undecided.take() {
            None => self.leaf_text(text),
            Some(mut line) => {
                line.push_str(text);
                match self.read(&line, ended) {
                    Some(start) => self.begin(start, &line),
                    None => {
                        self.undecided = Some(line);
                        return;
                    }
                }
            }
        }
        if ended {
            self.leaf_line_end();
            self.undecided = Some(String::new());
        }
    }

    fn read(&self, line: &str, ended: bool) -> Option<Start> {
        let cut = line.len() > LINE_START;
        let seen = if cut { &line[..line.floor_char_boundary(LINE_START)] } else { line };
        match line::read(seen, ended && !cut, &self.containers, self.leaf.open()) {
            Ok(start) => Some(start),
            Err(line::Undecided) if cut => Some(self.as_text()),
            Err(line::Undecided) => None,
        }
    }

    /// What a line is taken for that is not clear for too long.
    fn as_text(&self) -> Start {
        let all = self.containers.len();
        let (kept, kind) = match self.leaf.open() {
            line::Open::Paragraph | line::Open::Head(_) => (all, Kind::Continuation),
            line::Open::Fence(_) => (all, Kind::Code { outdented: false }),
            line::Open::Html => (all, Kind::Html),
            line::Open::Nothing | line::Open::Table => (0, Kind::Paragraph),
        };
        Start { kept, opened: Vec::new(), kind, text_at: 0, blanks: 0 }
    }

    /// Begins a line of which it is clear what it is.
    fn begin(&mut self, start: Start, line: &str) {
        let text = &line[start.text_at..];
        if self.goes_on(&start, text) {
            return;
        }
        self.blank |= self.blank_lines > 0;
        self.close_leaf();
        self.close_containers(start.kept);
        if start.kind == Kind::Blank && start.opened.is_empty() {
            self.blank = true;
            return;
        }
        let nested = !self.containers.is_empty() || !start.opened.is_empty();
        let apart = !nested && block::stands_apart(&start.kind);
        if self.blank || self.apart || apart {
            self.writer.blank_line();
        }
        self.blank = false;
        self.apart = apart;
        for container in start.opened {
            self.open_container(container);
        }
        // A block that is no item ends the list at its depth.
        self.items.truncate(self.containers.len());
        self.open_leaf(start.kind, start.blanks, text);
    }

    fn open_container(&mut self, container: Container) {
        let depth = self.containers.len();
        self.containers.push(container);
        let Container::Item(item) = container else {
            self.items.truncate(depth);
            self.items.resize(depth + 1, None);
            self.writer.indent(wrap::Indent::Quote);
            return;
        };
        let last = self.items.get(depth).copied().flatten().filter(|last| last.item.mark == item.mark);
        let shown = match (item.number, last) {
            // `1. 1. 1.` counts on; any other numbers are shown as they are.
            (Some(number), Some(last)) if last.item.number == Some(number) => last.shown.saturating_add(1),
            (Some(number), _) => number,
            (None, _) => 0,
        };
        self.items.truncate(depth);
        self.items.resize(depth + 1, None);
        self.items[depth] = Some(Numbered { item, shown });
        let marker = self.marker(item, shown);
        self.writer.indent(wrap::Indent::Item { marker, written: false });
    }

    fn marker(&self, item: Item, shown: u32) -> String {
        let task = match item.task {
            Some(true) => "[x] ",
            Some(false) => "[ ] ",
            None => "",
        };
        if item.number.is_some() {
            return format!("{shown}{} {task}", char::from(item.mark));
        }
        if !task.is_empty() {
            return task.to_owned();
        }
        if self.style.accessible {
            return "- ".to_owned();
        }
        let bullet =
            |container: &&Container| matches!(container, Container::Item(item) if item.number.is_none());
        match self.containers.iter().filter(bullet).count() {
            0 | 1 => "• ",
            2 => "◦ ",
            _ => "▪ ",
        }
        .to_owned()
    }

    fn close_containers(&mut self, kept: usize) {
        while self.containers.len() > kept {
            self.containers.pop();
            self.writer.outdent();
        }
    }
}
