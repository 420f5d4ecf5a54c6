//! Blocks: what each does with its text and its line ends, and how it closes.

use super::face::Face;
use super::highlight::{Highlighter, LONGEST_LINE};
use super::inline::{Inline, Sink as _};
use super::line::{Fence, Kind, Open, Start};
use super::table::{self, Table};
use super::{Markdown, Style};

/// The most bytes of a line that may be one of a table.
const LONGEST_ROW: usize = 16 * 1024;

/// The block that is open.
#[derive(Debug)]
pub(super) enum Leaf {
    None,
    Paragraph,
    Heading(Tail),
    Code(Code),
    /// Code by its indentation.
    Indented,
    Html,
    /// A line with bars that the head of a table may be, and whether it is one
    /// of a paragraph.
    Head {
        line: String,
        in_paragraph: bool,
    },
    /// A table, and its row that is being read.
    Table {
        table: Table,
        row: Option<String>,
    },
}

/// A fenced block.
#[derive(Debug)]
pub(super) struct Code {
    fence: Fence,
    highlighter: Option<Highlighter>,
    /// The line as far as it came, where it is to be highlighted.
    line: String,
    /// The line is too long for that and is written as it comes.
    long: bool,
    /// The line that is being read is the fence's own.
    on_fence: bool,
}

/// Whether a block has a line without text around it, whatever its source has.
pub(super) fn stands_apart(kind: &Kind) -> bool {
    matches!(kind, Kind::Heading(_) | Kind::Fence(_) | Kind::Rule)
}

impl Leaf {
    /// What a line's reader must know of it.
    pub(super) fn open(&self) -> Open<'_> {
        match self {
            Self::None | Self::Heading(_) | Self::Indented => Open::Nothing,
            Self::Paragraph => Open::Paragraph,
            Self::Code(code) => Open::Fence(&code.fence),
            Self::Html => Open::Html,
            Self::Head { line, .. } => Open::Head(table::cells(line).len()),
            Self::Table { .. } => Open::Table,
        }
    }
}

/// What may be the closing `#` marks of a heading, with the blanks around them.
#[derive(Debug, Default)]
pub(super) struct Tail {
    text: String,
    state: TailState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TailState {
    Text,
    #[default]
    Blanks,
    Marks,
    BlanksBehind,
}

impl Tail {
    /// Takes text; returns what of it and of what was held belongs to the heading.
    fn push(&mut self, text: &str) -> String {
        use TailState as S;
        let mut sure = String::new();
        for c in text.chars() {
            let next = match (c, self.state) {
                (' ' | '\t', S::Marks | S::BlanksBehind) => S::BlanksBehind,
                (' ' | '\t', _) => S::Blanks,
                ('#', S::Blanks | S::Marks | S::BlanksBehind) => S::Marks,
                _ => S::Text,
            };
            if c == '#' && self.state == S::BlanksBehind {
                // Only the last run closes; the blanks may be those before it.
                let marks = self.text.trim_end().len();
                sure.extend(self.text.drain(..marks));
            }
            if next == S::Blanks && self.state == S::Text {
                // One blank does no harm at the end, and completes the word.
                sure.push(' ');
            } else if next == S::Text {
                sure.push_str(&std::mem::take(&mut self.text));
                sure.push(c);
            } else {
                self.text.push(c);
            }
            self.state = next;
        }
        sure
    }
}

impl Markdown {
    /// Lets the open block have a line that belongs to it; `false` where the
    /// line begins something else.
    pub(super) fn goes_on(&mut self, start: &Start, text: &str) -> bool {
        if let Kind::Delimiter(aligns) = &start.kind {
            self.begin_table(aligns.clone());
            return true;
        }
        self.head_is_text(true);
        if start.kept < self.containers.len() || !start.opened.is_empty() {
            return false;
        }
        if let (Leaf::Code(code), Kind::Code { outdented: true }) = (&mut self.leaf, &start.kind) {
            code.fence.outdented = true;
        }
        match (&mut self.leaf, &start.kind) {
            (Leaf::Code(_), Kind::FenceEnd) => self.close_leaf(),
            (Leaf::Paragraph, Kind::Underline(mark)) => self.underline(*mark),
            (Leaf::Paragraph, Kind::Row) => {
                self.leaf = Leaf::Head { line: text.to_owned(), in_paragraph: true };
            }
            (Leaf::Table { row, .. }, Kind::Row) => {
                *row = Some(String::new());
                self.leaf_text(text);
            }
            (Leaf::Indented, Kind::Blank) => self.blank_lines += 1,
            (Leaf::Paragraph, Kind::Continuation)
            | (Leaf::Code(_), Kind::Code { .. })
            | (Leaf::Html, Kind::Html)
            | (Leaf::Indented, Kind::Indented) => {
                for _ in 0..std::mem::take(&mut self.blank_lines) {
                    self.writer.end_raw_line();
                }
                self.verbatim_blanks(start.blanks);
                self.leaf_text(text);
            }
            _ => return false,
        }
        true
    }

