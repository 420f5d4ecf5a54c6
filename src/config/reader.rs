//! Walks a TOML document and collects everything that is wrong with it.
//!
//! A [`Table`] knows which keys were asked for; [`Table::finish`] reports the
//! rest. So the code that reads a key is the only list of keys.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::nearest::nearest;

/// The errors of one document.
pub(super) struct Problems<'a> {
    path: &'a Path,
    /// Where each line but the first begins, so that a file of nothing but
    /// errors takes no longer than another.
    line_starts: Vec<usize>,
    found: Vec<(usize, Error)>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(path: &'a Path, source: &str) -> Self {
        let line_starts = source.match_indices('\n').map(|(at, _)| at + 1).collect();
        Self { path, line_starts, found: Vec::new() }
    }

    /// Adds an error about the byte `at`; `describe` is told the file and line.
    pub(super) fn add(&mut self, at: usize, describe: impl FnOnce(&str) -> Error) {
        let line = 1 + self.line_starts.partition_point(|start| *start <= at);
        let place = format!("{}, line {line}", self.path.display());
        self.found.push((at, describe(&place)));
    }

    /// The errors in the order of the document, or the value.
    pub(super) fn or<T>(mut self, value: T) -> Result<T, Vec<Error>> {
        if self.found.is_empty() {
            return Ok(value);
        }
        self.found.sort_by_key(|(at, _)| *at);
        Err(self.found.into_iter().map(|(_, error)| error).collect())
    }
}

/// A value with its dotted name and its place.
pub(super) struct Item<'a> {
    pub(super) name: String,
    pub(super) at: usize,
    value: &'a DeValue<'a>,
}

impl<'a> Item<'a> {
    /// Reports that the value is not what it should be. The value itself is
    /// never shown, since it may be a key in the wrong place.
    pub(super) fn invalid(&self, problems: &mut Problems<'_>, why: &str) {
        self.invalid_with_hint(problems, why, None);
    }

    /// As [`Item::invalid`], with a hint.
    pub(super) fn invalid_with_hint(&self, problems: &mut Problems<'_>, why: &str, hint: Option<String>) {
        problems.add(self.at, |place| {
            let mut error = Error::config(format!("invalid `{}` in {place}", self.name));
            error.causes.push(why.to_owned());
            error.hints.extend(hint);
            error
        });
    }

    fn wrong_type(&self, problems: &mut Problems<'_>, expected: &str) {
        self.invalid(problems, &format!("expected {expected}, found {}", kind(self.value)));
    }

