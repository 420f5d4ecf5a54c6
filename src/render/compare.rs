//! A comparison as text: what `pollm compare` shows, prints and exports.
//!
//! - [`sheet`](mod@sheet): the figures as plain data, for every view and format.
//! - [`text`]: for people, as a table, as cards or as differences.
//! - [`summary`](fn@summary): what it comes to, in words.
//! - [`csv`](fn@csv), [`markdown`](fn@markdown): for files.
//! - [`matrix`]: the totals of many prompts.
//! - [`html`](mod@html): one page that stands by itself.

mod answer;
mod cards;
pub(super) mod cells;
mod csv;
mod diff;
mod fold;
pub mod html;
mod listing;
mod markdown;
pub mod matrix;
mod order;
mod prompt;
mod remarks;
pub mod sheet;
mod summary;
mod table;
#[cfg(test)]
mod tests;
mod total;

pub use csv::{csv, csv_of_prompt, csv_of_prompts};
pub use html::{AskedPrompt, html, html_of_prompts};
pub(crate) use markdown::escaped;
pub use markdown::markdown;
pub use order::{Sort, arranged, order};
pub(super) use remarks::hint;
pub use summary::summary;

use crate::comparison::Comparison;
use crate::render::output::{Output, Paint};

/// How a comparison is shown: the values of `--view`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum View {
    /// A column a model; cards where the terminal is too narrow for that.
    #[default]
    Table,
    /// The answers one below the other, each under its figures.
    Cards,
    /// What differs from the first answer, word by word.
    Diff,
}

/// The comparison for stdout: answers, figures and the summary; cleaned, and
/// painted where stdout may have colour. No line is wider than the output,
/// except for screen readers, which are given whole lines.
pub fn text(comparison: &Comparison, view: View, sort: Sort, output: &Output) -> String {
    let comparison = order::arranged(comparison, sort);
    let sheet = sheet::sheet(&comparison);
    let mut out = prompt::prompt(&comparison, output);
    out += &match view {
        View::Diff => diff::differences(&comparison, &sheet, output),
        _ if output.accessible => listing::listing(&comparison, &sheet, output),
        View::Cards => cards::cards(&comparison, &sheet, output),
        View::Table => match table::table(&comparison, &sheet, output) {
            Some(table) => table + "\n",
            None => cards::cards(&comparison, &sheet, output),
        },
    };
    if !output.accessible {
        for line in legend(&sheet, output) {
            out.push_str(&line.text);
            out.push('\n');
        }
    }
    out + &summary(&comparison, output)
}

/// What the signs mean, where there are any.
fn legend(sheet: &sheet::Sheet, output: &Output) -> Vec<fold::Line> {
    let mut parts = Vec::new();
    if sheet.rows.iter().any(|row| row.cells.iter().any(|cell| cell.best)) {
        parts.push("* the best");
    }
    let has =
        |sign: char| sheet.rows.iter().any(|row| row.cells.iter().any(|cell| cell.text.starts_with(sign)));
    if has('~') {
        parts.push("~ estimated");
    }
    if has('≈') {
        parts.push("≈ the price is approximate");
    }
    if sheet.several {
        parts.push("times are medians ± median deviation of n runs");
    }
    if sheet.some_cold {
        parts.push("runs that had to connect first are left out");
    }
    if parts.is_empty() {
        return Vec::new();
    }
    let mut lines =
        fold::fold(&output.paint_stdout(&parts.join(" · "), Paint::Dim), output.width, fold::Fold::Words);
    lines.push(fold::Line::default());
    lines
}