    /// Blanks left of a tab that stood partly before a block's text.
    fn verbatim_blanks(&mut self, blanks: usize) {
        if blanks > 0 && !matches!(self.leaf, Leaf::Paragraph) {
            self.leaf_text(&" ".repeat(blanks));
        }
    }

    pub(super) fn open_leaf(&mut self, kind: Kind, blanks: usize, text: &str) {
        let style = self.style;
        self.inline = Inline::new(Face::PLAIN, !style.color);
        self.leaf = match kind {
            Kind::Heading(level) => {
                self.inline = Inline::new(heading_face(level), !style.color);
                if !style.color {
                    self.writer.text(&format!("{} ", "#".repeat(level)), Face::PLAIN, false);
                }
                Leaf::Heading(Tail::default())
            }
            Kind::Rule => {
                let rule = if style.accessible { "---".to_owned() } else { "─".repeat(self.writer.room()) };
                self.writer.raw(&rule, Face::DIM);
                self.writer.end_line();
                Leaf::None
            }
            Kind::Fence(fence) => {
                self.writer.raw(&fence_line(&fence, style), Face::DIM);
                self.writer.end_line();
                let highlighter = if style.color { Highlighter::new(&fence.info) } else { None };
                Leaf::Code(Code { fence, highlighter, line: String::new(), long: false, on_fence: true })
            }
            Kind::Indented => Leaf::Indented,
            Kind::Html => Leaf::Html,
            Kind::Row => Leaf::Head { line: String::new(), in_paragraph: false },
            Kind::Blank | Kind::FenceEnd | Kind::Underline(_) | Kind::Delimiter(_) => Leaf::None,
            Kind::Paragraph | Kind::Continuation | Kind::Code { .. } => Leaf::Paragraph,
        };
        self.verbatim_blanks(blanks);
        self.leaf_text(text);
    }

    /// Gives text of a line to its block.
    pub(super) fn leaf_text(&mut self, text: &str) {
        let writer = &mut self.writer;
        match &mut self.leaf {
            Leaf::None => {}
            Leaf::Paragraph => self.inline.push(text, writer),
            Leaf::Heading(tail) => self.inline.push(&tail.push(text), writer),
            Leaf::Code(code) if code.on_fence => {}
            Leaf::Code(code) if code.highlighter.is_some() && !code.long => {
                code.line.push_str(text);
                if code.line.len() > LONGEST_LINE {
                    writer.raw(&std::mem::take(&mut code.line), Face::PLAIN);
                    code.long = true;
                }
            }
            Leaf::Code(_) | Leaf::Indented | Leaf::Html => {
                if !text.is_empty() {
                    writer.raw(text, Face::PLAIN);
                }
            }
            Leaf::Head { line, .. } => {
                line.push_str(text);
                if line.len() > LONGEST_ROW {
                    self.head_is_text(false);
                }
            }
            Leaf::Table { row: None, .. } => {}
            Leaf::Table { row: Some(row), table } => {
                row.push_str(text);
                if row.len() > LONGEST_ROW {
                    table.show(self.style, writer);
                    let row = std::mem::take(row);
                    self.open_leaf(Kind::Paragraph, 0, &row);
                }
            }
        }
    }

