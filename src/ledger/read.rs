//! Reading whole calls back: one, or all of them.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension, Row, Statement, params};

use super::columns;
use super::contents::{self, Stored};
use super::error::LedgerError;
use super::faults;
use super::ids::{self, Range};
use super::{Ledger, StoredCall};

/// Reads whole calls; its statements are prepared once.
pub(super) struct Reader<'c> {
    connection: &'c Connection,
    call: Statement<'c>,
    attempts: Statement<'c>,
    parts: Statement<'c>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            call: connection.prepare("SELECT * FROM calls WHERE seq = ?1")?,
            attempts: connection.prepare(faults::ATTEMPTS)?,
            parts: connection.prepare(contents::PARTS)?,
        })
    }

    /// The call of that number; `None` where it was deleted.
    pub(super) fn read(&mut self, seq: i64) -> rusqlite::Result<Option<StoredCall>> {
        // Its three tables are read as they stand at one moment.
        let moment = self.connection.unchecked_transaction()?;
        let Some(mut call) = self.call.query_row([seq], figures).optional()? else { return Ok(None) };
        for attempt in self.attempts.query_map([seq], faults::attempt)? {
            call.outcome.attempts.push(attempt?);
        }
        for part in self.parts.query_map([seq], Stored::read)? {
            part?.place(&mut call.request, &mut call.outcome)?;
        }
        moment.commit()?;
        Ok(Some(call))
    }
}

/// A call without what is in other tables.
fn figures(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    let parent: Option<String> = row.get("parent")?;
    Ok(StoredCall {
        outcome: columns::outcome(row)?,
        command: row.get("command")?,
        request: columns::request(row)?,
        conversation: columns::ulid(row, "conversation")?,
        parent: parent.map(|_| columns::ulid(row, "parent")).transpose()?,
    })
}

impl Ledger {
    /// The call with an id that begins as given.
    ///
    /// # Errors
    /// Where there is none or several, or the file can't be read.
    pub fn show(&self, id: &str) -> Result<StoredCall, LedgerError> {
        let seq = find(&self.connection, id, &self.reading())?;
        let call = Reader::new(&self.connection).and_then(|mut reader| reader.read(seq));
        call.map_err(self.reading())?.ok_or_else(|| LedgerError::Missing { what: "call", id: id.to_owned() })
    }

    /// Every call, oldest first, one in memory at a time. Calls that land or
    /// are deleted meanwhile may or may not be among them.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn export(&self) -> Result<Export<'_>, LedgerError> {
        let prepare = || {
            Ok(Export {
                ledger: self,
                reader: Reader::new(&self.connection)?,
                next: self
                    .connection
                    .prepare("SELECT seq FROM calls WHERE seq > ?1 ORDER BY seq LIMIT 256")?,
                waiting: VecDeque::new(),
                after: i64::MIN,
            })
        };
        prepare().map_err(self.reading())
    }
}

/// The number of the one call with an id that begins as given.
pub(super) fn find(
    connection: &Connection,
    id: &str,
    reading: &dyn Fn(rusqlite::Error) -> LedgerError,
) -> Result<i64, LedgerError> {
    let range = Range::of(id).ok_or_else(|| LedgerError::NotAnId(id.to_owned()))?;
    let found = ids::calls(connection, &range).map_err(reading)?;
    match found.as_slice() {
        [] => Err(LedgerError::Missing { what: "call", id: id.to_owned() }),
        [(seq, _)] => Ok(*seq),
        several => Err(LedgerError::Ambiguous {
            prefix: id.to_owned(),
            candidates: several.iter().map(|(_, id)| *id).collect(),
        }),
    }
}

/// The iterator of [`Ledger::export`].
pub struct Export<'l> {
    ledger: &'l Ledger,
    reader: Reader<'l>,
    next: Statement<'l>,
    waiting: VecDeque<i64>,
    after: i64,
}

impl Export<'_> {
    fn step(&mut self) -> rusqlite::Result<Option<StoredCall>> {
        loop {
            if self.waiting.is_empty() {
                let more = self.next.query_map(params![self.after], |row| row.get(0))?;
                self.waiting = more.collect::<rusqlite::Result<_>>()?;
            }
            let Some(seq) = self.waiting.pop_front() else { return Ok(None) };
            self.after = seq;
            if let Some(call) = self.reader.read(seq)? {
                return Ok(Some(call));
            }
        }
    }
}

impl Iterator for Export<'_> {
    type Item = Result<StoredCall, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().map_err(self.ledger.reading()).transpose()
    }
}
