//! The ledger as a command sees it: opened when the first outcome lands, or
//! money is to be set aside, and never worth an answer.

use std::collections::HashSet;
use std::path::PathBuf;

use jiff::Timestamp;
use ulid::Ulid;

use crate::comparison::Checked;
use crate::context::Context;
use crate::error::Error;
use crate::ledger::{Cap, Decision, Entry, Ledger, LedgerError, Reservation};
use crate::render::output::{Output, Paint};
use crate::streams::stderr;

/// Where one command's outcomes go.
pub struct Store {
    path: PathBuf,
    output: Output,
    /// The user wants outcomes kept.
    on: bool,
    ledger: Option<Box<Ledger>>,
    /// The ledger can't be used; that was said.
    is_broken: bool,
    /// Calls that money is set aside for.
    reserved: HashSet<Ulid>,
}

impl Store {
    /// A store that writes outcomes, or does not.
    pub fn new(context: &Context, on: bool) -> Self {
        Self {
            path: context.paths.ledger.clone(),
            output: context.output.clone(),
            on,
            ledger: None,
            is_broken: false,
            reserved: HashSet::new(),
        }
    }

    /// Whether outcomes are kept.
    pub fn is_on(&self) -> bool {
        self.on && !self.is_broken
    }

    /// Writes one outcome, and settles what was set aside for it: the latter
    /// also where outcomes are not kept.
    pub fn append(&mut self, entry: &Entry<'_>) {
        let is_reserved = self.reserved.remove(&entry.outcome.id);
        if self.on {
            self.write(|ledger| ledger.append(entry));
        } else if is_reserved {
            self.change(|ledger| ledger.settle(entry.outcome));
        }
    }

    /// Writes what the checks said of an outcome that is written already.
    pub fn set_checks(&mut self, call: Ulid, checks: &[Checked]) {
        self.write(|ledger| ledger.set_checks(call, checks));
    }

    /// Does one thing with the open ledger, where outcomes are kept. The first
    /// failure is said, and nothing is tried again.
    pub fn write(&mut self, write: impl FnOnce(&mut Ledger) -> Result<(), LedgerError>) {
        if self.on {
            self.change(write);
        }
    }

    /// Sets money aside for calls, which [`Store::append`] settles.
    ///
    /// # Errors
    /// As [`Ledger::reserve`]; nothing may be sent then.
    pub fn reserve(
        &mut self,
        command: &str,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError> {
        let decision = self.ledger()?.reserve(command, calls, caps, now)?;
        if decision == Decision::Granted {
            self.reserved.extend(calls.iter().map(|call| call.call));
        }
        Ok(decision)
    }

    /// Gives back what was set aside for calls of which nothing was sent.
    pub fn release(&mut self, calls: &[Ulid]) {
        let held: Vec<Ulid> = calls.iter().filter(|call| self.reserved.remove(call)).copied().collect();
        if !held.is_empty() {
            self.change(|ledger| ledger.release(&held));
        }
    }

    /// Gives back what is set aside still: at a command's end, when every call
    /// that was made is appended.
    pub fn release_unsent(&mut self) {
        let unsent: Vec<Ulid> = self.reserved.iter().copied().collect();
        self.release(&unsent);
    }

    /// The ledger, also where outcomes are not kept.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn ledger(&mut self) -> Result<&mut Ledger, LedgerError> {
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Box::new(Ledger::open(&self.path)?),
        };
        Ok(self.ledger.insert(ledger))
    }

    fn change(&mut self, change: impl FnOnce(&mut Ledger) -> Result<(), LedgerError>) {
        if self.is_broken {
            return;
        }
        if let Err(error) = self.ledger().and_then(change) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &dyn std::error::Error) {
        self.is_broken = true;
        let label = self.output.paint_stderr("warning", Paint::Yellow);
        let what = if self.on {
            "this call was not written to the history"
        } else {
            "what this call cost was not written to the ledger; the most that it can cost counts"
        };
        let why = Error::failed(what).because(error);
        stderr(&format!("{label}: {}: {}\n", why.message, why.causes.join(": ")));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Closing would fold the journal into the file, which takes longer than
        // an insert; a later process does it.
        if let Some(ledger) = self.ledger.take() {
            std::mem::forget(ledger);
        }
    }
}
