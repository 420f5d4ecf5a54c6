//! What earlier calls of a model say about its next one.

use rusqlite::params;

use super::Ledger;
use super::error::LedgerError;
use crate::estimate::{Known, Measured};
use crate::model::ModelRef;

/// So many of a model's latest calls are looked at where its whole past counts.
const MANY: u32 = 5_000;

/// So many of a model's latest calls are looked at.
const LATEST: u32 = 200;

/// So many of those that fit are enough for a median: it is read for each
/// candidate of a route before anything is sent.
const ENOUGH: u32 = 50;

/// The latest calls of a model. The index `calls_by_model` has all of it.
pub(super) const FIGURES: &str = "SELECT prompt_chars, input_uncached + cache_read + cache_write_5m + cache_write_1h, output,
         EXISTS (SELECT 1 FROM parts WHERE call = seq AND kind IS NOT NULL)
     FROM (SELECT seq, prompt_chars, input_uncached, cache_read, cache_write_5m, cache_write_1h, output, status,
             usage_source, cached
         FROM calls WHERE provider = ?1 AND model = ?2 ORDER BY seq DESC LIMIT ?3)
     WHERE status = 'ok' AND usage_source = 'reported' AND cached = 0 AND prompt_chars BETWEEN ?4 AND ?5
     LIMIT ?6";

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
        let figures = self.alike(model, range, (LATEST, ENOUGH)).map_err(self.reading())?;
        let without_files = figures.iter().filter(|call| !call.has_files && call.chars > 0);
        let ratios = without_files.map(|call| call.input.saturating_mul(1_000) / call.chars);
        Ok(Known {
            tokens_per_1000_chars: Measured::of(ratios.collect()),
            output: Measured::of(figures.iter().map(|call| call.output).collect()),
            usual_output: None,
        })
    }

    /// The tokens that a provider counts for a thousand characters, by all
    /// prompts of a model without attachments.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn tokens_per_1000_chars(&self, model: &ModelRef) -> Result<Option<Measured>, LedgerError> {
        let figures = self.alike(model, (1, i64::MAX), (MANY, LATEST)).map_err(self.reading())?;
        let without_files = figures.iter().filter(|call| !call.has_files);
        let ratios = without_files.map(|call| call.input.saturating_mul(1_000) / call.chars);
        Ok(Measured::of(ratios.collect()))
    }

    /// Of the model's latest calls, `of` at most, the first `enough` that fit.
    fn alike(
        &self,
        model: &ModelRef,
        (least, most): (i64, i64),
        (of, enough): (u32, u32),
    ) -> rusqlite::Result<Vec<Figures>> {
        let mut statement = self.connection.prepare(FIGURES)?;
        let (provider, model) = (model.provider.as_str(), model.model.as_str());
        let rows = statement.query_map(params![provider, model, of, least, most, enough], |row| {
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
