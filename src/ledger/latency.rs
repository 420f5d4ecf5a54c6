//! How fast models answered this user.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::params;

use super::Ledger;
use super::columns::duration;
use super::error::LedgerError;
use crate::model::ModelRef;

/// So many of the latest calls are looked at: what was fast a year ago says
/// little.
const LATEST: u32 = 5_000;

impl Ledger {
    /// The median time to the first visible word in milliseconds, by model, of
    /// good calls that streamed and did not come out of a provider's cache.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn first_words(&self) -> Result<HashMap<ModelRef, f64>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT provider, model, first_visible_ns FROM
                     (SELECT * FROM calls ORDER BY seq DESC LIMIT ?1)
                 WHERE status = 'ok' AND streamed = 1 AND cached = 0 AND first_visible_ns IS NOT NULL
                 ORDER BY provider, model, first_visible_ns",
            )?;
            let rows = statement.query_map([LATEST], |row| {
                let (provider, model): (String, String) = (row.get(0)?, row.get(1)?);
                Ok((ModelRef::new(provider, model), row.get::<_, i64>(2)?))
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = read().map_err(self.reading())?;
        let of_one_model = rows.chunk_by(|(a, _), (b, _)| a == b);
        Ok(of_one_model.map(|calls| (calls[0].0.clone(), median(calls))).collect())
    }
}

impl Ledger {
    /// The times to the first visible word of a model's latest `most` calls, in
    /// rising order; of the same calls as in [`Ledger::first_words`].
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn first_words_of(&self, model: &ModelRef, most: u32) -> Result<Vec<Duration>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT first_visible_ns FROM
                     (SELECT * FROM calls ORDER BY seq DESC LIMIT ?1)
                 WHERE provider = ?2 AND model = ?3
                 AND status = 'ok' AND streamed = 1 AND cached = 0 AND first_visible_ns IS NOT NULL
                 ORDER BY seq DESC LIMIT ?4",
            )?;
            let of = params![LATEST, model.provider.as_str(), model.model, most];
            let rows = statement.query_map(of, |row| Ok(duration(row.get(0)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut times = read().map_err(self.reading())?;
        times.sort_unstable();
        Ok(times)
    }
}

/// The median of times in rising order, in milliseconds.
#[expect(clippy::cast_precision_loss, reason = "2^53 nanoseconds are a hundred days")]
fn median(calls: &[(ModelRef, i64)]) -> f64 {
    let middle = calls.len() / 2;
    let upper = calls[middle].1 as f64;
    let nanoseconds =
        if calls.len().is_multiple_of(2) { f64::midpoint(calls[middle - 1].1 as f64, upper) } else { upper };
    nanoseconds / 1e6
}
