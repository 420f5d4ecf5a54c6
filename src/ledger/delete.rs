//! Deleting calls so that nothing of them stays in the file.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::columns;
use super::error::{Action, LedgerError};
use super::{Ledger, read};

/// Which calls are deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// These, by ids or prefixes of ids. If one of them is wrong, none is deleted.
    Calls(Vec<String>),
    /// Those that began before a moment.
    Before(Timestamp),
    /// Every one.
    All,
}

/// What was deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deleted {
    /// Calls.
    pub calls: usize,
    /// Attachments that no other call holds.
    pub files: usize,
    /// Whether every trace is gone from the file. If not, another process was
    /// using it, or the disk has no room for the copy that this takes; the
    /// calls are deleted, but bytes of them may be found until the next delete.
    pub erased: bool,
}

impl Ledger {
    /// Deletes calls, and the texts and files that only they held: what a
    /// comparison asked goes with the last of its calls. A turn that later calls
    /// of its conversation repeat stays with them.
    ///
    /// The file is then rewritten: `SQLite` leaves bytes of earlier contents in
    /// the pages that it reuses, and only a copy is free of them.
    ///
    /// # Errors
    /// Where an id is wrong or the file can't be written; nothing is deleted then.
    pub fn delete(&mut self, which: &Selection) -> Result<Deleted, LedgerError> {
        let path = self.path.clone();
        let writing = |error| LedgerError::sqlite(&path, Action::Write, error);
        let connection = &mut self.connection;
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(writing)?;
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(writing)?;
        let calls = delete_calls(&transaction, which, &writing)?;
        let comparisons = delete_comparisons(&transaction, which).map_err(writing)?;
        let files = delete_orphans(&transaction).map_err(writing)?;
        transaction.commit().map_err(writing)?;
        let erased = calls + comparisons == 0 || rewrite(connection).unwrap_or(false);
        Ok(Deleted { calls, files, erased })
    }
}

/// Holds for a comparison without calls.
const EMPTY: &str = "NOT EXISTS (SELECT 1 FROM calls WHERE calls.comparison = comparisons.id)";

fn delete_calls(
    transaction: &Transaction<'_>,
    which: &Selection,
    writing: &dyn Fn(rusqlite::Error) -> LedgerError,
) -> Result<usize, LedgerError> {
    match which {
        Selection::All => transaction.execute("DELETE FROM calls", []).map_err(writing),
        Selection::Before(moment) => transaction
            .execute("DELETE FROM calls WHERE started_ns < ?1", [columns::time_ns(*moment)])
            .map_err(writing),
        Selection::Calls(ids) => {
            let found: Result<Vec<i64>, _> =
                ids.iter().map(|id| read::find(transaction, id, writing)).collect();
            found?.into_iter().map(|seq| delete_one(transaction, seq)).sum::<Result<_, _>>().map_err(writing)
        }
    }
}

/// Deletes a call, and what its comparison asked where it was the last one.
fn delete_one(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<usize> {
    let sql = "DELETE FROM calls WHERE seq = ?1 RETURNING comparison";
    let Some(comparison) = transaction.query_row(sql, [seq], |row| row.get(0)).optional()? else {
        return Ok(0);
    };
    let comparison: Option<String> = comparison;
    transaction.execute(&format!("DELETE FROM comparisons WHERE id = ?1 AND {EMPTY}"), [comparison])?;
    Ok(1)
}

/// Deletes what comparisons asked that began before a moment and have no calls,
/// be it that none of them was kept. One that is under way goes on without it.
fn delete_comparisons(transaction: &Transaction<'_>, which: &Selection) -> rusqlite::Result<usize> {
    let before = match which {
        Selection::Calls(_) => return Ok(0),
        Selection::Before(moment) => columns::time_ns(*moment),
        Selection::All => i64::MAX,
    };
    transaction.execute(&format!("DELETE FROM comparisons WHERE started_ns < ?1 AND {EMPTY}"), [before])
}

/// Deletes what no call holds any more; the result counts files.
fn delete_orphans(transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
    let orphans = "NOT EXISTS (SELECT 1 FROM parts WHERE parts.content = contents.id)";
    let delete = |kind| transaction.execute(&format!("DELETE FROM contents WHERE {kind} AND {orphans}"), []);
    let files = delete("is_file = 1")?;
    delete("is_file = 0")?;
    Ok(files)
}

/// Copies the file without what was deleted, and empties the journal. False
/// where another process still needs the journal.
fn rewrite(connection: &Connection) -> rusqlite::Result<bool> {
    connection.execute_batch("VACUUM")?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        let blocked: i64 = row.get(0)?;
        Ok(blocked == 0)
    })
}
