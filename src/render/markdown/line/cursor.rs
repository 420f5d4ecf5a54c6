//! A place in a line that may not be complete.

use super::{Container, Decision, Undecided};

/// A place in a line, in bytes and in columns.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) complete: bool,
    pub(super) at: usize,
    pub(super) column: usize,
    /// Columns left of a tab that was used in part.
    pub(super) spare: usize,
}

impl Cursor<'_> {
    /// The byte so far ahead; `None` at the line's end.
    pub(super) fn peek(&self, ahead: usize) -> Decision<Option<u8>> {
        match self.bytes.get(self.at + ahead) {
            Some(byte) => Ok(Some(*byte)),
            None if self.complete => Ok(None),
            None => Err(Undecided),
        }
    }

    /// Columns of blanks ahead.
    pub(super) fn indent(&self) -> Decision<usize> {
        let mut ahead = *self;
        while let Some(b' ' | b'\t') = ahead.peek(0)? {
            ahead.skip_columns(ahead.spare.max(1));
            ahead.skip_columns(ahead.spare);
        }
        Ok(ahead.column - self.column)
    }

    /// Passes blanks of so many columns, fewer where there are not that many.
    pub(super) fn skip_columns(&mut self, columns: usize) {
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

    pub(super) fn skip_bytes(&mut self, count: usize) {
        self.at += count;
        self.column += count;
    }

    pub(super) fn is_blank(&self) -> Decision<bool> {
        let mut ahead = 0;
        while let Some(b' ' | b'\t') = self.peek(ahead)? {
            ahead += 1;
        }
        Ok(self.peek(ahead)?.is_none())
    }

    /// How often `byte` stands ahead.
    pub(super) fn run(&self, byte: u8) -> Decision<usize> {
        let mut length = 0;
        while self.peek(length)? == Some(byte) {
            length += 1;
        }
        Ok(length)
    }

    /// Whether only blanks follow so many bytes ahead.
    pub(super) fn ends_after(&self, ahead: usize) -> Decision<bool> {
        let mut rest = *self;
        rest.at += ahead;
        rest.is_blank()
    }

    /// Passes the open containers that go on in this line; returns how many.
    pub(super) fn containers(&mut self, containers: &[Container], in_fence: bool) -> Decision<usize> {
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

    pub(super) fn quote_mark(&mut self) -> Decision<()> {
        self.skip_bytes(1);
        if let Some(b' ' | b'\t') = self.peek(0)? {
            self.skip_columns(1);
        }
        Ok(())
    }

    pub(super) fn is_bullet(&self, indent: usize) -> Decision<bool> {
        let mut ahead = *self;
        ahead.skip_columns(indent);
        Ok(matches!(ahead.peek(0)?, Some(b'-' | b'*' | b'+')) && matches!(ahead.peek(1)?, Some(b' ' | b'\t')))
    }
}
