//! The calls at a glance, and finding them by what was said.

use jiff::Timestamp;
use rusqlite::{Row, params};
use ulid::Ulid;

use super::Ledger;
use super::columns;
use super::error::LedgerError;
use crate::model::ModelRef;
use crate::money::Bill;
use crate::outcome::{CountedUsage, Status};

/// Which calls are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListQuery<'a> {
    /// Only calls whose prompt or answer has this text in it. Case counts for
    /// nothing in ASCII letters, and no character is special.
    pub term: Option<&'a str>,
    /// At most so many; `None` for all.
    pub limit: Option<usize>,
}

/// One call at a glance.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    /// The call's id.
    pub id: Ulid,
    /// The conversation that it belongs to.
    pub conversation: Ulid,
    /// The command that made it.
    pub command: String,
    /// When it began.
    pub started_at: Timestamp,
    /// The model that was asked.
    pub model: ModelRef,
    /// The lane's name, with its options.
    pub lane: String,
    /// How it went.
    pub status: Status,
    /// Token counts.
    pub usage: Option<CountedUsage>,
    /// What it costs.
    pub bill: Bill,
    /// It may have been billed although its end is unknown.
    pub possibly_billed: bool,
    /// The first line of the prompt, cut after some hundred characters. Text
    /// of the user's, but it may have come from anywhere.
    pub prompt: String,
}

/// The beginning of a prompt, in characters, in which its first line is looked for.
const GLANCE: i64 = 500;

impl Ledger {
    /// The calls at a glance, newest first.
    ///
    /// # Errors
    /// Where the file can't be read.
    pub fn list(&self, query: &ListQuery<'_>) -> Result<Vec<Listed>, LedgerError> {
        let limit = query.limit.map_or(-1, |limit| i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = || {
            self.connection
                .prepare(
                    "SELECT calls.*, (
                         SELECT substr(body, 1, ?3) FROM parts JOIN contents ON contents.id = content
                         WHERE call = seq AND turn = turns AND role = 'user' AND kind IS NULL ORDER BY part LIMIT 1
                     ) AS prompt
                     FROM calls WHERE ?1 IS NULL OR EXISTS (
                         SELECT 1 FROM parts JOIN contents ON contents.id = content
                         WHERE call = seq AND kind IS NULL AND body LIKE ?1 ESCAPE '\\'
                         AND (role = 'answer' OR role = 'user' AND turn = turns)
                     ) ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![query.term.map(containing), limit, GLANCE], listed)?
                .collect::<rusqlite::Result<_>>()
        };
        rows().map_err(self.reading())
    }
}

/// The pattern of `LIKE` for texts that contain a term.
fn containing(term: &str) -> String {
    let mut pattern = String::with_capacity(term.len() + 2);
    pattern.push('%');
    for letter in term.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

fn listed(row: &Row<'_>) -> rusqlite::Result<Listed> {
    let prompt: Option<String> = row.get("prompt")?;
    let first = prompt.as_deref().and_then(|text| text.lines().map(str::trim).find(|line| !line.is_empty()));
    Ok(Listed {
        id: columns::ulid(row, "id")?,
        conversation: columns::ulid(row, "conversation")?,
        command: row.get("command")?,
        started_at: columns::time(row)?,
        model: columns::model(row)?,
        lane: row.get("lane")?,
        status: columns::word(row, "status", Status::parse)?,
        usage: columns::usage(row)?,
        bill: columns::bill(row)?,
        possibly_billed: row.get("possibly_billed")?,
        prompt: first.unwrap_or_default().to_owned(),
    })
}
