//! `--prompts FILE`: many prompts in one file.
//!
//! - `.txt`: one prompt a line. Blank lines are skipped.
//! - `.jsonl`: one JSON object a line, with `prompt` and, if wanted, `id`, a
//!   text or a whole number. Other fields and blank lines are skipped.
//! - `.csv`: a header with a column `prompt` and, if wanted, `id`; commas,
//!   and quotes as RFC 4180 has them, line ends inside them included. Other
//!   columns are skipped.
//!
//! A prompt without an id (a blank one is none) has its number, counted from 1.
//! The text is UTF-8, with or without a byte order mark, or UTF-16 with one.
//! Stdin is not read: it has no name that would say which of the three it is.

use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::file;
use crate::error::{Error, Result};

/// One prompt of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name in the results, no two alike.
    pub id: String,
    /// What is asked; never white space alone.
    pub prompt: String,
    /// Where it begins in the file, counted from 1.
    pub line: usize,
}

/// Reads all prompts of a file of at most 64 MiB.
///
/// # Errors
/// [`crate::error::ErrorKind::Usage`] with the file and the line, for a file
/// that can't be read, is of another kind or holds no prompts, and for lines
/// that are not as they should be.
pub fn load_list(path: &Path) -> Result<Vec<Item>> {
    let name = path.display().to_string();
    let kind = ListKind::of(path).ok_or_else(|| unknown(&name))?;
    parse_list(kind, &name, file::read(path, file::LIMIT)?)
}

/// What a file of prompts is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// `.txt`: one prompt a line.
    Lines,
    /// `.jsonl`: one object a line.
    JsonLines,
    /// `.csv`: a table with a header.
    Table,
}

impl ListKind {
    /// The kind that a file's name tells.
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" => Some(Self::Lines),
            "jsonl" => Some(Self::JsonLines),
            "csv" => Some(Self::Table),
            _ => None,
        }
    }
}

/// Reads the prompts in the bytes of a file; `name` is for messages.
///
/// # Errors
/// As [`load_list`], for what is in the file.
pub fn parse_list(kind: ListKind, name: &str, bytes: Vec<u8>) -> Result<Vec<Item>> {
    let text = decode(name, bytes)?;
    let items = match kind {
        ListKind::Lines => lines(&text),
        ListKind::JsonLines => json_lines(name, &text)?,
        ListKind::Table => table(name, &text)?,
    };
    if items.is_empty() {
        return Err(Error::usage(format!("`{name}` holds no prompts")));
    }
    let mut lines = HashMap::with_capacity(items.len());
    for item in &items {
        if let Some(first) = lines.insert(item.id.as_str(), item.line) {
            return Err(at(name, item.line, format!("the id `{}` is that of line {first} too", item.id)));
        }
    }
    Ok(items)
}

fn unknown(name: &str) -> Error {
    let what = if name == "-" { "`--prompts` does not read stdin" } else { "unknown kind of prompts file" };
    let error = Error::usage(if name == "-" { what.to_owned() } else { format!("{what}: `{name}`") });
    error.hint("`.txt` has one prompt a line, `.jsonl` objects with `prompt` and `id`, `.csv` such columns")
}

fn at(name: &str, line: usize, why: impl std::fmt::Display) -> Error {
    Error::usage(format!("{name}:{line}: {why}"))
}

fn decode(name: &str, bytes: Vec<u8>) -> Result<String> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    let fault = if is_utf16 { None } else { std::str::from_utf8(&bytes).err() };
    if let Some(fault) = fault {
        let before = bytes.get(..fault.valid_up_to()).unwrap_or_default();
        return Err(at(name, memchr::memchr_iter(b'\n', before).count() + 1, "this is not UTF-8"));
    }
    file::decode(name, bytes)
}

/// Lines that are not blank, with their numbers.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(place, line)| (place + 1, line));
    lines.filter(|(_, line)| !line.trim().is_empty())
}

fn lines(text: &str) -> Vec<Item> {
    let item = |(place, (line, prompt)): (usize, (usize, &str))| Item {
        id: (place + 1).to_string(),
        prompt: prompt.to_owned(),
        line,
    };
    numbered(text).enumerate().map(item).collect()
}

#[derive(Deserialize)]
struct Row {
    prompt: String,
    #[serde(default)]
    id: Value,
}

