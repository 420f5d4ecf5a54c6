//! A comparison for screen readers: no boxes, one `name: value` line a fact.

use super::answer;
use super::remarks::remarks;
use super::sheet::{Cell, Sheet};
use crate::comparison::Comparison;
use crate::render::output::Output;

/// The lanes one below the other, each with its facts and its answer.
pub(super) fn listing(comparison: &Comparison, sheet: &Sheet, output: &Output) -> String {
    let mut out = String::new();
    for (at, lane) in comparison.lanes.iter().enumerate() {
        facts(sheet, at, &mut out);
        for remark in remarks(lane) {
            out.push_str(&format!("{}: {}\n", remark.word, remark.text));
        }
        let text = output.clean(answer::text(lane));
        if !text.trim().is_empty() {
            out.push_str(&format!("answer:\n{}\n", text.trim_end_matches('\n')));
        }
        out.push('\n');
    }
    out
}

/// A lane's name and figures.
pub(super) fn facts(sheet: &Sheet, at: usize, out: &mut String) {
    let lane = &sheet.lanes[at];
    out.push_str(&format!("model: {}\n", lane.name));
    if let Some(by) = &lane.answered_by {
        out.push_str(&format!("answered by: {by}\n"));
    }
    for (name, cell) in sheet.facts(at) {
        out.push_str(&format!("{name}: {}\n", in_words(cell)));
    }
}

fn in_words(cell: &Cell) -> String {
    let best = if cell.best { ", the best" } else { "" };
    let note = cell.note.as_ref().map(|note| format!(", {note}")).unwrap_or_default();
    format!("{}{best}{note}", cell.words)
}
