//! What a line begins, read from as little of it as will do.
//!
//! The reader works on a line that may not be complete. Asking for a byte that
//! has not come is [`Undecided`], and the caller comes back with more. What was
//! decided once stays so whatever follows, so it does not matter how the text
//! was cut into pieces.

/// More of the line must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Undecided;

type Decision<T> = Result<T, Undecided>;

/// The deepest nesting of quotes and lists; a marker beyond is text.
const DEEPEST: usize = 24;

/// What encloses blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// A `>`.
    Quote,
    /// An item of a list.
    Item(Item),
}

/// An item of a list, as its marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Columns from the enclosing container's text to this one's.
    pub(super) indent: usize,
    /// `-`, `+`, `*`, or what stands behind a number: `.` or `)`.
    pub(super) mark: u8,
    /// The number as written; `None` for a bullet.
    pub(super) number: Option<u32>,
    /// Whether a task is done; `None` for what is no task.
    pub(super) task: Option<bool>,
}

/// The fence of a code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fence {
    pub(super) mark: u8,
    pub(super) length: usize,
    /// Columns before it, which its lines lose as well.
    pub(super) indent: usize,
    /// What stands behind it.
    pub(super) info: String,
}

/// How a column of a table is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Center,
    Right,
}

/// What the lines before have begun.
#[derive(Clone, Copy, Debug)]
pub(super) enum Open<'a> {
    Nothing,
    Paragraph,
    /// A line of so many cells that may be the head of a table.
    Head(usize),
    Table,
    Fence(&'a Fence),
    Html,
}

/// What a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Blank,
    /// Text of a paragraph, new or going on.
    Paragraph,
    Continuation,
    /// `#` to `######`.
    Heading(usize),
    /// The `===` or `---` under a heading.
    Underline(u8),
    Rule,
    Fence(Fence),
    FenceEnd,
    /// A line within a fence.
    Code,
    /// A line indented to be code.
    Indented,
    Html,
    /// A line that begins with a bar.
    Row,
    /// The line under a table's head.
    Delimiter(Vec<Align>),
}

/// The beginning of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// How many of the open containers go on.
    pub(super) kept: usize,
    /// Those that begin here.
    pub(super) opened: Vec<Container>,
    pub(super) kind: Kind,
    /// Where the text begins, in bytes.
    pub(super) text_at: usize,
    /// Blanks that stand before it, left of a tab.
    pub(super) blanks: usize,
}

/// Reads the beginning of a line.
pub(super) fn read(line: &str, complete: bool, containers: &[Container], open: Open<'_>) -> Decision<Start> {
    let mut cursor = Cursor { bytes: line.as_bytes(), complete, at: 0, column: 0, spare: 0 };
    let kept = cursor.containers(containers, matches!(open, Open::Fence(_)))?;
    let all = kept == containers.len();
    let start = |kept, opened, kind, cursor: &Cursor<'_>| {
        Ok(Start { kept, opened, kind, text_at: cursor.at, blanks: cursor.spare })
    };
    if let Open::Fence(fence) = open
        && containers[kept..].iter().all(|container| matches!(container, Container::Item(_)))
    {
        // Models indent code in lists badly: only a fence, or the end of a
        // quote, ends it.
        let kind = cursor.in_fence(fence)?;
        return start(containers.len(), Vec::new(), kind, &cursor);
    }
    if all && matches!(open, Open::Html) && !cursor.is_blank()? {
        return start(kept, Vec::new(), Kind::Html, &cursor);
    }
    let mut opened = Vec::new();
    loop {
        let first = opened.is_empty();
        let paragraph = first && matches!(open, Open::Paragraph | Open::Head(_));
        let depth = kept + opened.len();
        let block = Block { paragraph: paragraph && all, lazy: paragraph && !all, deep: depth >= DEEPEST };
        let found = if all && first { cursor.in_open(open)? } else { None };
        let found = match found {
            Some(kind) => Found::Leaf(kind),
            None => cursor.block(block)?,
        };
        match found {
            Found::Container(container) => opened.push(container),
            Found::Leaf(kind) => {
                let kept = if kind == Kind::Continuation { containers.len() } else { kept };
                return start(kept, opened, kind, &cursor);
            }
        }
    }
}