fn json_lines(name: &str, text: &str) -> Result<Vec<Item>> {
    let item = |(place, (line, json)): (usize, (usize, &str))| {
        let row: Row = serde_json::from_str(json).map_err(|error| at(name, line, json_fault(&error)))?;
        let id = match row.id {
            Value::Null => None,
            Value::String(id) => Some(id),
            Value::Number(id) if !id.is_f64() => Some(id.to_string()),
            _ => return Err(at(name, line, "`id` is neither a text nor a whole number")),
        };
        item(name, line, place, row.prompt, id)
    };
    numbered(text).enumerate().map(item).collect()
}

/// Without the line, which is always the first of one.
fn json_fault(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or_default();
    format!("{what} (column {})", error.column())
}

fn item(name: &str, line: usize, place: usize, prompt: String, id: Option<String>) -> Result<Item> {
    if prompt.trim().is_empty() {
        return Err(at(name, line, "the prompt is empty"));
    }
    let id = id.filter(|id| !id.trim().is_empty()).unwrap_or_else(|| (place + 1).to_string());
    Ok(Item { id, prompt, line })
}

fn table(name: &str, text: &str) -> Result<Vec<Item>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut items = Vec::new();
    let mut columns = None;
    let mut lines = Lines { text: text.as_bytes(), byte: 0, line: 1 };
    while reader.read_record(&mut record).map_err(|error| csv_fault(name, &error, &mut lines))? {
        let line = lines.of(record.position());
        let Some((prompt, id)) = columns else {
            columns = Some(header(name, line, &record)?);
            continue;
        };
        let prompt = record.get(prompt).unwrap_or_default().to_owned();
        let id = id.and_then(|id| record.get(id)).map(str::to_owned);
        items.push(item(name, line, items.len(), prompt, id)?);
    }
    // The reader takes what follows an open quote for one field, to the end.
    if !memchr::memchr_iter(b'"', text.as_bytes()).count().is_multiple_of(2) {
        return Err(at(name, lines.line, "a quote is opened and never closed").hint(
            "a field that holds quotes stands in quotes, and those inside are doubled: \"so \"\"called\"\"\"",
        ));
    }
    Ok(items)
}

/// Lines of records, which end as the reader has it: with CR, LF or both. Its own
/// numbers do not count the line ends that it skips before a record.
struct Lines<'a> {
    text: &'a [u8],
    byte: usize,
    line: usize,
}

impl Lines<'_> {
    /// The line that a record begins in; records are asked for in their order.
    fn of(&mut self, position: Option<&csv::Position>) -> usize {
        let start = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.byte);
        let rest = self.text.get(start..).unwrap_or_default();
        let start = start + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let passed = self.text.get(self.byte..start).unwrap_or_default();
        let is_end = |&end: &usize| passed.get(end..end + 2) != Some(b"\r\n");
        self.line += memchr::memchr2_iter(b'\r', b'\n', passed).filter(is_end).count();
        self.byte = start.max(self.byte);
        self.line
    }
}

/// The places of the columns `prompt` and `id`.
fn header(name: &str, line: usize, record: &csv::StringRecord) -> Result<(usize, Option<usize>)> {
    let one = |wanted: &str| {
        let is_wanted = |field: &str| field.trim().eq_ignore_ascii_case(wanted);
        let mut places =
            record.iter().enumerate().filter(|(_, field)| is_wanted(field)).map(|(place, _)| place);
        match (places.next(), places.next()) {
            (_, Some(_)) => Err(at(name, line, format!("two columns `{wanted}`"))),
            (place, None) => Ok(place),
        }
    };
    let Some(prompt) = one("prompt")? else {
        let error = at(name, line, "the header has no column `prompt`");
        return Err(match record.iter().any(|field| field.contains([';', '\t'])) {
            true => error.hint("columns are separated by commas"),
            false => error,
        });
    };
    Ok((prompt, one("id")?))
}

fn csv_fault(name: &str, error: &csv::Error, lines: &mut Lines<'_>) -> Error {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            at(name, lines.of(pos.as_ref()), format!("{len} fields where the header has {expected_len}"))
                .hint("a prompt with commas stands in quotes")
        }
        _ => Error::usage(format!("could not read `{name}`")).because(error),
    }
}

#[cfg(test)]
mod tests;