    /// Ends a line of the open block.
    pub(super) fn leaf_line_end(&mut self) {
        let writer = &mut self.writer;
        match &mut self.leaf {
            Leaf::None | Leaf::Head { .. } => {}
            Leaf::Paragraph => self.inline.push("\n", writer),
            Leaf::Heading(_) => self.close_leaf(),
            Leaf::Code(code) if code.on_fence => code.on_fence = false,
            Leaf::Code(code) => {
                if let Some(highlighter) = code.highlighter.as_mut().filter(|_| !code.long) {
                    for (text, face) in highlighter.line(&code.line) {
                        writer.raw(text, face);
                    }
                    code.line.clear();
                }
                code.long = false;
                writer.end_raw_line();
            }
            Leaf::Indented | Leaf::Html => writer.end_line(),
            Leaf::Table { table, row } => {
                if let Some(row) = row.take() {
                    table.row(&row, self.style, writer);
                }
            }
        }
    }

    /// Ends the open block.
    pub(super) fn close_leaf(&mut self) {
        self.head_is_text(true);
        self.blank_lines = 0;
        match std::mem::replace(&mut self.leaf, Leaf::None) {
            Leaf::None | Leaf::Head { .. } | Leaf::Indented | Leaf::Html => {}
            Leaf::Paragraph | Leaf::Heading(_) => self.inline.finish(&mut self.writer),
            Leaf::Code(code) => {
                let end = Fence { info: String::new(), ..code.fence };
                let end =
                    if self.style.accessible { "end of code".into() } else { fence_line(&end, self.style) };
                self.writer.raw(&end, Face::DIM);
            }
            Leaf::Table { table, .. } => table.show(self.style, &mut self.writer),
        }
        self.writer.end_line();
    }

    /// What might have been the head of a table is a line of a paragraph, a
    /// complete one or one that goes on.
    fn head_is_text(&mut self, complete: bool) {
        if !matches!(self.leaf, Leaf::Head { .. }) {
            return;
        }
        if let Leaf::Head { line, in_paragraph } = std::mem::replace(&mut self.leaf, Leaf::Paragraph) {
            if !in_paragraph {
                self.inline = Inline::new(Face::PLAIN, !self.style.color);
            }
            self.inline.push(&line, &mut self.writer);
            if complete {
                self.inline.push("\n", &mut self.writer);
            }
        }
    }

    fn begin_table(&mut self, aligns: Vec<super::line::Align>) {
        if let Leaf::Head { line, in_paragraph } = std::mem::replace(&mut self.leaf, Leaf::None) {
            if in_paragraph {
                self.inline.finish(&mut self.writer);
            }
            if self.containers.is_empty() {
                self.writer.blank_line();
                self.apart = true;
            }
            self.leaf = Leaf::Table { table: Table::new(table::cells(&line), aligns), row: None };
        }
    }

    /// The paragraph was a heading: its text stands already, so a line under it
    /// has to say so.
    fn underline(&mut self, mark: u8) {
        self.close_leaf();
        if !self.style.accessible {
            let line = if mark == b'=' { "═" } else { "─" };
            self.writer.raw(&line.repeat(self.writer.text_width().max(3)), Face::DIM);
            self.writer.end_line();
        }
        self.apart = self.containers.is_empty();
    }
}

const fn heading_face(level: usize) -> Face {
    match level {
        1 => Face::BOLD.with(Face::UNDERLINE),
        2 => Face::BOLD,
        _ => Face::BOLD.with(Face::ITALIC),
    }
}

fn fence_line(fence: &Fence, style: Style) -> String {
    if style.accessible {
        return if fence.info.is_empty() { "code:".to_owned() } else { format!("code ({}):", fence.info) };
    }
    format!("{}{}", char::from(fence.mark).to_string().repeat(fence.length), fence.info)
}
