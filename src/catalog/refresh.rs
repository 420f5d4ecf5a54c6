//! A newer catalog out of what others publish: everything of a refresh but the
//! HTTP.
//!
//! - [`SourceText`]: what was fetched or read from a file; its format is told by
//!   its shape (models.dev, genai-prices, `OpenRouter`, another pollm's catalog).
//! - [`apply`]: sources over a catalog, checked, as the text of a newer one, with
//!   the difference in words. Nothing is written; a source that looks wrong
//!   leaves everything as it is.
//! - [`load`], [`save`]: the refreshed file in the cache folder.
//!
//! Sources bring models, facts and prices. Providers and their addresses, the
//! names for models and which variable holds which key are this program's and
//! the user's alone: no list fetched from elsewhere decides where a key is sent.

mod book;
mod difference;
mod genai_prices;
mod merge;
mod models_dev;
mod openrouter;
mod record;
mod report;
mod source;
mod store;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::{Catalog, CatalogError};
use book::{Book, Shelf};
use merge::{Span, Turn, remember};
use record::Record;
use source::{CatalogFile, Origin, Reading, Statement, Statements};

pub use report::{Change, Fact, ModelChange, RefreshReport};
pub use store::{Etags, Loaded, etags, load, refreshed_path, save};

/// Where models.dev publishes its list.
pub const MODELS_DEV: &str = "https://models.dev/api.json";

/// Where genai-prices publishes its list: the file that its own package reads.
pub const GENAI_PRICES: &str =
    "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data.json";

/// Where `OpenRouter` lists its models; no key is needed.
pub const OPENROUTER: &str = "https://openrouter.ai/api/v1/models";

/// No source is larger: models.dev's list has 6 MB.
pub const LARGEST_SOURCE: usize = 32 * 1024 * 1024;

/// The providers without which a complete list has changed beyond use.
const EXPECTED: [&str; 12] = [
    "openai",
    "anthropic",
    "google",
    "mistral",
    "deepseek",
    "xai",
    "alibaba",
    "moonshotai",
    "zai",
    "minimax",
    "cohere",
    "perplexity",
];

/// A list with fewer than this share of the models before, in per cent, is a
/// broken one.
const LEAST_SHARE: usize = 70;

/// A list is as new as the newest day in it, which goes back a little where the
/// row that holds it is taken out again.
const SLACK_DAYS: i64 = 14;

/// What a source published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// The address or the file, for messages.
    name: String,
    text: String,
}

/// Why a source can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` can't be used: {problem}")]
pub struct RefreshError {
    /// The address or the file.
    pub name: String,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is larger than [`LARGEST_SOURCE`].
    #[error("it is larger than 32 MB")]
    TooLarge,
    /// It can't be read from the disk.
    #[error("{0}")]
    File(String),
    /// It is not text.
    #[error("it is not UTF-8 text")]
    NotText,
    /// It is a web page, as error pages and logins are.
    #[error("it is a web page, not a list of models")]
    Html,
    /// It ends too early.
    #[error("it is cut short")]
    Truncated,
    /// It is no JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// It is JSON, but no list that this version knows.
    #[error("it is no list of models that this version can read")]
    UnknownShape,
    /// One of its rows has another shape than the rest had so far.
    #[error("`{name}` in it can't be read: {reason}")]
    Unreadable {
        /// The provider or the model.
        name: String,
        /// Why.
        reason: String,
    },
    /// A price is negative, not finite or beyond belief.
    #[error("it says that a million tokens of `{name}` cost `{price}`, which can't be right")]
    OddPrice {
        /// The model.
        name: String,
        /// The price in the source's own text.
        price: String,
    },
    /// A provider that every list has is missing.
    #[error("it lists no models of `{0}`")]
    MissingProvider(String),
    /// Too few models are left.
    #[error("it lists {now} models, where there were {before} before")]
    TooFewModels {
        /// Models of the catalog that it listed so far.
        before: usize,
        /// Models in the source.
        now: usize,
    },
    /// The catalog was made from a later one.
    #[error("it is of {date}, and the catalog knows the list of {known} already")]
    Older {
        /// The day of the source.
        date: Date,
        /// The day of what the catalog has.
        known: Date,
    },
    /// It is of a day that is yet to come: what is announced for that day would
    /// hold at once, and nothing later could take its place.
    #[error("it is of {0}, which is yet to come")]
    Future(Date),
    /// What came out can't be read as a catalog.
    #[error(transparent)]
    Catalog(CatalogError),
}

