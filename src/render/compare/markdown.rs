//! A comparison as Markdown, for an issue or a page. Texts from outside stand
//! in fences or behind backslashes: none can end its place, be read as HTML,
//! load a picture or call anyone by name.

use std::fmt::Write as _;

use super::answer;
use super::remarks::remarks;
use super::sheet::{Cell, Sheet, sheet};
use super::summary::statements;
use crate::comparison::Comparison;
use crate::render::filter::clean;

/// The prompt, a table of the figures, the summary and the answers.
pub fn markdown(comparison: &Comparison) -> String {
    let sheet = sheet(comparison);
    let mut out = format!("## Comparison of {} models\n\n", comparison.lanes.len());
    let _ = writeln!(out, "{}, `{}`\n", comparison.started_at, comparison.id);
    if !comparison.prompt.trim().is_empty() {
        let _ = writeln!(out, "### Prompt\n\n{}", fenced(&comparison.prompt));
    }
    out.push_str("### Figures\n\n");
    table(&sheet, &mut out);
    out.push('\n');
    for statement in statements(comparison, &sheet) {
        let indent = if statement.is_detail { "  " } else { "" };
        let _ = writeln!(out, "{indent}- {}", escaped(&statement.text));
    }
    for (lane, head) in comparison.lanes.iter().zip(&sheet.lanes) {
        let _ = writeln!(out, "\n### {}\n", code(&head.name));
        let text = answer::text(lane);
        if !text.trim().is_empty() {
            out.push_str(&fenced(text));
        }
        let remarks = remarks(lane);
        if !remarks.is_empty() && !text.trim().is_empty() {
            out.push('\n');
        }
        for remark in remarks {
            let _ = writeln!(out, "- {}: {}", remark.word, escaped(&remark.text));
        }
    }
    out
}

fn table(sheet: &Sheet, out: &mut String) {
    out.push_str("| |");
    for lane in &sheet.lanes {
        let _ = write!(out, " {} |", cell_code(&lane.name));
    }
    out.push_str("\n|:--|");
    out.push_str(&"--:|".repeat(sheet.lanes.len()));
    out.push('\n');
    for row in &sheet.rows {
        let _ = write!(out, "| {} |", row.name);
        for cell in &row.cells {
            let _ = write!(out, " {} |", figure(cell));
        }
        out.push('\n');
    }
}

fn figure(cell: &Cell) -> String {
    let text = escaped(&cell.text);
    let text = if cell.best { format!("**{text}**") } else { text };
    match &cell.note {
        Some(note) => format!("{text} ({})", escaped(note)),
        None => text,
    }
}

/// Text of one line, every sign that Markdown may read behind a backslash. A
/// name behind `@` would be told of it where this is published, and an address
/// would become a link: code is neither.
pub(crate) fn escaped(text: &str) -> String {
    let marks = text.matches('`').count();
    if marks == 0 || marks % 2 == 1 || text.contains("``") {
        return words(text);
    }
    // Our own words have literals in backticks, which may stay what they are.
    let parts = text.split('`').enumerate();
    parts.map(|(at, part)| if at % 2 == 1 { cell_code(part) } else { words(part) }).collect()
}

fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for (at, word) in text.split(' ').enumerate() {
        if at > 0 {
            out.push(' ');
        }
        let bare = word.trim_end_matches([',', ':']);
        if word.contains(['@', '`', '#']) || word.contains("://") || word.starts_with("www.") {
            out.push_str(&cell_code(bare));
            out.push_str(&word[bare.len()..]);
            continue;
        }
        for c in word.chars() {
            if matches!(c, '\\' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' | '!') {
                out.push('\\');
            }
            out.push(c);
        }
    }
    out
}

/// A span of code in a table, where a bar ends a cell even within code.
pub(super) fn cell_code(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A span of code around text of one line.
fn code(text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`') + 1);
    // Beside the signs of a span, signs of the text need a blank between.
    if fence.len() > 1 { format!("{fence} {text} {fence}") } else { format!("{fence}{text}{fence}") }
}

/// A block of code that its text can't end.
fn fenced(text: &str) -> String {
    let text = clean(text);
    let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str, sign: char) -> usize {
    text.split(|c| c != sign).map(str::len).max().unwrap_or(0)
}
