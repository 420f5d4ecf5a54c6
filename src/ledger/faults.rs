//! Failures, dropped parameters and attempts as they are stored.

use std::time::Duration;

use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use super::columns::{duration, ns, unreadable};
use crate::outcome::Attempt;
use crate::wire::{ApiError, Dropped, FailureKind};

/// A failure as JSON, so that SQL can ask for `error ->> 'kind'`.
pub(super) fn to_json(error: &ApiError) -> String {
    json!({
        "kind": error.kind.as_str(),
        "status": error.status,
        "code": error.code,
        "message": error.message,
        "retry_after_ns": error.retry_after.map(ns),
        "should_retry": error.should_retry,
        "request_id": error.request_id,
    })
    .to_string()
}

pub(super) fn from_json(text: &str) -> Option<ApiError> {
    let json: Value = serde_json::from_str(text).ok()?;
    let string = |field: &str| json[field].as_str().map(str::to_owned);
    Some(ApiError {
        status: json["status"].as_u64().and_then(|status| u16::try_from(status).ok()),
        kind: FailureKind::parse(json["kind"].as_str()?)?,
        code: string("code"),
        message: string("message")?,
        retry_after: json["retry_after_ns"].as_u64().map(Duration::from_nanos),
        should_retry: json["should_retry"].as_bool(),
        request_id: string("request_id"),
    })
}

/// `None` where nothing was dropped.
pub(super) fn dropped_to_json(dropped: &[Dropped]) -> Option<String> {
    let list: Vec<Value> =
        dropped.iter().map(|one| json!({"param": one.param, "reason": one.reason})).collect();
    (!list.is_empty()).then(|| Value::from(list).to_string())
}

pub(super) fn dropped_from_json(text: &str) -> Option<Vec<Dropped>> {
    let json: Value = serde_json::from_str(text).ok()?;
    let string = |one: &Value, field: &str| one[field].as_str().map(str::to_owned);
    json.as_array()?
        .iter()
        .map(|one| Some(Dropped { param: string(one, "param")?, reason: string(one, "reason")? }))
        .collect()
}

/// Adds the attempts of a call.
pub(super) fn insert_attempts(
    connection: &Connection,
    call: i64,
    attempts: &[Attempt],
) -> rusqlite::Result<()> {
    if attempts.is_empty() {
        return Ok(());
    }
    let mut insert = connection.prepare(
        "INSERT INTO attempts (call, number, started_ns, took_ns, waited_ns, status, error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (number, attempt) in (1_i64..).zip(attempts) {
        insert.execute(params![
            call,
            number,
            ns(attempt.started),
            ns(attempt.took),
            attempt.waited.map(ns),
            attempt.status,
            attempt.error.as_ref().map(to_json),
        ])?;
    }
    Ok(())
}

/// Reads the attempts of call `?1`, for [`attempt`].
pub(super) const ATTEMPTS: &str = "SELECT * FROM attempts WHERE call = ?1 ORDER BY number";

pub(super) fn attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    let error: Option<String> = row.get("error")?;
    Ok(Attempt {
        started: duration(row.get("started_ns")?),
        took: duration(row.get("took_ns")?),
        status: row.get("status")?,
        error: error.map(|text| from_json(&text).ok_or_else(|| unreadable("error", &text))).transpose()?,
        waited: row.get::<_, Option<i64>>("waited_ns")?.map(duration),
    })
}