impl SourceText {
    /// Takes what a server sent. `name` is its address.
    ///
    /// # Errors
    /// Where it is too large or no text.
    pub fn new(name: impl Into<String>, bytes: Vec<u8>) -> Result<Self, RefreshError> {
        let name = name.into();
        if bytes.len() > LARGEST_SOURCE {
            return Err(RefreshError { name, problem: Problem::TooLarge });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(_) => Err(RefreshError { name, problem: Problem::NotText }),
        }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// As [`SourceText::new`], or where it can't be read.
    pub fn from_file(path: &Path) -> Result<Self, RefreshError> {
        let name = path.display().to_string();
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            // One byte more than allowed tells a larger file.
            File::open(path)?.take(LARGEST_SOURCE as u64 + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            Ok(bytes) => Self::new(name, bytes),
            Err(error) => Err(RefreshError { name, problem: Problem::File(error.to_string()) }),
        }
    }
}

/// Lays sources over the file of a catalog; the user's rows have no part in it.
/// Gives the text of the new file, for [`save`], and what is different. Without
/// a source, since none has anything newer, the file is as it was, of today.
///
/// # Errors
/// The first source that can't be used. Then none is.
pub fn apply(
    current: &Catalog,
    sources: &[SourceText],
    today: Date,
) -> Result<(String, RefreshReport), RefreshError> {
    let before = Book::read(current);
    let mut book = before.clone();
    let mut said: Vec<(Origin, Statements)> = Vec::new();
    let (mut last, mut catalog_only) = (String::new(), !sources.is_empty());
    for source in sources {
        let failed = |problem| RefreshError { name: source.name.clone(), problem };
        match source::read(&source.text, &before, today).map_err(failed)? {
            Reading::Catalog(file) => replace(&mut book, *file, today).map_err(failed)?,
            Reading::Said { origin, date, statements } => {
                check(&before, origin, date, &statements).map_err(failed)?;
                book.note_source(origin.row(date));
                said.push((origin, statements));
                catalog_only = false;
            }
        }
        last.clone_from(&source.name);
    }
    said.sort_by_key(|(origin, _)| *origin);
    let span = Span { from: book.date, to: today.max(book.date) };
    if !catalog_only {
        book.date = span.to;
        book.providers.iter_mut().for_each(|shelf| merge_shelf(shelf, &said, span));
    }
    let text = book.text();
    Catalog::with_text(text.clone())
        .and_then(|catalog| catalog.check())
        .map_err(|error| RefreshError { name: last, problem: Problem::Catalog(error) })?;
    let report = difference::compare(&before, &book, span.to);
    Ok((text, report))
}

/// Whether a source looks as it did so far.
fn check(book: &Book, origin: Origin, date: Option<Date>, statements: &Statements) -> Result<(), Problem> {
    let shelves = || book.providers.iter().filter(|shelf| !shelf.models.is_empty());
    if origin == Origin::ModelsDev {
        let name = origin.row(None).name;
        let known = book.sources.iter().find(|source| source.name == name);
        let known: Option<Date> = known.and_then(|source| source.date.as_deref()?.parse().ok());
        if let (Some(date), Some(known)) = (date, known)
            && date.saturating_add(SLACK_DAYS.days()) < known
        {
            return Err(Problem::Older { date, known });
        }
        let expected = shelves().map(|shelf| shelf.provider.as_str()).filter(|id| EXPECTED.contains(id));
        let is_missing = |id: &&str| statements.get(*id).is_none_or(|models| models.is_empty());
        if let Some(missing) = expected.into_iter().find(is_missing) {
            return Err(Problem::MissingProvider(missing.to_owned()));
        }
    }
    if origin != Origin::GenaiPrices {
        let concerned = shelves().filter(|shelf| statements.contains_key(shelf.provider.as_str()));
        let records = concerned.flat_map(|shelf| shelf.models.values());
        let listed = records.filter(|record| !matches!(record.was.get(origin.key()), Some(None)));
        enough(listed.count(), statements.values().map(|models| models.len()).sum())?;
    }
    Ok(())
}

fn enough(before: usize, now: usize) -> Result<(), Problem> {
    if now * 100 < before * LEAST_SHARE {
        return Err(Problem::TooFewModels { before, now });
    }
    Ok(())
}

/// Takes over the models of another pollm's catalog.
fn replace(book: &mut Book, file: CatalogFile, today: Date) -> Result<(), Problem> {
    // Clocks differ by a little, and so may their days.
    if file.date > today.saturating_add(1.day()) {
        return Err(Problem::Future(file.date));
    }
    if file.date < book.date {
        return Err(Problem::Older { date: file.date, known: book.date });
    }
    let mut models = file.models;
    let before = book.providers.iter().map(|shelf| shelf.models.len()).sum();
    let known = |id: &String| book.providers.iter().any(|shelf| shelf.provider.as_str() == id);
    enough(before, models.iter().filter(|(id, _)| known(id)).map(|(_, models)| models.len()).sum())?;
    for shelf in &mut book.providers {
        let listed = models.remove(shelf.provider.as_str()).unwrap_or_default();
        if listed.is_empty() && EXPECTED.contains(&shelf.provider.as_str()) && !shelf.models.is_empty() {
            return Err(Problem::MissingProvider(shelf.provider.as_str().to_owned()));
        }
        if !listed.is_empty() {
            shelf.models = listed;
        }
    }
    book.date = file.date;
    book.schedules.extend(file.schedules);
    file.sources.into_iter().for_each(|source| book.note_source(source));
    Ok(())
}

/// Each source's turn at each model of a provider.
fn merge_shelf(shelf: &mut Shelf, said: &[(Origin, Statements)], span: Span) {
    let voices: Vec<_> = said
        .iter()
        .filter_map(|(origin, statements)| Some((*origin, statements.get(shelf.provider.as_str())?)))
        // A provider that a list no longer has is no statement about its models.
        .filter(|(_, models)| !models.is_empty())
        .collect();
    let new = voices.iter().filter(|(origin, _)| *origin != Origin::GenaiPrices);
    for (id, statement) in new.flat_map(|(_, models)| models.iter()) {
        shelf.models.entry(id.clone()).or_insert_with(|| first_record(statement));
    }
    shelf.models.retain(|id, record| {
        let before = record.clone();
        let voices = voices.iter().map(|(origin, models)| (*origin, models.get(id)));
        let voices: Vec<(Origin, Option<&Statement>)> = voices.collect();
        let turn = |origin| Turn { origin, before: &before, span };
        let mut stays = true;
        for (origin, said) in &voices {
            // What a gateway lists itself is there, whoever has dropped it.
            stays = turn(*origin).merge(record, *said)
                && (stays || *origin == Origin::OpenRouter && said.is_some());
        }
        for origin in [Origin::ModelsDev, Origin::GenaiPrices] {
            let said = voices.iter().find(|(speaker, _)| *speaker == origin).map(|(_, said)| *said);
            remember(record, &before, origin, said, span);
        }
        if let Some((_, said)) = voices.iter().find(|(speaker, _)| *speaker == Origin::OpenRouter) {
            merge::remember_own_zeros(record, *said);
        }
        stays
    });
}

/// The record of a model that a source brings.
fn first_record(statement: &Statement) -> Record {
    let (prices, facts): (Vec<_>, Vec<_>) = statement
        .fields
        .iter()
        .map(|(key, text)| (key.clone(), text.clone()))
        .partition(|(key, _)| key.starts_with('$'));
    let row: record::Fields = prices.into_iter().map(|(key, text)| (key[1..].to_owned(), text)).collect();
    Record {
        facts: facts.into_iter().collect(),
        rows: if row.is_empty() { Vec::new() } else { vec![row] },
        ..Record::default()
    }
}

#[cfg(test)]
mod tests;
