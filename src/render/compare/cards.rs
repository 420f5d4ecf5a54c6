//! A comparison as cards: the answers one below the other, each under its
//! figures; and at the end all figures in one list.

use unicode_width::UnicodeWidthStr as _;

use super::answer;
use super::fold::{Fold, Line, fold};
use super::sheet::{Figure, Sheet};
use super::table::figure;
use crate::comparison::Comparison;
use crate::render::columns::{Column, GAP, Place, rows, taken};
use crate::render::output::{Output, Paint};

/// Between two facts of a line.
const BETWEEN: &str = " · ";

/// With fewer lanes the cards themselves are list enough.
const LEAST_FOR_LIST: usize = 3;

/// The cards.
pub(super) fn cards(comparison: &Comparison, sheet: &Sheet, output: &Output) -> String {
    let mut out = String::new();
    for (at, lane) in comparison.lanes.iter().enumerate() {
        head(sheet, at, output, &mut out);
        let text = answer::text(lane);
        if !text.trim().is_empty() {
            out.push('\n');
            write_lines(&answer::lines(text, output.width, output), &mut out);
        }
        let remarks = answer::remark_lines(lane, output.width, output);
        if !remarks.is_empty() {
            out.push('\n');
            write_lines(&remarks, &mut out);
        }
        out.push('\n');
    }
    if comparison.lanes.len() >= LEAST_FOR_LIST {
        out.push_str(&list(sheet, output));
        out.push('\n');
    }
    out
}

pub(super) fn write_lines(lines: &[Line], out: &mut String) {
    for line in lines {
        out.push_str(&line.text);
        out.push('\n');
    }
}

/// A lane's name and its figures.
pub(super) fn head(sheet: &Sheet, at: usize, output: &Output, out: &mut String) {
    let lane = &sheet.lanes[at];
    let dim = |text: &str| output.paint_stdout(text, Paint::Dim);
    let name = output.paint_stdout(&lane.name, Paint::Bold);
    let room = output.width.saturating_sub("── ".width() + lane.name.width());
    if room > 1 {
        let rest = "─".repeat(room - 1);
        out.push_str(&format!("{} {name} {}\n", dim("──"), dim(&rest)));
    } else {
        write_lines(&fold(&format!("{} {name}", dim("──")), output.width, Fold::Name), out);
    }
    let mut facts: Vec<String> = Vec::new();
    facts.extend(lane.answered_by.as_ref().map(|by| dim(&format!("answered by {by}"))));
    let figures = sheet.facts(at).map(|(name, cell)| format!("{} {}", dim(name), figure(cell, output)));
    facts.extend(figures);
    write_lines(&flow(&facts, output), out);
}

/// Facts in lines that are broken between facts.
fn flow(facts: &[String], output: &Output) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for fact in facts {
        let pieces = fold(fact, output.width, Fold::Words);
        let whole = pieces.len() == 1;
        for piece in pieces {
            match lines.last_mut() {
                Some(last) if whole && last.width + BETWEEN.width() + piece.width <= output.width => {
                    last.text.push_str(&output.paint_stdout(BETWEEN, Paint::Dim));
                    last.text.push_str(&piece.text);
                    last.width += BETWEEN.width() + piece.width;
                }
                _ => lines.push(piece),
            }
        }
    }
    lines
}

/// A line a lane, with as many figures as fit.
fn list(sheet: &Sheet, output: &Output) -> String {
    // The first to go where there is no room stands last.
    const FIGURES: [Figure; 6] =
        [Figure::FirstWord, Figure::Cost, Figure::Total, Figure::Speed, Figure::Finish, Figure::Output];
    // Names are long; a figure fewer is better than every name on a line of its own.
    let least_name = (output.width / 3).clamp(16, 40);
    let mut columns = vec![column("model", sheet.lanes.iter().map(|lane| lane.name.clone()), Place::Whole)];
    let mut chosen: Vec<Figure> = Vec::new();
    let mut left = output.width.saturating_sub(columns[0].width.min(least_name));
    for figure in FIGURES {
        let width = figure_column(sheet, figure).map_or(0, |column| column.width + GAP);
        if width > left {
            break;
        }
        left -= width;
        chosen.push(figure);
    }
    columns.extend(
        Figure::ALL
            .into_iter()
            .filter(|figure| chosen.contains(figure))
            .filter_map(|f| figure_column(sheet, f)),
    );
    let excess = taken(&columns).saturating_sub(GAP + output.width);
    columns[0].width -= excess.min(columns[0].width - columns[0].width.min(least_name));
    let lines = rows(&columns, sheet.lanes.len() + 1);
    let mut out = String::new();
    for (at, line) in lines.iter().enumerate() {
        let painted = if at == 0 { output.paint_stdout(line, Paint::Dim) } else { line.clone() };
        write_lines(&fold(&painted, output.width, Fold::Name), &mut out);
    }
    out
}

fn figure_column(sheet: &Sheet, figure: Figure) -> Option<Column> {
    let row = sheet.row(figure)?;
    // Figures stay in line: where no mark stands, room is left for one.
    let marked = row.cells.iter().any(|cell| cell.best);
    let cells = row.cells.iter().map(|cell| {
        let mark = if cell.best {
            " *"
        } else if marked {
            "  "
        } else {
            ""
        };
        format!("{}{mark}", cell.text)
    });
    Some(column(&format!("{}{}", row.name, if marked { "  " } else { "" }), cells, Place::Right))
}

fn column(title: &str, cells: impl Iterator<Item = String>, place: Place) -> Column {
    Column::new(std::iter::once(title.to_owned()).chain(cells).collect(), place)
}
