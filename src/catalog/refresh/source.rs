//! What sources say, whatever their format: told by shape, never by name.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::book::Book;
use super::record::{Fields, Record};
use super::{GENAI_PRICES, MODELS_DEV, OPENROUTER, Problem, genai_prices, models_dev, openrouter};
use crate::catalog::{ProviderKind, Source};
use crate::money::Price;

/// A data set that a refresh can read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// Lists everything there is: what it lists no longer is gone.
    ModelsDev,
    /// Adds prices to what others list.
    GenaiPrices,
    /// Sets its own prices, so whatever it says holds.
    OpenRouter,
}

impl Origin {
    /// Its key in a record.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::ModelsDev => "md",
            Self::GenaiPrices => "gp",
            Self::OpenRouter => "or",
        }
    }

    /// Its row among a catalog's sources.
    pub(super) fn row(self, date: Option<Date>) -> Source {
        let (name, licence, url) = match self {
            Self::ModelsDev => ("models.dev", "MIT", MODELS_DEV),
            Self::GenaiPrices => ("genai-prices", "MIT", GENAI_PRICES),
            Self::OpenRouter => ("OpenRouter", "none stated", OPENROUTER),
        };
        Source {
            name: name.to_owned(),
            date: date.map(|date| date.to_string()),
            version: None,
            licence: licence.to_owned(),
            url: Some(url.to_owned()),
        }
    }
}

/// What a source says of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Statement {
    /// Facts, and the prices of today behind a `$`.
    pub(super) fields: Fields,
    /// Rows of prices that take effect later.
    pub(super) later: Vec<Fields>,
}

/// Statements by provider, in this program's ids, and model.
pub(super) type Statements = BTreeMap<String, BTreeMap<String, Statement>>;

/// A source, read.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// Another data set.
    Said {
        /// Which.
        origin: Origin,
        /// The newest day that it mentions, up to today.
        date: Option<Date>,
        /// What it says of the providers that the catalog has.
        statements: Statements,
    },
    /// A catalog that another pollm made.
    Catalog(Box<CatalogFile>),
}

/// A catalog file of any layout.
#[derive(Clone, Debug)]
pub(super) struct CatalogFile {
    pub(super) date: Date,
    pub(super) sources: Vec<Source>,
    pub(super) schedules: serde_json::Map<String, serde_json::Value>,
    pub(super) models: BTreeMap<String, BTreeMap<String, Record>>,
}

/// Reads a source for the providers of a catalog.
pub(super) fn read(text: &str, book: &Book, today: Date) -> Result<Reading, Problem> {
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Err(Problem::Truncated),
        Some(b'<') => Err(Problem::Html),
        Some(b'[') => genai_prices::read(&parse::<Vec<&RawValue>>(text)?, text, book, today),
        Some(_) => {
            let top: BTreeMap<String, &RawValue> = parse(text)?;
            if let (Some(_), Some(_)) = (top.get("v"), top.get("p")) {
                return catalog_file(&top).map(|file| Reading::Catalog(Box::new(file)));
            }
            if let Some(data) = top.get("data") {
                return openrouter::read(&parse::<Vec<&RawValue>>(data.get())?, today);
            }
            if let Some(providers) = top.get("providers").filter(|value| value.get().starts_with('[')) {
                return genai_prices::read(&parse::<Vec<&RawValue>>(providers.get())?, text, book, today);
            }
            models_dev::read(&top, text, book, today)
        }
    }
}

/// Parses what must be of this shape for the source to be readable at all.
pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| {
        // A number may be cut behind its point, which is no end for the parser.
        let last_line = text.rsplit('\n').next().unwrap_or_default().len();
        let at_end = error.line() > text.matches('\n').count() && error.column() >= last_line;
        match error.classify() {
            serde_json::error::Category::Data => Problem::UnknownShape,
            serde_json::error::Category::Eof => Problem::Truncated,
            _ if at_end => Problem::Truncated,
            _ => Problem::NotJson(error.to_string()),
        }
    })
}

/// Parses what the source says of one model.
pub(super) fn parse_row<'a, T: Deserialize<'a>>(name: &str, text: &'a str) -> Result<T, Problem> {
    serde_json::from_str(text)
        .map_err(|error| Problem::Unreadable { name: name.to_owned(), reason: error.to_string() })
}

/// No model has ever cost more, in USD per million tokens. Beyond it, a source
/// has changed its units.
const DEAREST: &str = "2000";

/// A price in its one spelling, from the literal text of the source. `shift` is
/// 6 where the source counts by the token.
pub(super) fn price(name: &str, text: &str, shift: i32) -> Result<String, Problem> {
    let odd = || Problem::OddPrice { name: name.to_owned(), price: text.to_owned() };
    let price = Price::nearest(text, shift).map_err(|_| odd())?;
    let dearest = Price::per_million(DEAREST).map_err(|_| odd())?;
    if price > dearest { Err(odd()) } else { Ok(price.to_string()) }
}

