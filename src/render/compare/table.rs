//! A comparison as a table: a column a lane.

use super::answer;
use super::fold::{Fold, Line, fold};
use super::sheet::{Cell, Figure, LaneHead, Sheet};
use crate::comparison::Comparison;
use crate::render::output::{Output, Paint};
use unicode_width::UnicodeWidthStr as _;

/// Narrower columns are no pleasure to read.
const LEAST_LANE: usize = 24;

/// What parts two columns.
const BAR: &str = " │ ";

/// Behind longer answers the names stand once more, above the figures.
const MANY_LINES: usize = 20;

/// The table; `None` where its columns would be too narrow to be read.
pub(super) fn table(comparison: &Comparison, sheet: &Sheet, output: &Output) -> Option<String> {
    let label = Figure::ALL.iter().map(|figure| figure.name().width()).max()?;
    let count = comparison.lanes.len();
    let lane = output.width.checked_sub(label)?.checked_div(count)?.checked_sub(BAR.width())?;
    let grid = Grid { label, lane, count, output };
    if lane < LEAST_LANE {
        return None;
    }
    let heads: Vec<Vec<Line>> = sheet.lanes.iter().map(|head| grid.head(head)).collect();
    let answers: Vec<Vec<Line>> =
        comparison.lanes.iter().map(|result| answer::with_remarks(result, lane, output)).collect();
    let mut out = String::new();
    grid.row("model", &heads, &mut out);
    grid.rule(&mut out);
    grid.row("answer", &answers, &mut out);
    grid.rule(&mut out);
    if answers.iter().any(|lines| lines.len() > MANY_LINES) {
        grid.row("model", &heads, &mut out);
        grid.rule(&mut out);
    }
    for row in &sheet.rows {
        let cells: Vec<Vec<Line>> = row.cells.iter().map(|cell| grid.cell(cell)).collect();
        grid.row(row.name, &cells, &mut out);
    }
    Some(out)
}

struct Grid<'o> {
    label: usize,
    lane: usize,
    count: usize,
    output: &'o Output,
}

impl Grid<'_> {
    fn head(&self, head: &LaneHead) -> Vec<Line> {
        let mut lines = fold(&self.output.paint_stdout(&head.name, Paint::Bold), self.lane, Fold::Name);
        if let Some(by) = &head.answered_by {
            let by = self.output.paint_stdout(&format!("answered by {by}"), Paint::Dim);
            lines.extend(fold(&by, self.lane, Fold::Words));
        }
        lines
    }

    fn cell(&self, cell: &Cell) -> Vec<Line> {
        fold(&figure(cell, self.output), self.lane, Fold::Words)
    }

    fn row(&self, label: &str, cells: &[Vec<Line>], out: &mut String) {
        let height = cells.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let bar = self.output.paint_stdout(BAR, Paint::Dim);
        let last_bar = self.output.paint_stdout(BAR.trim_end(), Paint::Dim);
        for at in 0..height {
            let label = if at == 0 { label } else { "" };
            let padding = self.label - label.width();
            out.push_str(&self.output.paint_stdout(label, Paint::Dim));
            out.extend(std::iter::repeat_n(' ', padding));
            for (column, lines) in cells.iter().enumerate() {
                let (text, width) = lines.get(at).map_or(("", 0), |line| (line.text.as_str(), line.width));
                let last = column + 1 == cells.len();
                out.push_str(if last && text.is_empty() { &last_bar } else { &bar });
                out.push_str(text);
                if !last {
                    out.extend(std::iter::repeat_n(' ', self.lane.saturating_sub(width)));
                }
            }
            out.push('\n');
        }
    }

    fn rule(&self, out: &mut String) {
        let lane = format!("─┼─{}", "─".repeat(self.lane));
        let rule = "─".repeat(self.label) + &lane.repeat(self.count);
        out.push_str(&self.output.paint_stdout(&rule, Paint::Dim));
        out.push('\n');
    }
}

/// A figure with its mark and its note: `0.21 s * (± 0.02 s, n 5)`.
pub(super) fn figure(cell: &Cell, output: &Output) -> String {
    let mut text = if cell.best {
        output.paint_stdout(&format!("{} *", cell.text), Paint::Green)
    } else {
        cell.text.clone()
    };
    if let Some(note) = &cell.note {
        text.push(' ');
        text.push_str(&output.paint_stdout(&format!("({note})"), Paint::Dim));
    }
    text
}
