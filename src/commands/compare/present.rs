//! What is printed of a comparison, and where.

use super::plan::Showing;
use super::{CompareFormat, events, verdict};
use crate::agree;
use crate::comparison::Comparison;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::outcome::Status;
use crate::render::{compare, json};
use crate::streams::{Stdout, Written};
use crate::whole_file::save;

/// Prints a comparison and judges it.
pub(super) fn finish(comparison: &mut Comparison, showing: &Showing<'_>, context: &Context) -> Result<()> {
    if showing.agree {
        comparison.agreement = Some(agreement(comparison, showing.by_field));
    }
    match print(comparison, showing, context)? {
        Written::Ok => verdict::judge(comparison, showing),
        // Whoever left has seen enough, and did not fail.
        Written::Closed => Ok(()),
    }
}

/// Who agrees with whom; only whole answers are asked.
fn agreement(comparison: &Comparison, by_field: bool) -> crate::comparison::Agreement {
    let answers: Vec<Option<&str>> = comparison
        .lanes
        .iter()
        .map(|lane| {
            lane.shown().filter(|run| run.outcome.status == Status::Ok).map(|run| run.outcome.text.as_str())
        })
        .collect();
    agree::agreement(&answers, by_field)
}

fn print(comparison: &Comparison, showing: &Showing<'_>, context: &Context) -> Result<Written> {
    if showing.was_streamed {
        return Ok(Written::Ok);
    }
    // What was paid for is not lost with its place on the disk.
    let hint = |error: Error| match showing.is_kept {
        true => error.hint("`pollm compare --last` shows the comparison again"),
        false => error,
    };
    let Some(file) = showing.file else {
        let text = whole(comparison, showing, context, context.output.stdout_tty);
        let written = Stdout::open().write(text.as_bytes());
        let failed = |error| Error::failed("the comparison could not be written").because(&error);
        return written.map_err(failed).map_err(hint);
    };
    let text = whole(comparison, showing, context, false);
    save(file, &text).map(|()| Written::Ok).map_err(|error| match showing.is_kept {
        true => hint(error),
        false => match Stdout::open().write(text.as_bytes()) {
            Ok(_) => error.hint("it was printed on stdout instead"),
            Err(_) => error,
        },
    })
}

fn whole(comparison: &Comparison, showing: &Showing<'_>, context: &Context, for_person: bool) -> String {
    let arranged = || compare::arranged(comparison, showing.sort);
    match showing.format {
        CompareFormat::Text => {
            let mut output = context.output.clone();
            if showing.file.is_some() {
                output.color_stdout = false;
            }
            compare::text(comparison, showing.view, showing.sort, &output)
        }
        CompareFormat::Json => {
            let object = json::comparison(comparison);
            // People get it laid out, programs on one line.
            if for_person { json::laid_out(&object) } else { json::line(&object) + "\n" }
        }
        CompareFormat::Jsonl => events::of_ends(comparison),
        CompareFormat::Csv => compare::csv(comparison),
        CompareFormat::Markdown => compare::markdown(&arranged()),
        CompareFormat::Html => compare::html(&arranged()),
    }
}
