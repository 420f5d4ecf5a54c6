//! What is printed of many prompts: each call as it ends, where the format has
//! a place for it, and the totals.

use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::grid::Slot;
use crate::commands::compare::CompareFormat;
use crate::comparison::{LaneResult, Run};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, Tally};
use crate::render::compare::{self, AskedPrompt, Sort, matrix};
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
    /// What a page of HTML shows, which begins with the totals.
    shown: Option<Shown>,
}

/// All prompts and answers: a page holds them all anyway.
#[derive(Default)]
struct Shown {
    prompts: Vec<Option<String>>,
    runs: Vec<(Slot, Run)>,
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
        let mut page =
            Self { format, to, events: EventWriter::new(Instant::now()), is_empty: true, shown: None };
        page.shown = (format == CompareFormat::Html).then(Shown::default);
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

    /// Says what was asked, for formats that show it. It is asked for only once.
    pub(super) fn prompt(&mut self, item: usize, text: impl FnOnce() -> String) {
        let Some(shown) = &mut self.shown else { return };
        if shown.prompts.len() <= item {
            shown.prompts.resize(item + 1, None);
        }
        shown.prompts[item].get_or_insert_with(text);
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
                self.events.end_of_prompt(&who, prompt_id, json::run(&lane.name, &Value::Null, run))
            }
            CompareFormat::Html => {
                self.shown.get_or_insert_default().runs.push((slot, run.clone()));
                return Ok(());
            }
            CompareFormat::Text | CompareFormat::Markdown => return Ok(()),
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
    pub(super) fn end(
        mut self,
        matrix: &Matrix,
        ids: &[String],
        sort: Sort,
        context: &Context,
    ) -> Result<bool> {
        let arranged = || matrix::arranged(matrix, sort);
        let text = match self.format {
            CompareFormat::Csv => String::new(),
            CompareFormat::Json => {
                let totals = json::line(&json::matrix_totals(matrix));
                format!("\n],{}\n", totals.trim_start_matches('{'))
            }
            CompareFormat::Jsonl => self.events.summary(json::matrix_summary(matrix)),
            CompareFormat::Html => {
                let (arranged, shown) = (arranged(), self.shown.take().unwrap_or_default());
                let prompts = asked(shown, matrix, &arranged, ids);
                compare::html_of_prompts(&arranged, prompts)
            }
            CompareFormat::Text => {
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

/// Every prompt with what each lane made of it, the lanes as arranged.
fn asked(shown: Shown, matrix: &Matrix, arranged: &Matrix, ids: &[String]) -> Vec<AskedPrompt> {
    let place = |lane: usize| {
        let name = matrix.lanes.get(lane).map(|lane| lane.name.as_str());
        arranged.lanes.iter().position(|lane| Some(lane.name.as_str()) == name)
    };
    let mut texts = shown.prompts.into_iter();
    let lanes = || {
        let empty =
            |lane: &Tally| LaneResult { name: lane.name.clone(), route: Value::Null, runs: Vec::new() };
        arranged.lanes.iter().map(empty).collect()
    };
    let mut prompts: Vec<AskedPrompt> = ids
        .iter()
        .map(|id| AskedPrompt {
            id: id.clone(),
            prompt: texts.next().flatten().unwrap_or_default(),
            lanes: lanes(),
        })
        .collect();
    let mut runs = shown.runs;
    runs.sort_by_key(|(slot, _)| slot.run);
    for (slot, run) in runs {
        let lane = place(slot.lane).and_then(|lane| prompts.get_mut(slot.item)?.lanes.get_mut(lane));
        lane.into_iter().for_each(|lane| lane.runs.push(run.clone()));
    }
    prompts
}
