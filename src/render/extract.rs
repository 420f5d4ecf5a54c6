//! The first fenced code block of a Markdown text.
//!
//! Fences are those of `CommonMark` 0.31 (4.5), read leniently where models
//! write them loosely: within a list item a fence may be indented as deeply as
//! it likes, and lines of its content less deeply than it.

use std::borrow::Cow;

/// The content of the first fenced block: without the fences, without their
/// indentation, with its last newline. A block that is never closed has all
/// that follows. `None` where there is no fence.
pub fn first_code_block(markdown: &str) -> Option<Cow<'_, str>> {
    let mut list = None;
    let mut after_blank = true;
    let mut start = 0;
    for line in markdown.split_inclusive('\n') {
        start += line.len();
        if let Some(fence) = Fence::open(line, &mut list, after_blank) {
            return Some(content(&markdown[start..], &fence));
        }
        after_blank = line.trim_ascii().is_empty();
    }
    None
}

fn content<'t>(text: &'t str, fence: &Fence) -> Cow<'t, str> {
    let lines = text.split_inclusive('\n').map(|line| unquote(line, fence.quotes));
    let inside = lines
        .take_while(|(quotes, line)| *quotes == fence.quotes && !fence.is_closed_by(line))
        .map(|(_, line)| line);
    if fence.quotes == 0 && fence.indent == 0 {
        return Cow::Borrowed(&text[..inside.map(str::len).sum()]);
    }
    Cow::Owned(inside.map(|line| dedent(line, fence.indent)).collect())
}

/// An opening fence.
struct Fence {
    /// A backtick or a tilde.
    mark: char,
    /// How many of them.
    length: usize,
    /// How many `>` stand before it, and before each line of its content.
    quotes: usize,
    /// The column that it stands in.
    indent: usize,
    /// The last column that a closing fence may stand in.
    last_column: usize,
}

impl Fence {
    /// Reads a line outside of code. `list` is the column where the text of the
    /// outermost open list item begins.
    fn open(line: &str, list: &mut Option<usize>, after_blank: bool) -> Option<Self> {
        let (quotes, line) = unquote(line, usize::MAX);
        let (mut column, mut rest) = indentation(line);
        if rest.is_empty() {
            return None;
        }
        // A line that is neither indented nor set apart goes on with its item.
        if after_blank && list.is_some_and(|inside| column < inside) {
            *list = None;
        }
        if column > 3 && list.is_none() {
            return None;
        }
        while let Some(width) = marker(rest) {
            let (blanks, text) = indentation(&rest[width..]);
            column += width + blanks;
            list.get_or_insert(column);
            rest = text;
        }
        let mark = rest.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let info = rest.trim_start_matches(mark);
        let length = rest.len() - info.len();
        // Backticks behind backticks are code within a line.
        if length < 3 || (mark == '`' && info.contains('`')) {
            return None;
        }
        let last_column = if list.is_some() { column + 3 } else { 3 };
        Some(Self { mark, length, quotes, indent: column, last_column })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let (column, rest) = indentation(line);
        let behind = rest.trim_start_matches(self.mark);
        column <= self.last_column && rest.len() - behind.len() >= self.length && behind.is_empty()
    }
}

/// Takes the marks of block quotes off a line, so many at most; how many there
/// were, and the rest.
fn unquote(line: &str, most: usize) -> (usize, &str) {
    let (mut quotes, mut rest) = (0, line);
    while quotes < most {
        let text = rest.trim_start_matches(' ');
        let Some(quoted) = text.strip_prefix('>').filter(|_| rest.len() - text.len() <= 3) else { break };
        rest = quoted.strip_prefix(' ').unwrap_or(quoted);
        quotes += 1;
    }
    (quotes, rest)
}

/// How many columns a line is indented, and its text without blanks at its ends.
/// A tab reaches to the next multiple of four.
fn indentation(line: &str) -> (usize, &str) {
    let text = line.trim_start_matches([' ', '\t']);
    let columns = line[..line.len() - text.len()]
        .bytes()
        .fold(0, |column, blank| if blank == b'\t' { column / 4 * 4 + 4 } else { column + 1 });
    (columns, text.trim_ascii_end())
}

/// The width of a list marker that is followed by a blank: `-`, `*`, `+`, `1.`, `1)`.
fn marker(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).take(10).count();
    let bytes = text.as_bytes();
    let width = match (digits, bytes.get(digits)?) {
        (0, b'-' | b'*' | b'+') => 1,
        (1..=9, b'.' | b')') => digits + 1,
        _ => return None,
    };
    matches!(bytes.get(width), Some(b' ' | b'\t')).then_some(width)
}

/// A line without at most so many columns of its indentation.
fn dedent(line: &str, columns: usize) -> &str {
    let mut column = 0;
    for (at, c) in line.char_indices() {
        column = match c {
            ' ' => column + 1,
            '\t' => column / 4 * 4 + 4,
            _ => return &line[at..],
        };
        if column > columns {
            return &line[at..];
        }
    }
    ""
}

#[cfg(test)]
mod tests;
