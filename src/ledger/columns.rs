//! One row of `calls`, there and back.
//!
//! Columns are set and read by name, group by group, the two directions of a
//! group side by side.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};
use ulid::Ulid;

use super::faults;
use crate::chat::{Finish, Params, Request};
use crate::model::ModelRef;
use crate::money::{Bill, Cost, CostSource, Tokens, Usage, UsageSource};
use crate::outcome::{Clock, CountedUsage, Outcome, Status};

/// A count above this is a server's mistake. It is kept as this, so that sums
/// over all calls can't overflow.
const MOST_TOKENS: u64 = 1_000_000_000_000;

/// Units of [`Cost`] in one unit of `cost_nano`.
const ATTO_PER_NANO: i128 = 1_000_000_000;

/// A million USD for one call is a server's mistake too. Such an amount is
/// kept as unknown.
pub(super) const MOST_NANO: i64 = 1_000_000 * 1_000_000_000;

/// The columns of a row that is to be written.
#[derive(Default)]
pub(super) struct NewRow {
    names: Vec<&'static str>,
    values: Vec<Value>,
}

impl NewRow {
    pub(super) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.names.push(name);
        self.values.push(value.into());
    }

    /// Adds the row; the result is its `seq`.
    pub(super) fn insert(self, connection: &Connection) -> rusqlite::Result<i64> {
        let names = self.names.join(", ");
        let marks = vec!["?"; self.names.len()].join(", ");
        connection
            .prepare(&format!("INSERT INTO calls ({names}) VALUES ({marks})"))?
            .insert(params_from_iter(self.values))
    }
}

/// A column's text, where it is not what its reader knows.
#[derive(Debug, thiserror::Error)]
#[error("the column `{column}` holds `{text}`, which is not understood")]
struct Unreadable {
    column: String,
    text: String,
}

/// The error for a value that no pollm of this format has written.
pub(super) fn unreadable(column: &str, text: &str) -> rusqlite::Error {
    let unreadable = Unreadable { column: column.to_owned(), text: text.chars().take(40).collect() };
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(unreadable))
}

/// A word that `parse` knows.
pub(super) fn word<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| unreadable(column, &text))
}

fn word_or_null<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| parse(&text).ok_or_else(|| unreadable(column, &text))).transpose()
}

pub(super) fn ulid(row: &Row<'_>, column: &str) -> rusqlite::Result<Ulid> {
    word(row, column, |text| Ulid::from_str(text).ok())
}

/// A whole number that fits; anything else in the file is damage.
fn number<T: TryFrom<i64>>(row: &Row<'_>, column: &str) -> rusqlite::Result<T> {
    let value: i64 = row.get(column)?;
    T::try_from(value).map_err(|_| unreadable(column, &value.to_string()))
}

/// Nanoseconds; 292 years at most.
pub(super) fn ns(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

pub(super) fn duration(ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(0))
}

/// Nanoseconds since 1970, for the years 1678 to 2262.
pub(super) fn time_ns(time: Timestamp) -> i64 {
    let ns = time.as_nanosecond();
    i64::try_from(ns).unwrap_or(if ns < 0 { i64::MIN } else { i64::MAX })
}

pub(super) fn time(row: &Row<'_>) -> rusqlite::Result<Timestamp> {
    let ns: i64 = row.get("started_ns")?;
    Timestamp::from_nanosecond(i128::from(ns)).map_err(|_| unreadable("started_ns", &ns.to_string()))
}

/// What a call is called, how it went, and what it went to.
pub(super) fn set_facts(row: &mut NewRow, outcome: &Outcome) {
    row.set("id", outcome.id.to_string());
    row.set("started_ns", time_ns(outcome.started_at));
    row.set("provider", outcome.model.provider.as_str().to_owned());
    row.set("model", outcome.model.model.clone());
    row.set("lane", outcome.lane.clone());
    row.set("served_model", outcome.served_model.clone());
    row.set("served_by", outcome.served_by.clone());
    row.set("request_id", outcome.request_id.clone());
    row.set("status", outcome.status.as_str().to_owned());
    row.set("finish", outcome.finish.map(|finish| finish.as_str().to_owned()));
    row.set("native_finish", outcome.native_finish.clone());
    row.set("error", outcome.error.as_ref().map(faults::to_json));
    row.set("dropped", faults::dropped_to_json(&outcome.dropped));
    row.set("malformed_events", outcome.malformed_events);
}

