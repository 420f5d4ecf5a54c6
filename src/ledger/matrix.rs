//! Comparisons of many prompts: which of their calls were begun, so that a
//! later process can go on where one was killed.

use rusqlite::{OptionalExtension as _, params};
use ulid::Ulid;

use super::comparison::{self, Place, StoredComparison, StoredRun};
use super::error::{Action, LedgerError};
use super::read::Reader;
use super::{Ledger, columns};
use crate::outcome::Status;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its place; it has a prompt.
    pub place: Place,
    /// Its id.
    pub call: Ulid,
    /// The call of this place that it is made instead of.
    pub instead_of: Option<Ulid>,
}

/// A call that was begun, and what the ledger knows of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BegunCall {
    /// Its place.
    pub place: Place,
    /// Its id.
    pub call: Ulid,
    /// How it went, and whether it may have been billed although its end is
    /// unknown; `None` where it never ended, or still runs.
    pub ended: Option<(Status, bool)>,
}

impl Ledger {
    /// Claims a call before its request leaves. False where another process has
    /// claimed it: then it must not be made. Once this returns, the claim
    /// outlives the process.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn claim(&mut self, claim: &Claim) -> Result<bool, LedgerError> {
        let write = || {
            let Place { comparison, lane, run, item } = claim.place;
            let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
            let (comparison, call) = (comparison.to_string(), claim.call.to_string());
            let (item, lane) = (number(item.unwrap_or_default()), number(lane));
            let rows = match claim.instead_of {
                None => self
                    .connection
                    .prepare(
                        "INSERT INTO begun (comparison, item, lane_index, run, call)
                         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
                    )?
                    .execute(params![comparison, item, lane, run, call])?,
                Some(before) => self
                    .connection
                    .prepare(
                        "UPDATE begun SET call = ?5
                         WHERE comparison = ?1 AND item = ?2 AND lane_index = ?3 AND run = ?4 AND call = ?6",
                    )?
                    .execute(params![comparison, item, lane, run, call, before.to_string()])?,
            };
            Ok(rows == 1)
        };
        write().map_err(|error| LedgerError::sqlite(&self.path, Action::Write, error))
    }

    /// The comparison that was begun last of those with a fingerprint.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn comparison_like(&self, fingerprint: &str) -> Result<Option<StoredComparison>, LedgerError> {
        let sql = "SELECT * FROM comparisons WHERE fingerprint = ?1 ORDER BY rowid DESC LIMIT 1";
        let found = self.connection.query_row(sql, [fingerprint], comparison::stored).optional();
        found.map_err(self.reading())
    }

    /// The latest call of each place that was begun, prompt by prompt.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn begun(&self, comparison: Ulid) -> Result<Vec<BegunCall>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT begun.*, status, possibly_billed FROM begun LEFT JOIN calls ON calls.id = call
                 WHERE begun.comparison = ?1 ORDER BY begun.item, begun.run, begun.lane_index",
            )?;
            let rows = statement.query_map([comparison.to_string()], |row| {
                let status: Option<String> = row.get("status")?;
                let status = status.map(|_| columns::word(row, "status", Status::parse)).transpose()?;
                let possibly_billed: Option<bool> = row.get("possibly_billed")?;
                Ok(BegunCall {
                    place: comparison::place(row, comparison)?,
                    call: columns::ulid(row, "call")?,
                    ended: status.map(|status| (status, possibly_billed.unwrap_or_default())),
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        read().map_err(self.reading())
    }

    /// Gives every call of a comparison of many prompts to `each`, prompt by
    /// prompt, one in memory at a time; of several in one place the earlier
    /// first.
    ///
    /// # Errors
    /// Where the file can't be read, and what `each` gives back.
    pub fn each_run<E: From<LedgerError>>(
        &self,
        comparison: Ulid,
        each: &mut dyn FnMut(StoredRun) -> Result<(), E>,
    ) -> Result<(), E> {
        // Only the places are put in order, not all that was said.
        let places = || {
            let mut statement = self
                .connection
                .prepare("SELECT seq FROM calls WHERE comparison = ?1 ORDER BY item, run, lane_index, seq")?;
            let rows = statement.query_map([comparison.to_string()], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<i64>>>()
        };
        let places = places().map_err(self.reading())?;
        let mut reader = Reader::new(&self.connection).map_err(self.reading())?;
        let sql = "SELECT lane_index, run, item, checks FROM calls WHERE seq = ?1";
        let mut beside = self.connection.prepare(sql).map_err(self.reading())?;
        for seq in places {
            let read = beside
                .query_row([seq], |row| Ok((comparison::place(row, comparison)?, comparison::checks(row)?)))
                .optional();
            let call = reader.read(seq).map_err(self.reading())?;
            if let (Some((place, checks)), Some(call)) = (read.map_err(self.reading())?, call) {
                each(StoredRun { place, checks, call })?;
            }
        }
        Ok(())
    }
}
