//! The ledger as a command sees it: opened when the first outcome lands, and
//! never worth an answer.

use ulid::Ulid;

use crate::chat::Request;
use crate::context::Context;
use crate::error::Error;
use crate::ledger::{Entry, Ledger};
use crate::outcome::Outcome;
use crate::render::output::Paint;
use crate::streams::stderr;

/// Writes outcomes as they land. A fault is said once and costs nothing else.
pub struct Store<'c> {
    context: &'c Context,
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

impl<'c> Store<'c> {
    /// A store that writes, or does not.
    pub fn new(context: &'c Context, on: bool) -> Self {
        Self { context, state: if on { State::Closed } else { State::Off } }
    }

    /// Whether outcomes are kept.
    pub fn is_on(&self) -> bool {
        matches!(self.state, State::Closed | State::Open(_))
    }

    /// Writes one outcome.
    pub fn append(
        &mut self,
        command: &str,
        outcome: &Outcome,
        request: &Request,
        conversation: Ulid,
        parent: Option<Ulid>,
    ) {
        if matches!(self.state, State::Closed) {
            match Ledger::open(&self.context.paths.ledger) {
                Ok(ledger) => self.state = State::Open(Box::new(ledger)),
                Err(error) => return self.give_up(&error),
            }
        }
        if let State::Open(ledger) = &mut self.state {
            let entry = Entry { outcome, command, request, conversation, parent };
            if let Err(error) = ledger.append(&entry) {
                self.give_up(&error);
            }
        }
    }

    fn give_up(&mut self, error: &dyn std::error::Error) {
        self.state = State::Broken;
        let label = self.context.output.paint_stderr("warning", Paint::Yellow);
        let why = Error::failed("this call was not written to the history").because(error);
        stderr(&format!("{label}: {}: {}\n", why.message, why.causes.join(": ")));
    }
}

impl Drop for Store<'_> {
    fn drop(&mut self) {
        // Closing would fold the journal into the file, which takes longer than
        // an insert; a later process does it.
        if let State::Open(ledger) = std::mem::replace(&mut self.state, State::Off) {
            std::mem::forget(ledger);
        }
    }
}
