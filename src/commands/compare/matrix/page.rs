//! What is printed of many prompts: each call as it ends, where the format has
//! a place for it, and the totals.

use std::path::Path;
use std::time::Instant;

use super::grid::Slot;
use crate::commands::compare::CompareFormat;
use crate::comparison::Run;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::render::compare::{self, Sort, matrix};
use crate::render::events::{EventWriter, Speaker};
use crate::render::json;
use crate::streams::{Stdout, Written};
use crate::whole_file::WholeFile;

/// Where the output goes, and how far it is.
pub(super) struct Page {
    format: CompareFormat,
    to: To,
    events: EventWriter,
    /// Nothing stands in the list of results yet.
    is_empty: bool,
}

enum To {
    Stdout(Stdout),
    File(WholeFile),
    /// The reader is gone.
    Nobody,
}

impl Page {
    /// Begins the output with what is known before the first call.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(super) fn begin(format: CompareFormat, file: Option<&Path>, matrix: &Matrix) -> Result<Self> {
        let to = match file {
            Some(path) => To::File(WholeFile::create(path)?),
            None => To::Stdout(Stdout::open()),
        };
        let mut page = Self { format, to, events: EventWriter::new(Instant::now()), is_empty: true };
        match format {
            CompareFormat::Csv => page.write(&compare::csv_of_prompts())?,
            CompareFormat::Json => {
                let head = json::line(&json::matrix_head(matrix));
                page.write(&format!("{},\"results\":[", head.trim_end_matches('}')))?;
            }
            _ => {}
        }
        Ok(page)
    }

    /// Prints one call.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(super) fn result(&mut self, matrix: &Matrix, slot: Slot, prompt_id: &str, run: &Run) -> Result<()> {
        let Some(lane) = matrix.lanes.get(slot.lane) else { return Ok(()) };
        let text = match self.format {
            CompareFormat::Csv => {
                // Warm-ups count down from 0.
                let number = if slot.is_warmup() { 1 - slot.run } else { slot.run };
                let number = usize::try_from(number).unwrap_or_default();
                compare::csv_of_prompt(matrix.id, &lane.name, run, number, prompt_id)
            }
            CompareFormat::Json => {
                let comma = if std::mem::take(&mut self.is_empty) { "" } else { "," };
                let result = json::matrix_result(&lane.name, slot.run, prompt_id, run);
                format!("{comma}\n{}", json::line(&result))
            }
            CompareFormat::Jsonl => {
                let who = Speaker { lane: slot.lane, model: &lane.name, run: Some(slot.run) };
                self.events.end_of_prompt(&who, prompt_id, json::run(&lane.name, run))
            }
            CompareFormat::Text | CompareFormat::Markdown | CompareFormat::Html => return Ok(()),
        };
        self.write(&text)
    }

    /// Whether nobody reads any more.
    pub(super) fn is_closed(&self) -> bool {
        matches!(self.to, To::Nobody)
    }

    /// Prints the totals, and puts a file in its place. False where nobody reads.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(super) fn end(mut self, matrix: &Matrix, sort: Sort, context: &Context) -> Result<bool> {
        let arranged = || matrix::arranged(matrix, sort);
        let text = match self.format {
            CompareFormat::Csv => String::new(),
            CompareFormat::Json => {
                let totals = json::line(&json::matrix_totals(matrix));
                format!("\n],{}\n", totals.trim_start_matches('{'))
            }
            CompareFormat::Jsonl => self.events.summary(json::matrix_summary(matrix)),
            CompareFormat::Text | CompareFormat::Html => {
                let mut output = context.output.clone();
                output.color_stdout &= matches!(self.to, To::Stdout(_));
                matrix::text(&arranged(), &output)
            }
            CompareFormat::Markdown => matrix::markdown(&arranged()),
        };
        self.write(&text)?;
        match self.to {
            To::File(file) => file.keep().map(|()| true),
            To::Stdout(_) => Ok(true),
            To::Nobody => Ok(false),
        }
    }

    fn write(&mut self, text: &str) -> Result<()> {
        let written = match &mut self.to {
            To::Nobody => return Ok(()),
            To::File(file) => return file.write(text),
            To::Stdout(stdout) => stdout.write(text.as_bytes()),
        };
        match written.map_err(|error| Error::failed("the results could not be written").because(&error))? {
            Written::Ok => {}
            Written::Closed => self.to = To::Nobody,
        }
        Ok(())
    }
}
