//! What routing knows of the user's own calls.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::Ledger;
use super::columns::unreadable;
use super::error::LedgerError;
use super::faults;
use crate::model::ModelRef;
use crate::outcome::Status;
use crate::router::{Checks, Sample};
use crate::wire::FailureKind;

/// So many of the latest calls of a model are looked at: older ones would
/// weigh next to nothing.
const A_MODEL: u32 = 50;

/// So many of the latest calls make the usual answer.
const USUAL: u32 = 200;

/// Characters a token, as everywhere that nobody has counted.
const CHARS_A_TOKEN: u64 = 4;

/// Prompts of a size: none is more than so many times as long as another.
const LIKE: u64 = 8;

/// The latest calls of a model. The index `calls_by_model` has all of it.
pub(super) const LATEST: &str = "SELECT seq, started_ns, status, streamed, reused, connected_ns,
         first_visible_ns, end_ns, decode_tps, prompt_chars, output, served_by
     FROM calls WHERE provider = ?1 AND model = ?2 AND cached = 0 ORDER BY seq DESC LIMIT ?3";

impl Ledger {
    /// The latest calls of each model that measure something, newest first:
    /// good ones and failed ones, but none that a provider's cache answered,
    /// that the user ended, or that failed because of the request itself.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn samples(&self, models: &[&ModelRef]) -> Result<Vec<Vec<Sample>>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(LATEST)?;
            // Why a call failed is not in the index.
            let mut why = self.connection.prepare("SELECT error FROM calls WHERE seq = ?1")?;
            let of_model = |model: &&ModelRef| -> rusqlite::Result<Vec<Sample>> {
                let asked = params![model.provider.as_str(), model.model, A_MODEL];
                let rows = statement.query_map(asked, sample)?.collect::<rusqlite::Result<Vec<_>>>()?;
                let mut samples = Vec::with_capacity(rows.len());
                for (seq, sample) in rows {
                    let Some(sample) = sample else { continue };
                    if !sample.failed || is_fault_of_provider(why.query_row([seq], |row| row.get(0))?) {
                        samples.push(sample);
                    }
                }
                Ok(samples)
            };
            models.iter().map(of_model).collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.reading())
    }

    /// How the latest checked answers of each model did.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn checks(&self, models: &[&ModelRef]) -> Result<Vec<Checks>, LedgerError> {
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT count(*) FILTER (WHERE value ->> 'failure' IS NULL), count(*)
                 FROM (SELECT checks FROM calls
                       WHERE provider = ?1 AND model = ?2 AND checks IS NOT NULL AND status = 'ok'
                       ORDER BY seq DESC LIMIT ?3) AS checked, json_each(checked.checks)",
            )?;
            let mut of_model = |model: &&ModelRef| {
                let asked = params![model.provider.as_str(), model.model, A_MODEL];
                statement.query_row(asked, |row| Ok(Checks { passed: row.get(0)?, of: row.get(1)? }))
            };
            models.iter().map(&mut of_model).collect::<rusqlite::Result<_>>()
        };
        read().map_err(self.reading())
    }

    /// How many calls were ever written, deleted ones included.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn calls_made(&self) -> Result<u64, LedgerError> {
        let latest: Result<Option<i64>, _> =
            self.connection.query_row("SELECT max(seq) FROM calls", [], |row| row.get(0));
        Ok(latest.map_err(self.reading())?.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0))
    }

    /// The median answer in tokens among the latest good calls, on whatever
    /// model, with a prompt of about as many characters; `None` where there are
    /// none.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn usual_output(&self, chars: u64) -> Result<Option<u64>, LedgerError> {
        let bound = |chars: u64| i64::try_from(chars).unwrap_or(i64::MAX);
        let read = || {
            let mut statement = self.connection.prepare(
                "SELECT output FROM (SELECT * FROM calls ORDER BY seq DESC LIMIT ?1)
                 WHERE status = 'ok' AND output > 0 AND prompt_chars BETWEEN ?2 AND ?3 ORDER BY output",
            )?;
            let bounds = (bound(chars / LIKE), bound(chars.max(1).saturating_mul(LIKE)));
            let rows = statement.query_map(params![USUAL, bounds.0, bounds.1], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<i64>>>()
        };
        let outputs = read().map_err(self.reading())?;
        let middle = outputs.len().saturating_sub(1) / 2;
        Ok(outputs.get(middle).and_then(|tokens| u64::try_from(*tokens).ok()))
    }
}

/// Whether a failure says something of the provider, and not of what was asked.
fn is_fault_of_provider(error: Option<String>) -> bool {
    use FailureKind as F;
    let kind = error.and_then(|json| Some(faults::from_json(&json)?.kind));
    let of_request = [F::BadRequest, F::TooLarge, F::ContextLength, F::ContentFilter, F::Cancelled];
    kind.is_some_and(|kind| !of_request.contains(&kind))
}

/// A call by its `seq`, and what it measured; `None` where it measured nothing.
/// Columns are read by their place: a thousand rows are read before each choice.
fn sample(row: &Row<'_>) -> rusqlite::Result<(i64, Option<Sample>)> {
    let seq = row.get(0)?;
    let status: String = row.get(2)?;
    let status = Status::parse(&status).ok_or_else(|| unreadable("status", &status))?;
    if matches!(status, Status::Cancelled | Status::Skipped) {
        return Ok((seq, None));
    }
    let started: i64 = row.get(1)?;
    let at = Timestamp::from_nanosecond(i128::from(started))
        .map_err(|_| unreadable("started_ns", &started.to_string()))?;
    let ms = |column: usize| -> rusqlite::Result<Option<f64>> {
        #[expect(clippy::cast_precision_loss, reason = "2^53 nanoseconds are a hundred days")]
        Ok(row.get::<_, Option<i64>>(column)?.map(|ns| ns as f64 / 1e6))
    };
    let count = |column: usize| -> rusqlite::Result<Option<u64>> {
        Ok(row.get::<_, Option<i64>>(column)?.and_then(|count| u64::try_from(count).ok()))
    };
    let streamed: bool = row.get(3)?;
    let reused: bool = row.get(4)?;
    Ok((
        seq,
        Some(Sample {
            at,
            failed: status != Status::Ok,
            input: count(9)?.unwrap_or(0) / CHARS_A_TOKEN,
            output: count(10)?,
            connect_ms: if reused { Some(0.0) } else { ms(5)? },
            first_visible_ms: ms(6)?.filter(|_| streamed),
            decode_tps: row.get(8)?,
            end_ms: ms(7)?.unwrap_or(0.0),
            host: row.get(11)?,
        }),
    ))
}
