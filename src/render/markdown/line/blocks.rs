//! What a block or a container looks like at its beginning.

use super::cursor::Cursor;
use super::{Align, Container, Decision, Fence, Item, Kind, Open};

/// Where a block may begin.
#[derive(Clone, Copy)]
pub(super) struct Block {
    /// In a paragraph, which not everything may interrupt.
    pub(super) paragraph: bool,
    /// Outside of the containers of a paragraph that may go on nevertheless.
    pub(super) lazy: bool,
    /// No container may begin any more.
    pub(super) deep: bool,
}

pub(super) enum Found {
    Container(Container),
    Leaf(Kind),
}

impl Cursor<'_> {
    /// A line while a fence is open; `None` where the quote around it ended.
    /// Nothing else but a fence ends it: models indent code in lists badly.
    pub(super) fn in_fence(&mut self, containers: &[Container], fence: &Fence) -> Decision<Option<Kind>> {
        let quotes = containers.iter().rposition(|container| *container == Container::Quote);
        let strict = if fence.outdented { quotes.map_or(0, |last| last + 1) } else { containers.len() };
        let begin = *self;
        let kept = self.containers(&containers[..strict], true)?;
        if quotes.is_some_and(|last| kept <= last) {
            *self = begin;
            return Ok(None);
        }
        let lacking = containers[kept..].iter().map(|container| match container {
            Container::Quote => 0,
            Container::Item(item) => item.indent,
        });
        let indent = self.indent()?;
        let mut ahead = *self;
        ahead.skip_columns(indent);
        if indent < fence.indent + lacking.sum::<usize>() + 4 && ahead.peek(0)? == Some(fence.mark) {
            let length = ahead.run(fence.mark)?;
            if length >= fence.length && ahead.ends_after(length)? {
                return Ok(Some(Kind::FenceEnd));
            }
        }
        let outdented = kept < containers.len();
        if !outdented {
            self.skip_columns(fence.indent);
        }
        Ok(Some(Kind::Code { outdented }))
    }

    /// What only goes on where something is open.
    pub(super) fn in_open(&mut self, open: Open<'_>) -> Decision<Option<Kind>> {
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
    pub(super) fn block(&mut self, block: Block) -> Decision<Found> {
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
    pub(super) fn is_rule(&self, mark: u8) -> Decision<bool> {
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

    pub(super) fn heading(&mut self) -> Decision<Option<Kind>> {
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

    /// Whether three marks of a fence stand ahead.
    pub(super) fn is_fence(&self) -> Decision<bool> {
        let mut ahead = *self;
        ahead.skip_columns(self.indent()?);
        for mark in [b'`', b'~'] {
            if ahead.peek(0)? == Some(mark) {
                return Ok(ahead.peek(1)? == Some(mark) && ahead.peek(2)? == Some(mark));
            }
        }
        Ok(false)
    }

    pub(super) fn fence(&mut self, mark: u8, indent: usize) -> Decision<Option<Fence>> {
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
        Ok(Some(Fence { mark, length, indent, info, outdented: false }))
    }

    pub(super) fn item(&mut self, indent: usize, in_paragraph: bool) -> Decision<Option<Item>> {
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
    pub(super) fn task(&mut self) -> Decision<Option<bool>> {
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
    pub(super) fn delimiters(&self) -> Decision<Option<Vec<Align>>> {
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
    pub(super) fn is_html(&self) -> Decision<bool> {
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
