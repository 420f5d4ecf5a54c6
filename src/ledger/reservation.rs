//! Money set aside for calls before they are sent, so that the processes of
//! one user share a cap and none of them can overshoot it.
//!
//! What counts under a cap is never less than what may have been billed: the
//! worst case from before the first byte leaves until the cost is known, and
//! for good where it never is.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, TransactionBehavior, params};
use ulid::Ulid;

use super::columns::{self, join, split, time_ns};
use super::error::{Action, LedgerError};
use super::owner::Owner;
use super::{Ledger, open};
use crate::model::{ModelRef, ProviderId};
use crate::money::Cost;
use crate::outcome::Outcome;

/// Settled rows are kept this long. No window is longer than a month.
const KEPT: Duration = Duration::from_hours(24 * 35);

/// What the calls of a window cost, and how many have no known cost. A
/// negative cost would be a server's mistake, and must not raise a cap.
const SPENT: &str = "SELECT coalesce(sum(max(cost_nano, 0)), 0), coalesce(sum(cost_atto), 0),
        count(*) - count(cost_nano)
    FROM calls WHERE started_ns >= ?1
        AND (?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR model = ?3)";

/// A call that money is set aside for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The call's id, which becomes the outcome's.
    pub call: Ulid,
    /// The model that is asked.
    pub model: ModelRef,
    /// The most that it can cost; `None` where no price is known, which counts
    /// as nothing until the call is over.
    pub worst: Option<Cost>,
}

/// Which calls a cap is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every call.
    All,
    /// The calls to one provider.
    Provider(ProviderId),
    /// The calls to one model of one provider.
    Model(ModelRef),
}

impl Scope {
    /// Whether calls to a model are among them.
    pub fn covers(&self, model: &ModelRef) -> bool {
        match self {
            Self::All => true,
            Self::Provider(provider) => *provider == model.provider,
            Self::Model(one) => one == model,
        }
    }

    /// The provider and the model of its calls, as SQL compares them: NULL is any.
    fn parts(&self) -> (Option<&str>, Option<&str>) {
        match self {
            Self::All => (None, None),
            Self::Provider(provider) => (Some(provider.as_str()), None),
            Self::Model(model) => (Some(model.provider.as_str()), Some(&model.model)),
        }
    }
}

/// A limit on what some calls may cost since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cap {
    /// Which calls.
    pub scope: Scope,
    /// The first moment that counts.
    pub since: Timestamp,
    /// The most that they may cost.
    pub limit: Cost,
}

/// What counts under a cap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// What calls cost, as far as it is known.
    pub spent: Cost,
    /// What may have been billed besides: worst cases of calls whose end or
    /// cost nobody knows.
    pub possible: Cost,
    /// Worst cases of calls that are under way.
    pub open: Cost,
    /// Calls whose cost is unknown and counts as nothing.
    pub unpriced: u32,
}

impl Spending {
    /// Everything that counts.
    pub fn total(&self) -> Cost {
        self.spent + self.possible + self.open
    }

    /// What of a limit is left; nothing where it is passed.
    pub fn left(&self, limit: Cost) -> Cost {
        (limit - self.total()).max(Cost::ZERO)
    }
}

/// What became of a wish to reserve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Money is set aside for every call.
    Granted,
    /// A cap would be passed; nothing is set aside.
    Refused {
        /// The place of the cap that is passed by most.
        cap: usize,
        /// What the calls that it covers may cost together.
        asked: Cost,
        /// What counts under it already.
        spending: Spending,
    },
}

impl Ledger {
    /// Sets money aside for calls: for all of them, or, where that passes a
    /// cap, for none. Other processes see either all of it or nothing.
    ///
    /// A reservation counts until its call is appended or settled. What other
    /// calls leave open counts in every window, since it may be spent now.
    ///
    /// # Errors
    /// Where the file can't be written: then nothing can be promised, and
    /// nothing may be sent.
    pub fn reserve(
        &mut self,
        command: &str,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError> {
        let reserve = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            find_lost(&transaction, now)?;
            let decision = decide(&transaction, calls, caps)?;
            if decision == Decision::Granted {
                forget(&transaction, now)?;
                insert(&transaction, command, calls, now)?;
            }
            transaction.commit()?;
            Ok(decision)
        };
        reserve(&mut self.connection).map_err(|error| self.writing(error))
    }

