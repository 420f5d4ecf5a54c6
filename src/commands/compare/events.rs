//! `--jsonl`: the events of all lanes on stdout, as they happen.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::race::Slot;
use crate::comparison::{Comparison, LaneResult, Run};
use crate::error::{Error, Result};
use crate::exchange::{Cancel, Update};
use crate::render::events::{EventWriter, Speaker};
use crate::render::json;
use crate::streams::{Stdout, Written};

/// Writes whole lines only, so that a killed process leaves no half of one
/// behind a whole one.
pub(super) struct Events {
    writer: EventWriter,
    stdout: Stdout,
    pending: String,
    cancel: Cancel,
    closed: bool,
    unwritten: Option<std::io::Error>,
}

impl Events {
    pub(super) fn new(cancel: Cancel) -> Self {
        let writer = EventWriter::new(Instant::now());
        Self {
            writer,
            stdout: Stdout::open(),
            pending: String::new(),
            cancel,
            closed: false,
            unwritten: None,
        }
    }

    pub(super) fn update(&mut self, slot: Slot, name: &str, update: &Update<'_>) {
        self.pending += &self.writer.update(&speaker(slot, name), update);
        // Scripts follow events as they happen, not in bursts.
        if !matches!(update, Update::Event(_)) {
            self.flush();
        }
    }

    pub(super) fn end(&mut self, slot: Slot, name: &str, route: &Value, run: &Run) {
        self.pending += &self.writer.end(&speaker(slot, name), json::run(name, route, run));
        self.flush();
    }

    /// Writes the rest; whether the reader is gone.
    ///
    /// # Errors
    /// Where events could not be written: a full disk is no reader that left.
    pub(super) fn finish(&mut self) -> Result<bool> {
        self.flush();
        match self.unwritten.take() {
            Some(error) => Err(Error::failed("the events could not be written").because(&error)),
            None => Ok(self.closed),
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() && !self.closed {
            let written = self.stdout.write(self.pending.as_bytes());
            self.closed = !matches!(written, Ok(Written::Ok));
            self.unwritten = written.err();
            if self.closed {
                self.cancel.cancel();
            }
        }
        self.pending.clear();
    }
}

/// The last event of each call of a comparison that is over, in the order of
/// their ends: what a file, or whoever comes later, gets of the stream.
pub(super) fn of_ends(comparison: &Comparison) -> String {
    let began = comparison.started_at;
    let lanes = comparison.lanes.iter().enumerate();
    let calls = lanes.flat_map(|(lane, result)| {
        let warmups = result.runs.iter().filter(|run| run.is_warmup).count();
        let numbered = result.runs.iter().zip(1 - i64::try_from(warmups).unwrap_or_default()..);
        numbered.map(move |(run, number)| {
            let outcome = &run.outcome;
            let start = Duration::try_from(outcome.started_at.duration_since(began)).unwrap_or_default();
            (start + outcome.wall, Speaker { lane, model: &result.name, run: Some(number) }, result, run)
        })
    });
    let mut calls: Vec<_> = calls.collect();
    calls.sort_by_key(|(end, ..)| *end);
    let mut writer = EventWriter::new(Instant::now());
    let line = |(end, who, result, run): (Duration, Speaker<'_>, &LaneResult, &Run)| {
        writer.end_at(end, &who, json::run(&result.name, &result.route, run))
    };
    calls.into_iter().map(line).collect()
}

fn speaker(slot: Slot, name: &str) -> Speaker<'_> {
    Speaker { lane: slot.lane, model: name, run: Some(slot.run) }
}