/// An outcome without its texts and its attempts, which are in other tables.
pub(super) fn outcome(row: &Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(Outcome {
        id: ulid(row, "id")?,
        started_at: time(row)?,
        model: model(row)?,
        lane: row.get("lane")?,
        served_model: row.get("served_model")?,
        served_by: row.get("served_by")?,
        status: word(row, "status", Status::parse)?,
        text: String::new(),
        reasoning: None,
        finish: word_or_null(row, "finish", Finish::parse)?,
        native_finish: row.get("native_finish")?,
        dropped: word_or_null(row, "dropped", faults::dropped_from_json)?.unwrap_or_default(),
        usage: usage(row)?,
        bill: bill(row)?,
        possibly_billed: row.get("possibly_billed")?,
        cached: row.get("cached")?,
        clock: clock(row)?,
        wall: duration(row.get("wall_ns")?),
        streamed: row.get("streamed")?,
        attempts: Vec::new(),
        malformed_events: number(row, "malformed_events")?,
        request_id: row.get("request_id")?,
        error: word_or_null(row, "error", faults::from_json)?,
    })
}

pub(super) fn model(row: &Row<'_>) -> rusqlite::Result<ModelRef> {
    Ok(ModelRef::new(row.get::<_, String>("provider")?, row.get::<_, String>("model")?))
}

pub(super) fn set_usage(row: &mut NewRow, counted: Option<CountedUsage>) {
    let Some(CountedUsage { usage, source }) = counted else { return };
    let mut count = |name, tokens: Tokens| {
        row.set(name, i64::try_from(tokens.0.min(MOST_TOKENS)).unwrap_or(i64::MAX));
    };
    count("input_uncached", usage.input_uncached);
    count("cache_read", usage.cache_read);
    count("cache_write_5m", usage.cache_write_5m);
    count("cache_write_1h", usage.cache_write_1h);
    count("input_audio", usage.input_audio);
    count("output", usage.output);
    count("reasoning", usage.reasoning);
    count("output_audio", usage.output_audio);
    row.set("usage_source", source.as_str().to_owned());
}

pub(super) fn usage(row: &Row<'_>) -> rusqlite::Result<Option<CountedUsage>> {
    let Some(source) = word_or_null(row, "usage_source", UsageSource::parse)? else { return Ok(None) };
    let tokens = |column| number(row, column).map(Tokens);
    let usage = Usage {
        input_uncached: tokens("input_uncached")?,
        cache_read: tokens("cache_read")?,
        cache_write_5m: tokens("cache_write_5m")?,
        cache_write_1h: tokens("cache_write_1h")?,
        input_audio: tokens("input_audio")?,
        output: tokens("output")?,
        reasoning: tokens("reasoning")?,
        output_audio: tokens("output_audio")?,
    };
    Ok(Some(CountedUsage { usage, source }))
}

/// A cost as whole units of 1e-9 USD and the rest in 1e-18 USD.
pub(super) fn split(cost: Cost) -> Option<(i64, i64)> {
    let nano = i64::try_from(cost.atto().div_euclid(ATTO_PER_NANO)).ok()?;
    let atto = i64::try_from(cost.atto().rem_euclid(ATTO_PER_NANO)).ok()?;
    (nano.unsigned_abs() < MOST_NANO.unsigned_abs()).then_some((nano, atto))
}

/// Also right for sums of the two columns.
pub(super) fn join(nano: i64, atto: i64) -> Cost {
    Cost::from_atto(i128::from(nano) * ATTO_PER_NANO + i128::from(atto))
}

