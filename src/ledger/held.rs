//! Calls that money is still held for.

use jiff::Timestamp;
use rusqlite::{Row, params};
use ulid::Ulid;

use super::Ledger;
use super::columns::{self, time_ns};
use super::error::LedgerError;
use super::owner::Owner;
use super::reservation::{age, amount, owner};
use crate::model::ModelRef;
use crate::money::Cost;

/// Why money is still held for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeldState {
    /// The call is under way.
    Open,
    /// Its process is gone, and nobody knows how the call ended.
    Lost,
    /// It ended, and the provider may have billed more than is known.
    Doubtful,
}

impl HeldState {
    /// The word used in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Lost => "lost",
            Self::Doubtful => "doubtful",
        }
    }
}

/// Money that is held for a call beyond what the history says that it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The call. It is in the history only where it is [`HeldState::Doubtful`],
    /// and there only where it was to be kept.
    pub call: Ulid,
    /// The command that made it.
    pub command: String,
    /// The model.
    pub model: ModelRef,
    /// When the money was set aside, or the call began.
    pub at: Timestamp,
    /// The most that the call can cost; `None` where no price is known.
    pub worst: Option<Cost>,
    /// What counts under caps, besides the call's cost in the history.
    pub counted: Option<Cost>,
    /// Why it is held.
    pub state: HeldState,
}

impl Ledger {
    /// Money that is held in a span of time, from `since`, inclusive, to
    /// `until`, exclusive, oldest first: for calls of processes that are gone,
    /// for calls whose cost nobody knows for certain, and for all calls under
    /// way before `until`, which may be billed now.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn held(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Vec<Held>, LedgerError> {
        let read = || {
            let here = Owner::current();
            let mut statement = self.connection.prepare(
                "SELECT *, at_ns AS started_ns FROM reservations
                 WHERE at_ns < ?2 AND (state = 'open' OR (at_ns >= ?1 AND (state = 'lost' OR possibly_billed = 1)))
                 ORDER BY at_ns, call",
            )?;
            let span = params![since.map_or(i64::MIN, time_ns), until.map_or(i64::MAX, time_ns)];
            let rows = statement.query_map(span, |row| held(row, &here, now))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut held = read().map_err(self.reading())?;
        // Of an open one, only its process says that it is lost.
        held.retain(|one| one.state == HeldState::Open || since.is_none_or(|since| one.at >= since));
        Ok(held)
    }
}

fn held(row: &Row<'_>, here: &Owner, now: Timestamp) -> rusqlite::Result<Held> {
    let state: String = row.get("state")?;
    let state = match state.as_str() {
        "open" if owner(row)?.is_gone(here, age(row, now)?) => HeldState::Lost,
        "open" => HeldState::Open,
        "lost" => HeldState::Lost,
        _ => HeldState::Doubtful,
    };
    Ok(Held {
        call: columns::ulid(row, "call")?,
        command: row.get("command")?,
        model: columns::model(row)?,
        at: columns::time(row)?,
        worst: amount(row, "worst_nano", "worst_atto")?,
        counted: amount(row, "counted_nano", "counted_atto")?,
        state,
    })
}
