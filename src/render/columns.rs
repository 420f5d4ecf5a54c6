//! Aligned columns of text: what lists are made of.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::compare::escaped;

/// Columns between two columns.
pub const GAP: usize = 2;

/// How a cell is fitted into the width of its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the left; of a wider one the beginning is shown.
    Left,
    /// At the left; of a wider one the end is shown.
    End,
    /// At the right, and whole.
    Right,
    /// At the left, and whole: a wider one stands on a line of its own, and
    /// the rest of its row follows beneath.
    Whole,
}

/// One column: a cell a row.
#[derive(Clone, Debug)]
pub struct Column {
    /// The cells, each of one line and without control characters.
    pub cells: Vec<String>,
    /// Its width on the terminal. 0: not shown.
    pub width: usize,
    /// How its cells are placed.
    pub place: Place,
}

impl Column {
    /// A column as wide as its widest cell.
    pub fn new(cells: Vec<String>, place: Place) -> Self {
        let width = cells.iter().map(|cell| cell.width()).max().unwrap_or(0);
        Self { cells, width, place }
    }
}

/// What the shown columns take up, with a gap behind each.
pub fn taken(columns: &[Column]) -> usize {
    columns.iter().filter(|column| column.width > 0).map(|column| column.width + GAP).sum()
}

/// The rows as lines without blanks at their ends.
pub fn rows(columns: &[Column], count: usize) -> Vec<String> {
    let shown: Vec<&Column> = columns.iter().filter(|column| column.width > 0).collect();
    let mut lines = Vec::with_capacity(count);
    for row in 0..count {
        let mut line = String::new();
        for (at, column) in shown.iter().enumerate() {
            if at > 0 {
                line.push_str("  ");
            }
            let cell = &column.cells[row];
            if column.place == Place::Whole && cell.width() > column.width {
                lines.push(format!("{line}{cell}"));
                line = " ".repeat(line.width() + column.width);
            } else {
                line.push_str(&placed(cell, column.width, column.place));
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// As much of a line as fits into a width.
pub fn fitted(line: &str, width: usize) -> String {
    placed(line, width, Place::Left).trim_end().to_owned()
}

/// The rows as a Markdown table, whole and with their first as its head.
pub fn markdown(columns: &[Column], count: usize) -> String {
    let row = |at: usize| {
        let cells = columns.iter().map(|column| format!(" {} |", escaped(&column.cells[at])));
        format!("|{}\n", cells.collect::<String>())
    };
    let rules = columns.iter().map(|column| if column.place == Place::Right { "--:|" } else { ":--|" });
    let rules = format!("|{}\n", rules.collect::<String>());
    (0..count).map(|at| if at == 0 { row(at) + &rules } else { row(at) }).collect()
}

/// A filter keeps tabs and line breaks, which have no place in a column.
pub fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn placed(cell: &str, width: usize, place: Place) -> String {
    let room = width.saturating_sub(cell.width());
    match place {
        Place::Right => format!("{}{cell}", " ".repeat(room)),
        Place::Left if cell.width() > width => padded(cut(cell.chars(), width) + "…", width),
        Place::End if cell.width() > width => {
            let last: String = cut(cell.chars().rev(), width).chars().rev().collect();
            padded(format!("…{last}"), width)
        }
        Place::Left | Place::End | Place::Whole => padded(cell.to_owned(), width),
    }
}

fn padded(shown: String, width: usize) -> String {
    let fill = " ".repeat(width.saturating_sub(shown.width()));
    shown + &fill
}

/// As many letters as leave room for `…`. Letters that join are narrower
/// than their sum, never wider.
fn cut(letters: impl Iterator<Item = char>, width: usize) -> String {
    let mut room = width.saturating_sub(1);
    let fits = |letter: &char| {
        let wide = letter.width().unwrap_or(0);
        let fits = wide <= room;
        room = room.saturating_sub(wide);
        fits
    };
    letters.take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_cut_or_stand_alone_as_their_column_says() {
        let cells = || vec!["short".to_owned(), "a long name".to_owned()];
        let shown = |place| {
            let named = Column { width: 6, ..Column::new(cells(), place) };
            rows(&[named, Column::new(vec!["1".to_owned(), "22".to_owned()], Place::Right)], 2).join("\n")
        };
        assert_eq!(shown(Place::Left), "short    1\na lon…  22");
        assert_eq!(shown(Place::End), "short    1\n… name  22");
        assert_eq!(shown(Place::Whole), "short    1\na long name\n        22");
    }

    #[test]
    fn markdown_has_a_head_and_nothing_that_ends_a_cell() {
        let cells = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let columns = [
            Column::new(cells(["model", "a|b_c", "<img>"]), Place::End),
            Column { width: 0, ..Column::new(cells(["cost", "$1", "?"]), Place::Right) },
        ];
        assert_eq!(
            markdown(&columns, 3),
            "| model | cost |\n|:--|--:|\n| a\\|b\\_c | \\$1 |\n| \\<img\\> | ? |\n"
        );
    }
}
