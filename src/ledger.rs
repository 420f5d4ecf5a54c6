//! The ledger: one private `SQLite` file with every call that was made, what
//! it said, what it took and what it cost.
//!
//! A call is one row of figures, its attempts, and its texts and files, which
//! are stored once however often they recur. All of it can be read back: a
//! [`StoredCall`] is what was appended. Processes share the file through
//! `SQLite`'s write-ahead journal: a writer waits for its turn, and a killed
//! one leaves either its whole call or nothing.
//!
//! What calls may still cost is set aside here too, so that processes share a
//! cap on spending; see [`Ledger::reserve`].
//!
//! No key is ever stored: a [`Request`] has none, and headers stay out.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use ulid::Ulid;

use crate::chat::Request;
use crate::outcome::Outcome;

mod columns;
mod comparison;
mod contents;
mod conversation;
mod cooldown;
mod delete;
mod error;
mod faults;
mod held;
mod ids;
mod known;
mod latency;
mod lease;
mod list;
mod matrix;
mod open;
mod owner;
mod read;
mod reservation;
mod routing;
mod spending;

pub use comparison::{Place, StoredComparison, StoredRun};
pub use conversation::Conversation;
pub use delete::{Deleted, Selection};
pub use error::{Action, LedgerError};
pub use held::{Held, HeldState};
pub use lease::this_process;
pub use list::{ListQuery, Listed};
pub use matrix::{BegunCall, Claim};
pub use read::Export;
pub use reservation::settle::{Counted, counted};
pub use reservation::{Cap, Decision, Reservation, Scope, Spending};
pub use spending::Spent;

/// What is written of one call.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// How it went.
    pub outcome: &'a Outcome,
    /// The command that made it: `ask`, `compare`.
    pub command: &'a str,
    /// What was asked.
    pub request: &'a Request,
    /// The conversation that it belongs to, which may begin with it.
    pub conversation: Ulid,
    /// The call that it goes on from.
    pub parent: Option<Ulid>,
    /// Its place in a comparison.
    pub place: Option<Place>,
}

/// One call as it was appended. Counts and amounts beyond all reason (10¹²
/// tokens, a million USD) are the only thing that is not kept as it was.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredCall {
    /// How it went.
    pub outcome: Outcome,
    /// The command that made it.
    pub command: String,
    /// What was asked, attachments included.
    pub request: Request,
    /// The conversation that it belongs to.
    pub conversation: Ulid,
    /// The call that it goes on from.
    pub parent: Option<Ulid>,
}

/// An open ledger.
#[derive(Debug)]
pub struct Ledger {
    connection: Connection,
    path: PathBuf,
    /// The journal is folded into the file when it has so many bytes.
    journal_bytes: u64,
}

impl Ledger {
    /// Opens the ledger. Where there is none, it is made, its folder too,
    /// for this user's eyes only.
    ///
    /// # Errors
    /// Where the file can't be made, opened or brought up to date, is no
    /// ledger, or has a newer format than this pollm knows. Nothing is changed
    /// then.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self::of(open::open(path)?, path))
    }

    /// Opens the ledger to look something up. A missing one is empty and is
    /// not made; one that can only be read is read.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        // What can't be looked for may be there: that is an error, not an empty history.
        let connection = if path.try_exists().is_ok_and(|exists| !exists) {
            open::in_memory().map_err(|error| LedgerError::sqlite(path, Action::Read, error))?
        } else {
            open::connect_to_read(path)?
        };
        Ok(Self::of(connection, path))
    }

    fn of(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned(), journal_bytes: open::JOURNAL_BYTES }
    }

    /// Thousands of calls are going to be written: the journal may grow. At
    /// their end, [`Ledger::no_more`] makes up for it.
    pub fn expect_many(&mut self) {
        self.journal_bytes = open::JOURNAL_BYTES_OF_MANY;
    }

    /// Folds the journal into the file after many calls, if it has grown.
    pub fn no_more(&mut self) {
        self.journal_bytes = open::JOURNAL_BYTES;
        open::fold_journal(&self.connection, &self.path, self.journal_bytes);
    }

    /// Writes one call, whole or not at all.
    ///
    /// # Errors
    /// Where the file can't be written: a full disk, a read-only file, another
    /// process that keeps it longer than five seconds. The answer itself must
    /// not suffer: warn and go on.
    pub fn append(&mut self, entry: &Entry<'_>) -> Result<(), LedgerError> {
        insert(&mut self.connection, entry)
            .map_err(|error| LedgerError::sqlite(&self.path, Action::Write, error))?;
        open::fold_journal(&self.connection, &self.path, self.journal_bytes);
        Ok(())
    }

    fn reading(&self) -> impl Fn(rusqlite::Error) -> LedgerError {
        |error| LedgerError::sqlite(&self.path, Action::Read, error)
    }
}

fn insert(connection: &mut Connection, entry: &Entry<'_>) -> rusqlite::Result<()> {
    let outcome = entry.outcome;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut row = columns::NewRow::default();
    row.set("command", entry.command.to_owned());
    row.set("conversation", entry.conversation.to_string());
    row.set("parent", entry.parent.map(|parent| parent.to_string()));
    if let Some(place) = entry.place {
        comparison::set_place(&mut row, place, &transaction)?;
    }
    columns::set_facts(&mut row, outcome);
    columns::set_usage(&mut row, outcome.usage);
    columns::set_bill(&mut row, outcome);
    columns::set_clock(&mut row, outcome);
    columns::set_request(&mut row, entry.request);
    let call = row.insert(&transaction)?;
    faults::insert_attempts(&transaction, call, &outcome.attempts)?;
    contents::insert(&transaction, call, entry.request, outcome)?;
    cooldown::learn(&transaction, outcome)?;
    reservation::settle::settle(&transaction, outcome, true)?;
    transaction.commit()
}

#[cfg(test)]
mod tests;
