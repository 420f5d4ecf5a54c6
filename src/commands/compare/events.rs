//! `--jsonl`: the events of all lanes on stdout, as they happen.

use std::time::Instant;

use super::race::Slot;
use crate::comparison::Run;
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
}

impl Events {
    pub(super) fn new(cancel: Cancel) -> Self {
        let writer = EventWriter::new(Instant::now());
        Self { writer, stdout: Stdout::open(), pending: String::new(), cancel, closed: false }
    }

    pub(super) fn update(&mut self, slot: Slot, name: &str, update: &Update<'_>) {
        self.pending += &self.writer.update(&speaker(slot, name), update);
        // Scripts follow events as they happen, not in bursts.
        if !matches!(update, Update::Event(_)) {
            self.flush();
        }
    }

    pub(super) fn end(&mut self, slot: Slot, name: &str, run: &Run) {
        self.pending += &self.writer.end(&speaker(slot, name), json::run(name, run));
        self.flush();
    }

    /// Writes the rest; whether the reader is gone.
    pub(super) fn finish(&mut self) -> bool {
        self.flush();
        self.closed
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() && !self.closed {
            self.closed = !matches!(self.stdout.write(self.pending.as_bytes()), Ok(Written::Ok));
            if self.closed {
                self.cancel.cancel();
            }
        }
        self.pending.clear();
    }
}

fn speaker(slot: Slot, name: &str) -> Speaker<'_> {
    Speaker { lane: slot.lane, model: name, run: Some(slot.run) }
}
