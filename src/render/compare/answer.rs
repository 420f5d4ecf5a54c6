//! A lane's answer and the remarks on it, laid out for a terminal.

use super::fold::{Fold, Line, fold};
use super::remarks::{Remark, remarks};
use crate::comparison::LaneResult;
use crate::render::markdown::{Markdown, Style};
use crate::render::output::Output;

/// The answer that stands for a lane; nothing where none came.
pub(super) fn text(lane: &LaneResult) -> &str {
    lane.shown().map_or("", |run| run.outcome.text.as_str())
}

/// An answer as Markdown, in lines of at most `width`. Code is never filled
/// anew; where it is too wide, it is folded visibly.
pub(super) fn lines(answer: &str, width: usize, output: &Output) -> Vec<Line> {
    let style = Style { width, color: output.color_stdout, accessible: output.accessible };
    let mut markdown = Markdown::new(style);
    let mut text = markdown.push(answer);
    text.push_str(&markdown.finish());
    fold(&text, width, Fold::Code)
}

/// The remarks on a lane, a line or more each.
pub(super) fn remark_lines(lane: &LaneResult, width: usize, output: &Output) -> Vec<Line> {
    remarks(lane).iter().flat_map(|remark| one(remark, width, output)).collect()
}

fn one(remark: &Remark, width: usize, output: &Output) -> Vec<Line> {
    let text = format!("{}: {}", remark.word, remark.text);
    fold(&output.paint_stdout(&text, remark.paint()), width, Fold::Words)
}

/// The answer and, beneath, the remarks on it.
pub(super) fn with_remarks(lane: &LaneResult, width: usize, output: &Output) -> Vec<Line> {
    let mut lines = lines(text(lane), width, output);
    let remarks = remark_lines(lane, width, output);
    if !lines.is_empty() && !remarks.is_empty() {
        lines.push(Line::default());
    }
    lines.extend(remarks);
    lines
}
