//! The ledger as a command sees it: opened when the first outcome lands, and
//! never worth an answer.

use std::path::PathBuf;

use ulid::Ulid;

use crate::comparison::Checked;
use crate::context::Context;
use crate::error::Error;
use crate::ledger::{Entry, Ledger, LedgerError};
use crate::render::output::{Output, Paint};
use crate::streams::stderr;

/// Where one command's outcomes go.
pub struct Store {
    path: PathBuf,
    output: Output,
    state: State,
}

enum State {
    /// The user wants nothing written.
    Off,
    /// Nothing was written yet.
    Closed,
    Open(Box<Ledger>),
    /// The ledger can't be used; that was said.
    Broken,
}

impl Store {
    /// A store that writes, or does not.
    pub fn new(context: &Context, on: bool) -> Self {
        let state = if on { State::Closed } else { State::Off };
        Self { path: context.paths.ledger.clone(), output: context.output.clone(), state }
    }

    /// Whether outcomes are kept.
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::Closed | State::Open(_))
    }

    /// Writes one outcome.
    pub fn append(&mut self, entry: &Entry<'_>) {
        self.write(|ledger| ledger.append(entry));
    }

    /// Writes what the checks said of an outcome that is written already.
    pub fn set_checks(&mut self, call: Ulid, checks: &[Checked]) {
        self.write(|ledger| ledger.set_checks(call, checks));
    }

    /// Does one thing with the open ledger. The first failure is said, and
    /// nothing is tried again.
    pub fn write(&mut self, write: impl FnOnce(&mut Ledger) -> Result<(), LedgerError>) {
        if matches!(self.state, State::Closed) {
            match Ledger::open(&self.path) {
                Ok(ledger) => self.state = State::Open(Box::new(ledger)),
                Err(error) => return self.give_up(&error),
            }
        }
        if let State::Open(ledger) = &mut self.state
            && let Err(error) = write(ledger)
        {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &dyn std::error::Error) {
        self.state = State::Broken;
        let label = self.output.paint_stderr("warning", Paint::Yellow);
        let why = Error::failed("this call was not written to the history").because(error);
        stderr(&format!("{label}: {}: {}\n", why.message, why.causes.join(": ")));
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // Closing would fold the journal into the file, which takes longer than
        // an insert; a later process does it.
        if let State::Open(ledger) = std::mem::replace(&mut self.state, State::Off) {
            std::mem::forget(ledger);
        }
    }
}
