//! Comparisons: what was asked of several lanes, and the calls that belong to it.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value, json};
use ulid::Ulid;

use super::columns::{self, NewRow};
use super::error::{Action, LedgerError};
use super::ids::Range;
use super::read::Reader;
use super::{Ledger, StoredCall};
use crate::comparison::Checked;

/// Where in a comparison a call belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The comparison.
    pub comparison: Ulid,
    /// The lane, counted from 0.
    pub lane: usize,
    /// The run: 1, 2, … and for warm-ups 0, -1, …, the last of them 0.
    pub run: i64,
    /// The prompt, where there are several, counted from 0.
    pub item: Option<usize>,
}

/// A comparison as it was begun.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredComparison {
    /// Its id.
    pub id: Ulid,
    /// When it began.
    pub started_at: Timestamp,
    /// What was asked, as text.
    pub prompt: String,
    /// Lanes, parameters, runs and checks, as `compare` wrote them.
    pub plan: Value,
    /// Of many prompts: equal where the same is asked of the same lanes.
    pub fingerprint: Option<String>,
}

/// One call of a comparison.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Its place.
    pub place: Place,
    /// What the checks said.
    pub checks: Vec<Checked>,
    /// The call.
    pub call: StoredCall,
}

/// A comparison that was deleted while it was under way has its calls kept by themselves.
pub(super) fn set_place(row: &mut NewRow, place: Place, connection: &Connection) -> rusqlite::Result<()> {
    let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let sql = "SELECT id FROM comparisons WHERE id = ?1";
    let known = connection.query_row(sql, [place.comparison.to_string()], |row| row.get(0)).optional()?;
    row.set("comparison", known.unwrap_or(rusqlite::types::Value::Null));
    row.set("lane_index", number(place.lane));
    row.set("run", place.run);
    row.set("item", place.item.map(number));
    Ok(())
}

impl Ledger {
    /// Writes what a comparison is about, before its first call. One that is
    /// gone on with becomes the latest, and keeps who is at it.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn begin_comparison(&mut self, begun: &StoredComparison) -> Result<(), LedgerError> {
        let row = params![
            begun.id.to_string(),
            columns::time_ns(begun.started_at),
            begun.prompt,
            begun.plan.to_string(),
            begun.fingerprint
        ];
        let sql =
            "INSERT INTO comparisons (id, started_ns, prompt, plan, fingerprint) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET plan =
                     CASE WHEN json_extract(plan, '$.owners') IS NULL THEN excluded.plan
                     ELSE json_set(excluded.plan, '$.owners', json_extract(plan, '$.owners')) END,
                 rowid = 1 + (SELECT max(rowid) FROM comparisons)";
        let written = self.connection.execute(sql, row);
        written.map(drop).map_err(|error| LedgerError::sqlite(&self.path, Action::Write, error))
    }

    /// Writes what the checks said of a call.
    ///
    /// # Errors
    /// As [`Ledger::append`].
    pub fn set_checks(&mut self, call: Ulid, checks: &[Checked]) -> Result<(), LedgerError> {
        let sql = "UPDATE calls SET checks = ?2 WHERE id = ?1";
        let written = self.connection.execute(sql, params![call.to_string(), checks_to_json(checks)]);
        written.map(drop).map_err(|error| LedgerError::sqlite(&self.path, Action::Write, error))
    }

    /// The comparison that was begun last.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn latest_comparison(&self) -> Result<Option<StoredComparison>, LedgerError> {
        let sql = "SELECT * FROM comparisons ORDER BY rowid DESC LIMIT 1";
        self.connection.query_row(sql, [], stored).optional().map_err(self.reading())
    }

    /// The comparison with an id that begins as given.
    ///
    /// # Errors
    /// Where there is none, or the file can't be read.
    pub fn comparison(&self, id: &str) -> Result<StoredComparison, LedgerError> {
        let range = Range::of(id).ok_or_else(|| LedgerError::NotAnId(id.to_owned()))?;
        let sql = "SELECT * FROM comparisons WHERE id BETWEEN ?1 AND ?2 ORDER BY rowid DESC LIMIT 1";
        let found = self.connection.query_row(sql, params![range.first, range.last], stored).optional();
        let missing = || LedgerError::Missing { what: "comparison", id: id.to_owned() };
        found.map_err(self.reading())?.ok_or_else(missing)
    }

    /// The calls of a comparison in the order in which they ended.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn runs(&self, comparison: Ulid) -> Result<Vec<StoredRun>, LedgerError> {
        let read = || {
            let sql =
                "SELECT seq, lane_index, run, item, checks FROM calls WHERE comparison = ?1 ORDER BY seq";
            let mut statement = self.connection.prepare(sql)?;
            let mut reader = Reader::new(&self.connection)?;
            let mut rows = statement.query([comparison.to_string()])?;
            let mut runs = Vec::new();
            while let Some(row) = rows.next()? {
                let (place, checks) = (place(row, comparison)?, checks(row)?);
                if let Some(call) = reader.read(row.get("seq")?)? {
                    runs.push(StoredRun { place, checks, call });
                }
            }
            Ok(runs)
        };
        read().map_err(self.reading())
    }
}

pub(super) fn stored(row: &Row<'_>) -> rusqlite::Result<StoredComparison> {
    Ok(StoredComparison {
        id: columns::ulid(row, "id")?,
        started_at: columns::time(row)?,
        prompt: row.get("prompt")?,
        plan: columns::word(row, "plan", |text| serde_json::from_str(text).ok())?,
        fingerprint: row.get("fingerprint")?,
    })
}

pub(super) fn place(row: &Row<'_>, comparison: Ulid) -> rusqlite::Result<Place> {
    let item: Option<i64> = row.get("item")?;
    let number = |number: i64| usize::try_from(number).unwrap_or_default();
    Ok(Place {
        comparison,
        lane: number(row.get("lane_index")?),
        run: row.get("run")?,
        item: item.map(number),
    })
}

fn checks_to_json(checks: &[Checked]) -> String {
    let checks = checks.iter().map(|checked| json!({"check": checked.check, "failure": checked.failure}));
    Value::Array(checks.collect()).to_string()
}

pub(super) fn checks(row: &Row<'_>) -> rusqlite::Result<Vec<Checked>> {
    let text: Option<String> = row.get("checks")?;
    let Some(text) = text else { return Ok(Vec::new()) };
    let read = || -> Option<Vec<Checked>> {
        let list: Vec<Value> = serde_json::from_str(&text).ok()?;
        let one = |value: &Value| {
            Some(Checked {
                check: value["check"].as_str()?.to_owned(),
                failure: value["failure"].as_str().map(str::to_owned),
            })
        };
        list.iter().map(one).collect()
    };
    read().ok_or_else(|| columns::unreadable("checks", &text))
}
