//! What a line begins, read from as little of it as will do.
//!
//! The reader works on a line that may not be complete. Asking for a byte that
//! has not come is [`Undecided`], and the caller comes back with more. What was
//! decided once stays so whatever follows, so it does not matter how the text
//! was cut into pieces.

mod blocks;
mod cursor;

use blocks::{Block, Found};
use cursor::Cursor;

/// More of the line must come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) struct Undecided;

type Decision<T> = Result<T, Undecided>;

/// The deepest nesting of quotes and lists; a marker beyond is text.
const DEEPEST: usize = 24;

/// What encloses blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Container {
    /// A `>`.
    Quote,
    /// An item of a list.
    Item(Item),
}

/// An item of a list, as its marker says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) struct Item {
    /// Columns from the enclosing container's text to this one's.
    pub(in crate::render) indent: usize,
    /// `-`, `+`, `*`, or what stands behind a number: `.` or `)`.
    pub(in crate::render) mark: u8,
    /// The number as written; `None` for a bullet.
    pub(in crate::render) number: Option<u32>,
    /// Whether a task is done; `None` for what is no task.
    pub(in crate::render) task: Option<bool>,
}

/// The fence of a code block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::render) struct Fence {
    pub(in crate::render) mark: u8,
    pub(in crate::render) length: usize,
    /// Columns before it, which its lines lose as well.
    pub(in crate::render) indent: usize,
    /// What stands behind it.
    pub(in crate::render) info: String,
    /// A line of its code lacked the indent of the list around it, so none is
    /// taken from the rest: models indent all of a block or nothing.
    pub(in crate::render) outdented: bool,
}

/// How a column of a table is aligned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::render) enum Align {
    Left,
    Center,
    Right,
}

/// What the lines before have begun.
#[derive(Clone, Copy, Debug)]
pub(in crate::render) enum Open<'a> {
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
pub(in crate::render) enum Kind {
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
    /// A line within a fence, and whether it lacks the indent of a list.
    Code {
        outdented: bool,
    },
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
pub(in crate::render) struct Start {
    /// How many of the open containers go on.
    pub(in crate::render) kept: usize,
    /// Those that begin here.
    pub(in crate::render) opened: Vec<Container>,
    pub(in crate::render) kind: Kind,
    /// Where the text begins, in bytes.
    pub(in crate::render) text_at: usize,
    /// Blanks that stand before it, left of a tab.
    pub(in crate::render) blanks: usize,
}

/// Reads the beginning of a line.
pub(in crate::render) fn read(
    line: &str,
    complete: bool,
    containers: &[Container],
    open: Open<'_>,
) -> Decision<Start> {
    let mut cursor = Cursor { bytes: line.as_bytes(), complete, at: 0, column: 0, spare: 0 };
    let start = |kept, opened, kind, cursor: &Cursor<'_>| {
        Ok(Start { kept, opened, kind, text_at: cursor.at, blanks: cursor.spare })
    };
    if let Open::Fence(fence) = open
        && let Some(kind) = cursor.in_fence(containers, fence)?
    {
        return start(containers.len(), Vec::new(), kind, &cursor);
    }
    let kept = cursor.containers(containers, false)?;
    let all = kept == containers.len();
    // Unlike CommonMark, a fence ends HTML: models leave no blank line between.
    if all && matches!(open, Open::Html) && !cursor.is_blank()? && !cursor.is_fence()? {
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