    /// The text, where it is one; nothing is reported.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items, where it is a list; nothing is reported.
    pub(super) fn as_list(&self) -> Vec<Item<'a>> {
        match self.value {
            DeValue::Array(array) => self.items_of(array),
            _ => Vec::new(),
        }
    }

    /// The table, where it is one; nothing is reported.
    pub(super) fn as_table(&self) -> Option<Table<'a>> {
        match self.value {
            DeValue::Table(table) => Some(Table::new(self.name.clone(), self.at, table)),
            _ => None,
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.value, DeValue::String(_))
    }

    pub(super) fn is_number(&self) -> bool {
        matches!(self.value, DeValue::Integer(_) | DeValue::Float(_))
    }

    /// Text with something in it.
    pub(super) fn text(&self, problems: &mut Problems<'_>) -> Option<&'a str> {
        match self.value {
            DeValue::String(text) if !text.trim().is_empty() => return Some(text),
            DeValue::String(_) => self.invalid(problems, "it is empty"),
            _ => self.wrong_type(problems, "text in quotes"),
        }
        None
    }

    pub(super) fn boolean(&self, problems: &mut Problems<'_>) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => return Some(*value),
            _ => self.wrong_type(problems, "`true` or `false`"),
        }
        None
    }

    /// A whole number above zero.
    pub(super) fn count(&self, problems: &mut Problems<'_>) -> Option<u64> {
        let number = match self.value {
            DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
            _ => {
                self.wrong_type(problems, "a whole number");
                return None;
            }
        };
        let number = number.filter(|number| *number > 0);
        if number.is_none() {
            self.invalid(problems, "expected a whole number above zero");
        }
        number
    }

    /// A number with or without decimals.
    pub(super) fn number(&self, problems: &mut Problems<'_>) -> Option<f64> {
        let number = match self.value {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok(),
            DeValue::Float(float) => float.as_str().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.wrong_type(problems, "a number");
        }
        number
    }

    /// The items of a list that is not empty.
    pub(super) fn list(&self, problems: &mut Problems<'_>) -> Vec<Item<'a>> {
        let DeValue::Array(array) = self.value else {
            self.wrong_type(problems, "a list of texts");
            return Vec::new();
        };
        if array.is_empty() {
            self.invalid(problems, "the list is empty");
        }
        self.items_of(array)
    }

    fn items_of(&self, array: &'a [toml::Spanned<DeValue<'a>>]) -> Vec<Item<'a>> {
        let item = |(index, value): (usize, &'a toml::Spanned<DeValue<'a>>)| Item {
            name: format!("{}[{index}]", self.name),
            at: value.span().start,
            value: value.get_ref(),
        };
        array.iter().enumerate().map(item).collect()
    }

    /// A list of texts; `None` where any part of it is wrong.
    pub(super) fn texts(&self, problems: &mut Problems<'_>) -> Option<Vec<String>> {
        let items = self.list(problems);
        // Every item is read, so that each wrong one is reported.
        let texts: Vec<&str> = items.iter().filter_map(|item| item.text(problems)).collect();
        let whole = !texts.is_empty() && texts.len() == items.len();
        whole.then(|| texts.into_iter().map(str::to_owned).collect())
    }

    pub(super) fn table(&self, problems: &mut Problems<'_>) -> Option<Table<'a>> {
        let table = self.as_table();
        if table.is_none() {
            self.wrong_type(problems, "a table");
        }
        table
    }
}

/// A table with its dotted name, empty for the document itself.
pub(super) struct Table<'a> {
    pub(super) name: String,
    pub(super) at: usize,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
}

impl<'a> Table<'a> {
    pub(super) fn new(name: String, at: usize, entries: &'a DeTable<'a>) -> Self {
        Self { name, at, entries, known: Vec::new() }
    }

    /// The value of a key, where it is set.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.known.push(key);
        self.items().find(|(name, _)| *name == key).map(|(_, item)| item)
    }

    /// All entries; for tables whose keys are the user's.
    pub(super) fn items(&self) -> impl Iterator<Item = (&'a str, Item<'a>)> {
        self.entries.iter().map(|(key, value)| {
            let name: &str = key.get_ref();
            (name, Item { name: self.dotted(name), at: key.span().start, value: value.get_ref() })
        })
    }

    fn dotted(&self, key: &str) -> String {
        // TOML lets a quoted key hold anything, a terminal's escapes included.
        let key = if key.contains(char::is_control) { &key.escape_debug().to_string() } else { key };
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }

    /// Reports every key that was not asked for.
    pub(super) fn finish(self, problems: &mut Problems<'_>) {
        for (key, item) in self.items().filter(|(key, _)| !self.known.contains(key)) {
            problems.add(item.at, |place| {
                if is_secret_name(key) {
                    return refuse_key(&item.name, place);
                }
                let error = Error::config(format!("unknown key `{}` in {place}", item.name));
                match nearest(key, self.known.iter().copied()) {
                    Some(near) => error.hint(format!("did you mean `{near}`?")),
                    None => error,
                }
            });
        }
    }
}

/// Whether a key's name promises a secret: `api_key`, `openai_api_key`, `token`.
fn is_secret_name(key: &str) -> bool {
    let name = key.to_ascii_lowercase().replace('-', "_");
    ["key", "apikey", "token", "secret", "password"]
        .iter()
        .any(|word| name.strip_suffix(word).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')))
}

/// A key has no place in a file that people show to each other.
fn refuse_key(name: &str, place: &str) -> Error {
    let provider = name.strip_prefix("providers.").and_then(|rest| rest.split('.').next());
    let provider = provider.unwrap_or("PROVIDER");
    Error::config(format!("a key may not stand in the configuration: `{name}` in {place}"))
        .hint(format!("store it with `pollm keys set {provider}`, or name its variable in `key_env`"))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with decimals",
        DeValue::Boolean(_) => "a truth value",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
