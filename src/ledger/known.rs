//! What earlier calls of a model say about its next one.

use rusqlite::params;

use super::Ledger;
use super::error::LedgerError;
use crate::estimate::{Known, Measured};
use crate::model::ModelRef;

/// So many of the latest calls are looked at, as for latencies.
const LATEST: u32 = 5_000;

/// So many of those that fit are enough for a median.
const ENOUGH: u32 = 200;

/// Prompts are of a size where neither is so many times as long as the other.
const ALIKE: u64 = 4;

impl Ledger {
    /// What good calls of a model say about a prompt of so many characters:
    /// those with prompts of about its size, counted by the provider.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn known(&self, model: &ModelRef, chars: u64) -> Result<Known, LedgerError> {
        let longest = i64::try_from(chars.saturating_mul(ALIKE)).unwrap_or(i64::MAX);
        let range = (i64::try_from(chars / ALIKE).unwrap_or(i64::MAX), longest);
        let figures = self.alike(model, range).map_err(self.reading())?;
        let without_files = figures.iter().filter(|call| !call.has_files && call.chars > 0);
        let ratios = without_files.map(|call| call.input.saturating_mul(1_000) / call.chars);
        Ok(Known {
            tokens_per_1000_chars: Measured::of(ratios.collect()),
            output: Measured::of(figures.iter().map(|call| call.output).collect()),
        })
    }

    /// The tokens that a provider counts for a thousand characters, by all
    /// prompts of a model without attachments.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn tokens_per_1000_chars(&self, model: &ModelRef) -> Result<Option<Measured>, LedgerError> {
        let figures = self.alike(model, (1, i64::MAX)).map_err(self.reading())?;
        let without_files = figures.iter().filter(|call| !call.has_files);
        let ratios = without_files.map(|call| call.input.saturating_mul(1_000) / call.chars);
        Ok(Measured::of(ratios.collect()))
    }

    fn alike(&self, model: &ModelRef, (least, most): (i64, i64)) -> rusqlite::Result<Vec<Figures>> {
        let mut statement = self.connection.prepare(
            "SELECT prompt_chars, input_uncached + cache_read + cache_write_5m + cache_write_1h, output,
                 EXISTS (SELECT 1 FROM parts WHERE call = seq AND kind IS NOT NULL)
             FROM (SELECT * FROM calls ORDER BY seq DESC LIMIT ?1)
             WHERE provider = ?2 AND model = ?3 AND status = 'ok' AND usage_source = 'reported' AND cached = 0
                 AND prompt_chars BETWEEN ?4 AND ?5
             LIMIT ?6",
        )?;
        let (provider, model) = (model.provider.as_str(), model.model.as_str());
        let rows = statement.query_map(params![LATEST, provider, model, least, most, ENOUGH], |row| {
            let count = |at| row.get::<_, i64>(at).map(|count| u64::try_from(count).unwrap_or(0));
            Ok(Figures { chars: count(0)?, input: count(1)?, output: count(2)?, has_files: row.get(3)? })
        })?;
        rows.collect()
    }
}

struct Figures {
    chars: u64,
    input: u64,
    output: u64,
    has_files: bool,
}