/// Where a block may begin.
#[derive(Clone, Copy)]
struct Block {
    /// In a paragraph, which not everything may interrupt.
    paragraph: bool,
    /// Outside of the containers of a paragraph that may go on nevertheless.
    lazy: bool,
    /// No container may begin any more.
    deep: bool,
}

enum Found {
    Container(Container),
    Leaf(Kind),
}

/// A place in a line, in bytes and in columns.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    bytes: &'a [u8],
    complete: bool,
    at: usize,
    column: usize,
    /// Columns left of a tab that was used in part.
    spare: usize,
}

impl Cursor<'_> {
    /// The byte so far ahead; `None` at the line's end.
    fn peek(&self, ahead: usize) -> Decision<Option<u8>> {
        match self.bytes.get(self.at + ahead) {
            Some(byte) => Ok(Some(*byte)),
            None if self.complete => Ok(None),
            None => Err(Undecided),
        }
    }

    /// Columns of blanks ahead.
    fn indent(&self) -> Decision<usize> {
        let mut ahead = *self;
        while let Some(b' ' | b'\t') = ahead.peek(0)? {
            ahead.skip_columns(ahead.spare.max(1));
            ahead.skip_columns(ahead.spare);
        }
        Ok(ahead.column - self.column)
    }

    /// Passes blanks of so many columns, fewer where there are not that many.
    fn skip_columns(&mut self, columns: usize) {
        for _ in 0..columns {
            if self.spare > 0 {
                self.spare -= 1;
            } else {
                match self.bytes.get(self.at) {
                    Some(b' ') => {}
                    Some(b'\t') => self.spare = 3 - self.column % 4,
                    _ => return,
                }
                self.at += 1;
            }
            self.column += 1;
        }
    }

    fn skip_bytes(&mut self, count: usize) {
        self.at += count;
        self.column += count;
    }

    fn is_blank(&self) -> Decision<bool> {
        let mut ahead = 0;
        while let Some(b' ' | b'\t') = self.peek(ahead)? {
            ahead += 1;
        }
        Ok(self.peek(ahead)?.is_none())
    }

    /// How often `byte` stands ahead.
    fn run(&self, byte: u8) -> Decision<usize> {
        let mut length = 0;
        while self.peek(length)? == Some(byte) {
            length += 1;
        }
        Ok(length)
    }

    /// Whether only blanks follow so many bytes ahead.
    fn ends_after(&self, ahead: usize) -> Decision<bool> {
        let mut rest = *self;
        rest.at += ahead;
        rest.is_blank()
    }

    /// Passes the open containers that go on in this line; returns how many.
    fn containers(&mut self, containers: &[Container], in_fence: bool) -> Decision<usize> {
        for (index, container) in containers.iter().enumerate() {
            let indent = self.indent()?;
            let blank = self.is_blank()?;
            match container {
                Container::Quote => {
                    let mut ahead = *self;
                    ahead.skip_columns(indent);
                    if indent > 3 || ahead.peek(0)? != Some(b'>') {
                        return Ok(index);
                    }
                    *self = ahead;
                    self.quote_mark()?;
                }
                Container::Item(item) if blank || indent >= item.indent => self.skip_columns(item.indent),
                // A bullet under a number is often indented by two columns only.
                Container::Item(item)
                    if !in_fence && item.number.is_some() && indent >= 2 && self.is_bullet(indent)? =>
                {
                    self.skip_columns(indent);
                }
                Container::Item(_) => return Ok(index),
            }
        }
        Ok(containers.len())
    }

    fn quote_mark(&mut self) -> Decision<()> {
        self.skip_bytes(1);
        if let Some(b' ' | b'\t') = self.peek(0)? {
            self.skip_columns(1);
        }
        Ok(())
    }

    fn is_bullet(&self, indent: usize) -> Decision<bool> {
        let mut ahead = *self;
        ahead.skip_columns(indent);
        Ok(matches!(ahead.peek(0)?, Some(b'-' | b'*' | b'+')) && matches!(ahead.peek(1)?, Some(b' ' | b'\t')))
    }

    fn in_fence(&mut self, fence: &Fence) -> Decision<Kind> {
        let indent = self.indent()?;
        let mut ahead = *self;
        ahead.skip_columns(indent);
        if indent < fence.indent + 4 && ahead.peek(0)? == Some(fence.mark) {
            let length = ahead.run(fence.mark)?;
            if length >= fence.length && ahead.ends_after(length)? {
                return Ok(Kind::FenceEnd);
            }
        }
        self.skip_columns(fence.indent);
        Ok(Kind::Code)
    }

    /// What only goes on where something is open.
    fn in_open(&mut self, open: Open<'_>) -> Decision<Option<Kind>> {
        let indent = self.indent()?;
        if indent > 3 {
            return Ok(None);
        }
        let mut ahead = *self;
        ahead.skip_columns(indent);
        let first = ahead.peek(0)?;
        match (open, first) {
            (Open::Head(columns), Some(b'|' | b'-' | b':')) => {
                if let Some(aligns) = ahead.delimiters()?
                    && aligns.len() == columns
                {
                    return Ok(Some(Kind::Delimiter(aligns)));
                }
            }
            (Open::Paragraph | Open::Head(_), Some(mark @ (b'=' | b'-'))) => {
                let length = ahead.run(mark)?;
                if ahead.ends_after(length)? {
                    return Ok(Some(Kind::Underline(mark)));
                }
            }
            _ => {}
        }
        Ok(None)
    }

    /// A block or a container that begins here.
    fn block(&mut self, block: Block) -> Decision<Found> {
        if self.is_blank()? {
            return Ok(Found::Leaf(Kind::Blank));
        }
        let going_on = block.paragraph || block.lazy;
        let text = if going_on { Kind::Continuation } else { Kind::Paragraph };
        let indent = self.indent()?;
        if indent > 3 {
            if going_on {
                self.skip_columns(indent);
                return Ok(Found::Leaf(text));
            }
            return Ok(Found::Leaf(Kind::Indented));
        }
        let before = *self;
        self.skip_columns(indent);
        let Some(first) = self.peek(0)? else { return Ok(Found::Leaf(Kind::Blank)) };
        let leaf = match first {
            b'>' if !block.deep => {
                self.quote_mark()?;
                return Ok(Found::Container(Container::Quote));
            }
            b'-' | b'*' | b'_' if self.is_rule(first)? => Some(Kind::Rule),
            b'-' | b'*' | b'+' | b'0'..=b'9' if !block.deep => {
                if let Some(item) = self.item(indent, block.paragraph)? {
                    return Ok(Found::Container(Container::Item(item)));
                }
                None
            }
            b'#' => self.heading()?,
            b'`' | b'~' => self.fence(first, indent)?.map(Kind::Fence),
            b'|' if !block.lazy => Some(Kind::Row),
            b'<' if !going_on && self.is_html()? => {
                *self = before;
                Some(Kind::Html)
            }
            _ => None,
        };
        Ok(Found::Leaf(leaf.unwrap_or(text)))
    }

    /// Three or more of the same mark, and nothing else.
    fn is_rule(&self, mark: u8) -> Decision<bool> {
        let (mut ahead, mut marks) = (0, 0);
        while let Some(byte) = self.peek(ahead)? {
            match byte {
                b' ' | b'\t' => {}
                _ if byte == mark => marks += 1,
                _ => return Ok(false),
            }
            ahead += 1;
        }
        Ok(marks >= 3)
    }

    fn heading(&mut self) -> Decision<Option<Kind>> {
        // Seven are text, so no more need be looked at.
        let mut level = 0;
        while level <= 6 && self.peek(level)? == Some(b'#') {
            level += 1;
        }
        if level > 6 || !matches!(self.peek(level)?, None | Some(b' ' | b'\t')) {
            return Ok(None);
        }
        self.skip_bytes(level);
        Ok(Some(Kind::Heading(level)))
    }

    fn fence(&mut self, mark: u8, indent: usize) -> Decision<Option<Fence>> {
        let length = self.run(mark)?;
        if length < 3 {
            return Ok(None);
        }
        let mut end = length;
        while let Some(byte) = self.peek(end)? {
            if mark == b'`' && byte == b'`' {
                return Ok(None);
            }
            end += 1;
        }
        let info = String::from_utf8_lossy(&self.bytes[self.at + length..self.at + end]).trim().to_owned();
        self.skip_bytes(end);
        Ok(Some(Fence { mark, length, indent, info }))
    }

    fn item(&mut self, indent: usize, in_paragraph: bool) -> Decision<Option<Item>> {
        let mut digits = 0;
        while digits < 10 && self.peek(digits)?.is_some_and(|byte| byte.is_ascii_digit()) {
            digits += 1;
        }
        let number = std::str::from_utf8(&self.bytes[self.at..self.at + digits]).unwrap_or_default();
        let number = number.parse::<u32>().ok();
        let Some(mark) = self.peek(digits)? else { return Ok(None) };
        let marks: &[u8] = if digits > 0 { b".)" } else { b"-*+" };
        if digits > 9
            || !marks.contains(&mark)
            || !matches!(self.peek(digits + 1)?, None | Some(b' ' | b'\t'))
        {
            return Ok(None);
        }
        let mut ahead = *self;
        ahead.skip_bytes(digits + 1);
        let empty = ahead.is_blank()?;
        // A paragraph is interrupted only by what is surely a list.
        if in_paragraph && (empty || number.is_some_and(|number| number != 1)) {
            return Ok(None);
        }
        let blanks = ahead.indent()?;
        let blanks = if empty || blanks > 4 { 1 } else { blanks };
        ahead.skip_columns(blanks);
        let task = ahead.task()?;
        *self = ahead;
        Ok(Some(Item { indent: indent + digits + 1 + blanks, mark, number, task }))
    }

    /// The box of a task, which is passed.
    fn task(&mut self) -> Decision<Option<bool>> {
        if self.peek(0)? != Some(b'[') {
            return Ok(None);
        }
        let done = match self.peek(1)? {
            Some(b' ') => false,
            Some(b'x' | b'X') => true,
            _ => return Ok(None),
        };
        if self.peek(2)? != Some(b']') || !matches!(self.peek(3)?, Some(b' ' | b'\t')) {
            return Ok(None);
        }
        self.skip_bytes(3);
        self.skip_columns(1);
        Ok(Some(done))
    }

    /// `|:--|--:|`, whole.
    fn delimiters(&self) -> Decision<Option<Vec<Align>>> {
        let mut end = 0;
        while let Some(byte) = self.peek(end)? {
            if !matches!(byte, b'|' | b'-' | b':' | b' ' | b'\t') {
                return Ok(None);
            }
            end += 1;
        }
        let text = String::from_utf8_lossy(&self.bytes[self.at..self.at + end]);
        let text = text.trim();
        let text = text.strip_prefix('|').unwrap_or(text);
        let cells = text.strip_suffix('|').unwrap_or(text).split('|').map(|cell| {
            let cell = cell.trim();
            let align = match (cell.starts_with(':'), cell.ends_with(':')) {
                (true, true) => Align::Center,
                (false, true) => Align::Right,
                _ => Align::Left,
            };
            let dashes = cell.trim_matches(':');
            (!dashes.is_empty() && dashes.bytes().all(|b| b == b'-')).then_some(align)
        });
        Ok(cells.collect())
    }

    /// A tag that makes a block: its lines are shown as they are.
    fn is_html(&self) -> Decision<bool> {
        let mut ahead = 1;
        match self.peek(ahead)? {
            Some(b'!') => return Ok(self.peek(2)? == Some(b'-') && self.peek(3)? == Some(b'-')),
            Some(b'/') => ahead += 1,
            _ => {}
        }
        let start = self.at + ahead;
        while ahead < 16 && self.peek(ahead)?.is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            ahead += 1;
        }
        let name = self.bytes[start..self.at + ahead].to_ascii_lowercase();
        Ok(BLOCK_TAGS.iter().any(|tag| tag.as_bytes() == name)
            && matches!(self.peek(ahead)?, None | Some(b' ' | b'\t' | b'>' | b'/')))
    }
}

/// Tags that hold blocks, as far as models write them.
const BLOCK_TAGS: [&str; 40] = [
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "head",
    "header",
    "hr",
    "html",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "script",
    "section",
    "style",
    "summary",
    "table",
    "tbody",
    "td",
    "th",
    "tr",
    "ul",
];