/// Whether all prices of a row may be right, those of its tiers and batches too.
fn believable(name: &str, row: &Fields) -> Result<(), Problem> {
    type Prices<'a> = BTreeMap<String, &'a RawValue>;
    let all = |prices: Prices<'_>| prices.values().try_for_each(|one| price(name, one.get(), 0).map(drop));
    row.iter().try_for_each(|(key, text)| match key.as_str() {
        "d" | "s" | "u" | "rq" => Ok(()),
        "t" => {
            let tiers: Vec<(u64, Prices<'_>)> = parse_row(name, text)?;
            tiers.into_iter().try_for_each(|(_, prices)| all(prices))
        }
        "b" if text.starts_with('{') => all(parse_row(name, text)?),
        "b" => Ok(()),
        _ => price(name, text, 0).map(drop),
    })
}

/// Whether a model can be asked anything at all: no embeddings, no speech, no
/// images alone.
pub(super) fn answers_in_text(id: &str, output: &[String]) -> bool {
    const OTHER_TRADES: [&str; 12] = [
        "embed",
        "rerank",
        "whisper",
        "moderation",
        "paddleocr",
        "nemoretriever",
        "parse",
        "-tts",
        "transcribe",
        "realtime",
        "live-translate",
        "guard",
    ];
    if !output.is_empty() && !output.iter().any(|kind| kind == "text") {
        return false;
    }
    let id = id.to_ascii_lowercase().replace("guardrail", "");
    let bge =
        id.match_indices("bge-").any(|(at, _)| !id[..at].ends_with(|c: char| c.is_ascii_alphanumeric()));
    !bge && !OTHER_TRADES.iter().any(|word| id.contains(word))
}

/// Whether an id can stand in a catalog: sources are untrusted, and ids reach
/// command lines and terminals.
pub(super) fn is_plain_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 200 && !id.contains(|c: char| c.is_control() || c.is_whitespace())
}

/// A JSON string without control characters, of a length that fits a screen.
pub(super) fn json_text(text: &str) -> String {
    let plain: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    serde_json::Value::from(plain).to_string()
}

/// Letters for kinds of content, in the order of the catalog.
pub(super) fn modalities(kinds: &[String]) -> Option<String> {
    const LETTERS: [(char, &[&str]); 5] =
        [('t', &["text"]), ('i', &["image"]), ('a', &["audio"]), ('v', &["video"]), ('f', &["pdf", "file"])];
    let has = |names: &[&str]| kinds.iter().any(|kind| names.contains(&kind.as_str()));
    let letters: String = LETTERS.iter().filter(|(_, names)| has(names)).map(|(letter, _)| *letter).collect();
    (!letters.is_empty()).then(|| json_text(&letters))
}

/// Says how a model is paid for, by the kind of provider: a zero there may
/// mean a trial or a flat fee.
pub(super) fn note_billing(fields: &mut Fields, kind: ProviderKind, text_only: bool) {
    let zero = |key| fields.get(key).map(String::as_str) == Some("0");
    let free = zero("$i") && zero("$o");
    let billing = match kind {
        ProviderKind::Trial if free => "trial",
        ProviderKind::Subscription => "sub",
        // Labs that price by the image write zero for the tokens.
        ProviderKind::Api if free && !text_only => "",
        _ if free => "free",
        _ => return,
    };
    if free && billing != "free" {
        fields.retain(|key, _| !key.starts_with('$'));
    }
    if !billing.is_empty() {
        fields.insert("bill".to_owned(), json_text(billing));
    }
}

fn catalog_file(top: &BTreeMap<String, &RawValue>) -> Result<CatalogFile, Problem> {
    #[derive(Deserialize)]
    struct Provider<'a> {
        #[serde(borrow)]
        m: BTreeMap<String, &'a RawValue>,
    }
    let text = |key: &str| top.get(key).map_or("null", |value| value.get());
    if (text("v"), text("cur"), text("per")) != ("1", "\"USD\"", "1000000") {
        return Err(Problem::UnknownShape);
    }
    let providers: BTreeMap<String, Provider<'_>> = parse(text("p"))?;
    let mut models: BTreeMap<String, BTreeMap<String, Record>> = BTreeMap::new();
    for (provider, listed) in providers {
        let shelf = models.entry(provider.clone()).or_default();
        for (id, line) in listed.m.into_iter().filter(|(id, _)| is_plain_id(id)) {
            let name = format!("{provider}/{id}");
            let unreadable = |error: crate::catalog::row::RowError| Problem::Unreadable {
                name: name.clone(),
                reason: error.to_string(),
            };
            let record = Record::read(line.get()).map_err(unreadable)?;
            record.rows.iter().try_for_each(|row| believable(&name, row))?;
            shelf.insert(id, record);
        }
    }
    let date: String = parse(text("gen"))?;
    Ok(CatalogFile {
        date: date.parse().map_err(|_| Problem::UnknownShape)?,
        sources: parse(text("src"))?,
        schedules: parse(text("sched"))?,
        models,
    })
}