pub(super) fn set_bill(row: &mut NewRow, outcome: &Outcome) {
    let parts = outcome.bill.cost.and_then(split);
    let source = if parts.is_some() { outcome.bill.source } else { CostSource::Unknown };
    row.set("cost_nano", parts.map(|(nano, _)| nano));
    row.set("cost_atto", parts.map(|(_, atto)| atto));
    row.set("cost_source", source.as_str().to_owned());
    row.set("cost_approximate", outcome.bill.approximate);
    row.set("possibly_billed", outcome.possibly_billed);
    row.set("cached", outcome.cached);
}

pub(super) fn bill(row: &Row<'_>) -> rusqlite::Result<Bill> {
    let nano: Option<i64> = row.get("cost_nano")?;
    let atto: Option<i64> = row.get("cost_atto")?;
    Ok(Bill {
        cost: nano.zip(atto).map(|(nano, atto)| join(nano, atto)),
        source: word(row, "cost_source", CostSource::parse)?,
        approximate: row.get("cost_approximate")?,
    })
}

pub(super) fn set_clock(row: &mut NewRow, outcome: &Outcome) {
    let clock = &outcome.clock;
    row.set("connected_ns", clock.connected.map(ns));
    row.set("headers_ns", clock.headers.map(ns));
    row.set("first_token_ns", clock.first_token.map(ns));
    row.set("first_visible_ns", clock.first_visible.map(ns));
    row.set("last_token_ns", clock.last_token.map(ns));
    row.set("end_ns", ns(clock.end));
    row.set("longest_gap_ns", clock.longest_gap.map(ns));
    row.set("wall_ns", ns(outcome.wall));
    row.set("token_reads", clock.token_reads);
    row.set("reused", clock.reused);
    row.set("streamed", outcome.streamed);
    row.set("decode_tps", outcome.timing().decode_tps);
}

fn clock(row: &Row<'_>) -> rusqlite::Result<Clock> {
    let point = |column| -> rusqlite::Result<_> { Ok(row.get::<_, Option<i64>>(column)?.map(duration)) };
    Ok(Clock {
        connected: point("connected_ns")?,
        headers: point("headers_ns")?,
        first_token: point("first_token_ns")?,
        first_visible: point("first_visible_ns")?,
        last_token: point("last_token_ns")?,
        end: duration(row.get("end_ns")?),
        token_reads: number(row, "token_reads")?,
        longest_gap: point("longest_gap_ns")?,
        reused: row.get("reused")?,
    })
}

/// What was asked, but for texts and files.
pub(super) fn set_request(row: &mut NewRow, request: &Request) {
    let params = &request.params;
    row.set("turns", i64::try_from(request.messages.len()).unwrap_or(i64::MAX));
    row.set("prompt_chars", i64::try_from(crate::estimate::chars(request)).unwrap_or(i64::MAX));
    row.set("stream_asked", request.stream);
    row.set("temperature", params.temperature);
    row.set("top_p", params.top_p);
    row.set("max_tokens", params.max_tokens);
    row.set("seed", params.seed);
    row.set("stop", (!params.stop.is_empty()).then(|| serde_json::json!(params.stop).to_string()));
    row.set("effort", params.effort.map(|effort| effort.to_string()));
}

/// A request without its texts and files.
pub(super) fn request(row: &Row<'_>) -> rusqlite::Result<Request> {
    let params = Params {
        temperature: row.get("temperature")?,
        top_p: row.get("top_p")?,
        max_tokens: row.get("max_tokens")?,
        seed: row.get("seed")?,
        stop: word_or_null(row, "stop", |text| serde_json::from_str(text).ok())?.unwrap_or_default(),
        effort: word_or_null(row, "effort", |text| text.parse().ok())?,
        ..Params::default()
    };
    Ok(Request { params, stream: row.get("stream_asked")?, ..Request::default() })
}
