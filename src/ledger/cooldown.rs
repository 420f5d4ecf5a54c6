//! What is left alone, and how often it failed.

use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Ledger;
use super::columns::{ns, time_ns, unreadable, word};
use super::error::{Action, LedgerError};
use crate::cooldown::{Cooling, Failed, LONGEST_ASKED, Lesson, ROW, lesson};
use crate::model::ProviderId;
use crate::outcome::Outcome;
use crate::wire::FailureKind;

/// Stands for all models of a provider.
const WHOLE: &str = "";

impl Ledger {
    /// Everything that is left alone at `now`, by name.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn cooling(&self, now: Timestamp) -> Result<Vec<Cooling>, LedgerError> {
        let read = || {
            // No pause is longer: one that ends later was begun under another clock.
            let latest = time_ns(now).saturating_add(ns(LONGEST_ASKED));
            let mut statement = self.connection.prepare(
                "SELECT provider, model, until_ns, failures, kind FROM cooldowns
                 WHERE until_ns > ?1 AND until_ns <= ?2 ORDER BY provider, model",
            )?;
            let rows = statement.query_map([time_ns(now), latest], |row| {
                let (model, until): (String, i64) = (row.get("model")?, row.get("until_ns")?);
                Ok(Cooling {
                    provider: ProviderId::new(row.get::<_, String>("provider")?),
                    model: Some(model).filter(|model| model != WHOLE),
                    until: Timestamp::from_nanosecond(i128::from(until))
                        .map_err(|_| unreadable("until_ns", &until.to_string()))?,
                    failures: row.get("failures")?,
                    reason: word(row, "kind", FailureKind::parse)?,
                })
            })?;
            rows.collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.reading())
    }

    /// Forgets every pause and every failure of these providers, of all where
    /// none is named; how many pauses were running.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub fn clear_cooldowns(
        &mut self,
        providers: &[ProviderId],
        now: Timestamp,
    ) -> Result<usize, LedgerError> {
        let running = self.cooling(now)?;
        let is_meant = |id: &ProviderId| providers.is_empty() || providers.contains(id);
        let cleared = running.iter().filter(|cooling| is_meant(&cooling.provider)).count();
        let clear = || -> rusqlite::Result<()> {
            if providers.is_empty() {
                self.connection.execute("DELETE FROM cooldowns", [])?;
            }
            for provider in providers {
                let sql = "DELETE FROM cooldowns WHERE provider = ?1";
                self.connection.execute(sql, [provider.as_str()])?;
            }
            Ok(())
        };
        clear().map_err(|error| LedgerError::sqlite(&self.path, Action::Write, error))?;
        Ok(cleared)
    }
}

/// Learns from a call, in the transaction that writes it.
pub(super) fn learn(connection: &Connection, outcome: &Outcome) -> rusqlite::Result<()> {
    let (provider, model) = (outcome.model.provider.as_str(), outcome.model.model.as_str());
    match lesson(outcome) {
        Lesson::Nothing => Ok(()),
        Lesson::Good => {
            let sql = "DELETE FROM cooldowns WHERE provider = ?1 AND model IN (?2, ?3)";
            connection.execute(sql, [provider, model, WHOLE]).map(drop)
        }
        Lesson::Failed(failed) => {
            let model = if failed.whole_provider { WHOLE } else { model };
            // When it failed, not when it is written: the pause began then.
            let at = time_ns(outcome.started_at).saturating_add(ns(outcome.wall));
            count(connection, (provider, model), &failed, at)
        }
    }
}

fn count(
    connection: &Connection,
    (provider, model): (&str, &str),
    failed: &Failed,
    at: i64,
) -> rusqlite::Result<()> {
    let sql = "SELECT failures, until_ns FROM cooldowns
               WHERE provider = ?1 AND model = ?2 AND failed_ns BETWEEN ?3 AND ?4";
    let row = [at.saturating_sub(ns(ROW)), at.saturating_add(ns(ROW))];
    let known = connection.query_row(sql, params![provider, model, row[0], row[1]], |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, i64>(1)?))
    });
    let (before, running) = known.optional()?.unwrap_or((0, i64::MIN));
    let failures = before.saturating_add(failed.times);
    let pause = failed.pause(failures).unwrap_or(Duration::ZERO);
    // A pause that was asked for is not cut short by a lesser failure.
    let until = at.saturating_add(ns(pause)).max(running);
    connection
        .execute(
            "INSERT OR REPLACE INTO cooldowns (provider, model, until_ns, failed_ns, failures, kind)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![provider, model, until, at, failures, failed.kind.as_str()],
        )
        .map(drop)
}