    /// What [`Ledger::reserve`] would decide now.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn would_grant(
        &self,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError> {
        // As in `spending`. What is lost counts in its own time only.
        let _ = find_lost(&self.connection, now);
        decide(&self.connection, calls, caps).map_err(self.reading())
    }

    /// Settles the reservation of a call that is in no history. Does nothing
    /// where there is none. [`Ledger::append`] settles by itself.
    ///
    /// # Errors
    /// Where the file can't be written; the worst case goes on counting.
    pub fn settle(&mut self, outcome: &Outcome) -> Result<(), LedgerError> {
        let settled = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            settle::settle(&transaction, outcome, false)?;
            transaction.commit()
        };
        settled(&mut self.connection).map_err(|error| self.writing(error))?;
        open::fold_journal(&self.connection, &self.path, self.journal_bytes);
        Ok(())
    }

    /// Gives money back that was set aside for calls of which nothing was sent.
    ///
    /// # Errors
    /// Where the file can't be written; the worst cases go on counting.
    pub fn release(&mut self, calls: &[Ulid]) -> Result<(), LedgerError> {
        let released = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for call in calls {
                transaction.execute("DELETE FROM reservations WHERE call = ?1", [call.to_string()])?;
            }
            transaction.commit()
        };
        released(&mut self.connection).map_err(|error| self.writing(error))
    }

    /// What counts under a cap. Calls of processes that are gone count as
    /// possibly billed.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn spending(&mut self, cap: &Cap, now: Timestamp) -> Result<Spending, LedgerError> {
        // A file that can't be written now is right all the same: what is lost
        // counts as what is open does.
        let _ = find_lost(&self.connection, now);
        spending(&self.connection, cap).map_err(self.reading())
    }

    fn writing(&self, error: rusqlite::Error) -> LedgerError {
        LedgerError::sqlite(&self.path, Action::Write, error)
    }
}

/// The cap that the calls pass by most, if they pass any.
fn decide(connection: &Connection, calls: &[Reservation], caps: &[Cap]) -> rusqlite::Result<Decision> {
    let mut worst: Option<(Cost, Decision)> = None;
    for (index, cap) in caps.iter().enumerate() {
        let mut covered = calls.iter().filter(|call| cap.scope.covers(&call.model)).peekable();
        if covered.peek().is_none() {
            continue;
        }
        let asked: Cost = covered.filter_map(|call| call.worst).sum();
        let spending = spending(connection, cap)?;
        let over = spending.total() + asked - cap.limit;
        // Where a cap is used up, a call that costs nothing still passes.
        let refused = over > Cost::ZERO && asked > Cost::ZERO;
        if refused && worst.as_ref().is_none_or(|(most, _)| over > *most) {
            worst = Some((over, Decision::Refused { cap: index, asked, spending }));
        }
    }
    Ok(worst.map_or(Decision::Granted, |(_, refused)| refused))
}

