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
    /// nothing, letter by letter, and no character is special.
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
        let [lower, upper] = match query.term.map(containing) {
            Some(patterns) => patterns.map(Some),
            None => [None, None],
        };
        let rows = || {
            self.connection
                .prepare(
                    "SELECT calls.*, (
                         SELECT substr(body, 1, ?3) FROM parts JOIN contents ON contents.id = content
                         WHERE call = seq AND turn = turns AND role = 'user' AND kind IS NULL ORDER BY part LIMIT 1
                     ) AS prompt
                     FROM calls WHERE ?1 IS NULL OR EXISTS (
                         SELECT 1 FROM parts JOIN contents ON contents.id = content
                         WHERE call = seq AND kind IS NULL AND (body GLOB ?1 OR body GLOB ?4)
                         AND (role = 'answer' OR role = 'user' AND turn = turns)
                     ) ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![lower, limit, GLANCE, upper], listed)?
                .collect::<rusqlite::Result<_>>()
        };
        rows().map_err(self.reading())
    }
}

/// The patterns of `GLOB` for texts that contain a term in any case: a text
/// matches one of the two. `LIKE` knows the case of ASCII only.
///
/// A pattern that begins with a letter is searched for many times as fast as
/// one that begins with a set, so each case of the first letter has its own.
fn containing(term: &str) -> [String; 2] {
    let mut letters = term.chars();
    let first = letters.next().map(cases).unwrap_or_default();
    let rest: String = letters.map(|letter| any_of(&cases(letter))).collect();
    let (typed, others) = first.split_at(first.len().min(1));
    let others = if others.is_empty() { typed } else { others };
    [typed, others].map(|begin| format!("*{}{rest}*", any_of(begin)))
}

/// A letter as typed, and in its other case. Where that has several letters
/// (`ß`, `SS`) it does not count.
fn cases(letter: char) -> Vec<char> {
    let [lower, upper] = [only(letter.to_lowercase()), only(letter.to_uppercase())];
    // The one letter of Greek that has two small forms.
    let small: &[char] = if upper == Some('Σ') { &['σ', 'ς'] } else { &[] };
    let mut cases = vec![letter];
    for case in lower.into_iter().chain(upper).chain(small.iter().copied()) {
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases
}

fn only(mut letters: impl Iterator<Item = char>) -> Option<char> {
    letters.next().filter(|_| letters.next().is_none())
}

/// The pattern of one character: itself, or a set, in which nothing is special.
fn any_of(cases: &[char]) -> String {
    match cases {
        [] => String::new(),
        [plain] if !matches!(plain, '*' | '?' | '[') => plain.to_string(),
        _ => format!("[{}]", cases.iter().collect::<String>()),
    }
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
