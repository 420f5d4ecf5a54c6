//! What calls used and cost, one after the other, for sums over years of use.

use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{OptionalExtension as _, Row, params};

use super::Ledger;
use super::columns::{join, time_ns, unreadable};
use super::error::LedgerError;
use crate::money::{Bill, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::CountedUsage;

/// What one call used and cost. Texts are borrowed from the file's page: a
/// hundred thousand calls are read in a moment.
#[derive(Clone, Debug)]
pub struct Spent<'r> {
    /// When it began, in nanoseconds since 1970.
    pub started_ns: i64,
    /// Who was asked.
    pub provider: &'r str,
    /// The model at that provider.
    pub model: &'r str,
    /// The command that made it.
    pub command: &'r str,
    /// Token counts.
    pub usage: Option<CountedUsage>,
    /// What it cost.
    pub bill: Bill,
    /// It may have been billed although its end is unknown.
    pub possibly_billed: bool,
    /// The effort that was asked for, in its word.
    pub effort: Option<&'r str>,
    /// The provider's id of the request.
    pub request_id: Option<&'r str>,
}

const COLUMNS: &str = "started_ns, provider, model, command, usage_source, input_uncached, cache_read,
    cache_write_5m, cache_write_1h, input_audio, output, reasoning, output_audio,
    cost_nano, cost_atto, cost_source, cost_approximate, possibly_billed, effort, request_id";

impl Ledger {
    /// Goes through the calls that began in a span of time, oldest first: from
    /// `since`, inclusive, to `until`, exclusive.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn each_spent(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        visit: &mut dyn FnMut(&Spent<'_>),
    ) -> Result<(), LedgerError> {
        let mut read = || {
            // `calls_by_time` has all of these columns in this order: no row of
            // `calls`, which are wide and far apart, is read.
            let query = format!(
                "SELECT {COLUMNS} FROM calls WHERE started_ns >= ?1 AND started_ns < ?2 ORDER BY started_ns"
            );
            let mut statement = self.connection.prepare(&query)?;
            let from = since.map_or(i64::MIN, time_ns);
            let mut rows = statement.query(params![from, until.map_or(i64::MAX, time_ns)])?;
            while let Some(row) = rows.next()? {
                visit(&spent(row)?);
            }
            Ok(())
        };
        read().map_err(self.reading())
    }

    /// Whether there is any call.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn has_calls(&self) -> Result<bool, LedgerError> {
        let first = self.connection.query_row("SELECT 1 FROM calls LIMIT 1", [], |_| Ok(())).optional();
        first.map(|first| first.is_some()).map_err(self.reading())
    }
}

fn text<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<Option<&'r str>> {
    Ok(row.get_ref(at)?.as_str_or_null()?)
}

fn needed<'r>(row: &'r Row<'_>, at: usize) -> rusqlite::Result<&'r str> {
    Ok(row.get_ref(at)?.as_str()?)
}

fn whole(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<i64>> {
    Ok(row.get_ref(at)?.as_i64_or_null()?)
}

fn flag(row: &Row<'_>, at: usize) -> rusqlite::Result<bool> {
    Ok(!matches!(row.get_ref(at)?, ValueRef::Integer(0)))
}

fn spent<'r>(row: &'r Row<'_>) -> rusqlite::Result<Spent<'r>> {
    let source = needed(row, 15)?;
    Ok(Spent {
        started_ns: whole(row, 0)?.unwrap_or(0),
        provider: needed(row, 1)?,
        model: needed(row, 2)?,
        command: needed(row, 3)?,
        usage: usage(row)?,
        bill: Bill {
            cost: whole(row, 13)?.zip(whole(row, 14)?).map(|(nano, atto)| join(nano, atto)),
            source: CostSource::parse(source).ok_or_else(|| unreadable("cost_source", source))?,
            approximate: flag(row, 16)?,
        },
        possibly_billed: flag(row, 17)?,
        effort: text(row, 18)?,
        request_id: text(row, 19)?,
    })
}

fn usage(row: &Row<'_>) -> rusqlite::Result<Option<CountedUsage>> {
    let Some(word) = text(row, 4)? else { return Ok(None) };
    let source = UsageSource::parse(word).ok_or_else(|| unreadable("usage_source", word))?;
    let tokens =
        |at| whole(row, at).map(|count| Tokens(count.and_then(|n| u64::try_from(n).ok()).unwrap_or(0)));
    let usage = Usage {
        input_uncached: tokens(5)?,
        cache_read: tokens(6)?,
        cache_write_5m: tokens(7)?,
        cache_write_1h: tokens(8)?,
        input_audio: tokens(9)?,
        output: tokens(10)?,
        reasoning: tokens(11)?,
        output_audio: tokens(12)?,
    };
    Ok(Some(CountedUsage { usage, source }))
}