fn spending(connection: &Connection, cap: &Cap) -> rusqlite::Result<Spending> {
    let (provider, model) = cap.scope.parts();
    let since = time_ns(cap.since);
    let mut statement = connection.prepare(SPENT)?;
    let mut sum = statement.query_row(params![since, provider, model], |row| {
        let spent = join(row.get(0)?, row.get(1)?);
        Ok(Spending { spent, unpriced: row.get(2)?, ..Spending::default() })
    })?;
    let mut statement = connection.prepare(
        "SELECT state, possibly_billed, coalesce(sum(counted_nano), 0), coalesce(sum(counted_atto), 0),
                count(*) - count(counted_nano)
         FROM reservations WHERE (at_ns >= ?1 OR state = 'open')
             AND (?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR model = ?3)
         GROUP BY state, possibly_billed",
    )?;
    let mut rows = statement.query(params![since, provider, model])?;
    while let Some(row) = rows.next()? {
        let state: String = row.get(0)?;
        let counted = join(row.get(2)?, row.get(3)?);
        let part = match (state.as_str(), row.get(1)?) {
            ("open", _) => &mut sum.open,
            ("settled", false) => &mut sum.spent,
            _ => &mut sum.possible,
        };
        *part = *part + counted;
        sum.unpriced += row.get::<_, u32>(4)?;
    }
    Ok(sum)
}

/// Open reservations of processes that are gone are lost.
fn find_lost(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let here = Owner::current();
    let owners = {
        let mut statement = connection.prepare(
            "SELECT machine, process, process_began, max(at_ns) AS started_ns FROM reservations
             WHERE state = 'open' GROUP BY machine, process, process_began",
        )?;
        let rows = statement.query_map([], |row| Ok((owner(row)?, age(row, now)?)))?;
        rows.collect::<rusqlite::Result<Vec<_>>>()?
    };
    for (owner, _) in owners.iter().filter(|(owner, age)| owner.is_gone(&here, *age)) {
        connection.execute(
            "UPDATE reservations SET state = 'lost', possibly_billed = 1
             WHERE state = 'open' AND machine = ?1 AND process = ?2 AND process_began IS ?3",
            params![owner.machine, owner.process, owner.began],
        )?;
    }
    Ok(())
}

pub(super) fn owner(row: &Row<'_>) -> rusqlite::Result<Owner> {
    Ok(Owner { machine: row.get("machine")?, process: row.get("process")?, began: row.get("process_began")? })
}

pub(super) fn age(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<Duration> {
    Ok(Duration::try_from(now.duration_since(columns::time(row)?)).unwrap_or_default())
}

/// Settled rows that no cap reads any more.
fn forget(connection: &Connection, now: Timestamp) -> rusqlite::Result<()> {
    let before = time_ns(now).saturating_sub(columns::ns(KEPT));
    connection.execute("DELETE FROM reservations WHERE state = 'settled' AND at_ns < ?1", [before]).map(drop)
}

fn insert(
    connection: &Connection,
    command: &str,
    calls: &[Reservation],
    now: Timestamp,
) -> rusqlite::Result<()> {
    let here = Owner::current();
    let mut statement = connection.prepare(
        "INSERT INTO reservations (call, command, provider, model, at_ns, machine, process, process_began,
             worst_nano, worst_atto, state, counted_nano, counted_atto, possibly_billed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'open', ?9, ?10, 0)",
    )?;
    for call in calls {
        let [nano, atto] = parts(call.worst);
        let (provider, model) = (call.model.provider.as_str(), &call.model.model);
        let (id, at) = (call.call.to_string(), time_ns(now));
        statement.execute(params![
            id,
            command,
            provider,
            model,
            at,
            here.machine,
            here.process,
            here.began,
            nano,
            atto
        ])?;
    }
    Ok(())
}

/// Two columns of an amount. More than a call can ever cost is kept as the
/// most that sums can hold.
fn parts(cost: Option<Cost>) -> [Value; 2] {
    let Some(cost) = cost else { return [Value::Null, Value::Null] };
    let (nano, atto) = split(cost.max(Cost::ZERO)).unwrap_or((columns::MOST_NANO, 0));
    [nano.into(), atto.into()]
}

pub(super) fn amount(row: &Row<'_>, nano: &str, atto: &str) -> rusqlite::Result<Option<Cost>> {
    let parts: (Option<i64>, Option<i64>) = (row.get(nano)?, row.get(atto)?);
    Ok(parts.0.zip(parts.1).map(|(nano, atto)| join(nano, atto)))
}

pub(super) mod settle;
#[cfg(test)]
mod tests;
