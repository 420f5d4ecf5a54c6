//! Tables: kept until they end, since only then their columns are known, then
//! laid out to the width. One too wide for its words becomes cards.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::Style;
use super::face::Face;
use super::inline::{Inline, Sink as _};
use super::line::Align;
use super::wrap::Writer;

/// The most bytes of rows that are kept; more are shown as a table of their own.
const MOST_BYTES: usize = 256 * 1024;

/// Columns are not made narrower than this, or than their longest word.
const NARROWEST: usize = 8;

/// Wide enough for any cell to stay on one line.
const UNBOUNDED: usize = usize::MAX / 4;

#[derive(Debug)]
pub(super) struct Table {
    head: Vec<String>,
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
    bytes: usize,
    /// Its head was shown already.
    continued: bool,
}

/// The cells of a line between bars; `\|` is no bar.
pub(super) fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let mut cells = vec![String::new()];
    let mut chars = line.strip_prefix('|').unwrap_or(line).chars().peekable();
    while let Some(c) = chars.next() {
        match (c, cells.last_mut()) {
            ('|', _) if chars.peek().is_none() => {}
            ('|', _) => cells.push(String::new()),
            ('\\', Some(cell)) => match chars.next_if_eq(&'|') {
                Some(bar) => cell.push(bar),
                None => {
                    cell.push('\\');
                    cell.extend(chars.next());
                }
            },
            (c, Some(cell)) => cell.push(c),
            (_, None) => {}
        }
    }
    cells.iter().map(|cell| line_breaks(cell.trim())).collect()
}

/// `<br>` is the only way to end a line in a cell.
fn line_breaks(cell: &str) -> String {
    let mut text = cell.to_owned();
    for tag in ["<br>", "<br/>", "<br />", "<BR>"] {
        if text.contains(tag) {
            text = text.replace(tag, "\n");
        }
    }
    text
}

impl Table {
    pub(super) fn new(head: Vec<String>, aligns: Vec<Align>) -> Self {
        Self { head, aligns, rows: Vec::new(), bytes: 0, continued: false }
    }

    /// Takes a row; shows what there is where it would become too much.
    pub(super) fn row(&mut self, line: &str, style: Style, writer: &mut Writer) {
        let mut row = cells(line);
        // What has no column of its own goes into the last one: nothing is lost.
        if row.len() > self.head.len() {
            let rest = row.split_off(self.head.len()).join(" | ");
            if let Some(last) = row.last_mut() {
                let _ = write!(last, " | {rest}");
            }
        }
        row.resize(self.head.len(), String::new());
        self.bytes += line.len();
        self.rows.push(row);
        if self.bytes > MOST_BYTES {
            self.show(style, writer);
            self.rows.clear();
            self.bytes = 0;
            self.continued = true;
        }
    }

    /// Writes the table.
    pub(super) fn show(&self, style: Style, writer: &mut Writer) {
        if self.continued && self.rows.is_empty() {
            return;
        }
        match self.widths(style, writer.room()) {
            Some(widths) => self.grid(&widths, style, writer),
            None => self.cards(style, writer),
        }
    }

    /// The width of each column; `None` where there is no room for them.
    fn widths(&self, style: Style, room: usize) -> Option<Vec<usize>> {
        let available = room.checked_sub(3 * (self.head.len() - 1))?;
        if style.accessible {
            return None;
        }
        let mut natural = Vec::with_capacity(self.head.len());
        let mut widths = Vec::with_capacity(self.head.len());
        for column in 0..self.head.len() {
            let lines = |width| {
                let head = lay(&self.head[column], Face::BOLD, width, style);
                let cells =
                    self.rows.iter().flat_map(move |row| lay(&row[column], Face::PLAIN, width, style));
                head.into_iter().chain(cells).map(|line| line.width).max().unwrap_or(0)
            };
            natural.push(lines(UNBOUNDED));
            widths.push(lines(1).max(NARROWEST).min(natural[column]));
        }
        let mut left = available.checked_sub(widths.iter().sum())?;
        // The narrowest grow first, until all text fits or no room is left.
        while left > 0 {
            let wanting = (0..widths.len()).filter(|column| widths[*column] < natural[*column]);
            let Some(narrowest) = wanting.min_by_key(|column| widths[*column]) else { break };
            widths[narrowest] += 1;
            left -= 1;
        }
        Some(widths)
    }

    fn grid(&self, widths: &[usize], style: Style, writer: &mut Writer) {
        let laid = |row: &[String], face| -> Vec<Vec<Line>> {
            row.iter().zip(widths).map(|(cell, width)| lay(cell, face, *width, style)).collect()
        };
        if !self.continued {
            self.grid_row(&laid(&self.head, Face::BOLD), widths, writer);
            grid_rule(widths, '━', "━┿━", writer);
        }
        let rows: Vec<_> = self.rows.iter().map(|row| laid(row, Face::PLAIN)).collect();
        // Where cells have several lines, rows must be told apart.
        let ruled = rows.iter().flatten().any(|cell| cell.len() > 1);
        for (index, row) in rows.iter().enumerate() {
            if ruled && index > 0 {
                grid_rule(widths, '─', "─┼─", writer);
            }
            self.grid_row(row, widths, writer);
        }
    }

    fn grid_row(&self, cells: &[Vec<Line>], widths: &[usize], writer: &mut Writer) {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        for at in 0..height {
            for (column, cell) in cells.iter().enumerate() {
                let (text, width) = cell.get(at).map_or(("", 0), |line| (line.text.as_str(), line.width));
                let padding = widths[column].saturating_sub(width);
                let before = match self.aligns[column] {
                    Align::Left => 0,
                    Align::Center => padding / 2,
                    Align::Right => padding,
                };
                let last = column + 1 == cells.len();
                let after = if last { 0 } else { padding - before };
                if column > 0 {
                    writer.raw(if last && text.is_empty() { "│" } else { "│ " }, Face::DIM);
                }
                let end = if last { "" } else { " " };
                writer.raw(&format!("{:before$}{text}{:after$}{end}", "", ""), Face::PLAIN);
            }
            writer.end_line();
        }
    }

    fn cards(&self, style: Style, writer: &mut Writer) {
        let name = |text: &str, writer: &mut Writer| {
            Inline::whole(text, Face::BOLD, !style.color, writer);
        };
        if self.rows.is_empty() {
            for head in &self.head {
                name(head, writer);
                writer.end_line();
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 || self.continued {
                writer.blank_line();
            }
            for (head, cell) in self.head.iter().zip(row) {
                if !head.is_empty() {
                    name(head, writer);
                    writer.text(": ", Face::PLAIN, false);
                }
                Inline::whole(cell, Face::PLAIN, !style.color, writer);
                writer.end_line();
            }
        }
    }
}

fn grid_rule(widths: &[usize], dash: char, cross: &str, writer: &mut Writer) {
    let dashes: Vec<String> = widths.iter().map(|width| dash.to_string().repeat(*width)).collect();
    writer.raw(&dashes.join(cross), Face::DIM);
    writer.end_line();
}

/// A line of a cell, with its escape sequences, and its width without them.
struct Line {
    text: String,
    width: usize,
}

/// A cell's lines at a width.
fn lay(cell: &str, face: Face, width: usize, style: Style) -> Vec<Line> {
    let mut writer = Writer::new(width, style.color, '│');
    Inline::whole(cell, face, !style.color, &mut writer);
    writer.close();
    let text = writer.take();
    text.lines().map(|line| Line { text: line.to_owned(), width: visible(line).width() }).collect()
}

/// A line without the sequences that [`Face::change`] writes; there are no others.
pub(super) fn visible(line: &str) -> String {
    let mut parts = line.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_end_at_bars_that_are_not_escaped() {
        assert_eq!(cells("| a | b |"), ["a", "b"]);
        assert_eq!(cells("| a \\| b | `c\\|d` |  | e"), ["a | b", "`c|d`", "", "e"]);
        assert_eq!(cells("| a<br>b |"), ["a\nb"]);
        assert_eq!(cells("| \\\\ |"), ["\\\\"]);
        assert_eq!(cells("|"), [""]);
    }
}
