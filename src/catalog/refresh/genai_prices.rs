//! Pydantic's genai-prices: a list of providers, each with a list of models
//! that are matched by rules; prices in USD per million tokens, with the days
//! from which they hold and with variants for batches.
//!
//! Only exact matches are used. A rule such as "starts with `gpt-5`" would price
//! a new model as an old one.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Problem;
use super::book::Book;
use super::record::{Fields, day_text, row_text, tiers_text};
use super::source::{Origin, Reading, Statement, parse_row, price};
use crate::catalog::ProviderKind;
use crate::money::{Cost, Factor};

/// Providers that it knows by other ids.
const OTHER_IDS: [(&str, &str); 2] = [("xai", "x-ai"), ("amazon-bedrock", "aws")];

/// Without these, the file has changed beyond use.
const EXPECTED: [&str; 3] = ["openai", "anthropic", "google"];

/// Prices and the catalog's keys for them. What else it prices (searches,
/// pages, seconds) no bill here counts.
const PARTS: [(&str, &str); 8] = [
    ("input_mtok", "i"),
    ("output_mtok", "o"),
    ("cache_read_mtok", "r"),
    ("cache_write_mtok", "w"),
    ("cache_write_1h_mtok", "h"),
    ("input_audio_mtok", "ai"),
    ("output_audio_mtok", "ao"),
    ("output_reasoning_mtok", "g"),
];

#[derive(Deserialize)]
struct ProviderText<'a> {
    id: String,
    #[serde(borrow)]
    models: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct ModelText<'a> {
    id: String,
    r#match: Option<Rule>,
    #[serde(borrow)]
    prices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    price_variants: Option<Vec<Variant<'a>>>,
}

/// A rule for names; all kinds but these two are skipped.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Rule {
    equals: Option<String>,
    or: Vec<Rule>,
}

impl Rule {
    /// The names that it matches exactly.
    fn names(&self) -> Vec<&str> {
        self.equals.iter().map(String::as_str).chain(self.or.iter().flat_map(Self::names)).collect()
    }
}

type PriceTexts<'a> = BTreeMap<String, &'a RawValue>;

#[derive(Deserialize)]
struct Dated<'a> {
    constraint: Option<Constraint>,
    #[serde(borrow)]
    prices: PriceTexts<'a>,
}

#[derive(Deserialize)]
struct Variant<'a> {
    when: BTreeMap<String, String>,
    constraint: Option<Constraint>,
    #[serde(borrow)]
    prices: PriceTexts<'a>,
}

/// When a price holds. Hours of the day are no kind that is read here.
#[derive(Deserialize)]
struct Constraint {
    start_date: Option<String>,
}

impl Constraint {
    /// The first day, where a day is all that it names.
    fn first_day(&self) -> Option<Date> {
        self.start_date.as_deref()?.parse().ok()
    }
}

#[derive(Deserialize)]
struct Banded<'a> {
    #[serde(borrow)]
    base: &'a RawValue,
    tiers: Vec<BandStart<'a>>,
}

#[derive(Deserialize)]
struct BandStart<'a> {
    start: u64,
    #[serde(borrow)]
    price: &'a RawValue,
}

/// Reads the list for the models that the catalog has.
pub(super) fn read(list: &[&RawValue], text: &str, book: &Book, today: Date) -> Result<Reading, Problem> {
    let mut providers = BTreeMap::new();
    for item in list {
        let provider: ProviderText<'_> =
            serde_json::from_str(item.get()).map_err(|_| Problem::UnknownShape)?;
        providers.insert(provider.id, provider.models);
    }
    if let Some(missing) =
        EXPECTED.iter().find(|id| providers.get(**id).is_none_or(|models| models.is_empty()))
    {
        return Err(Problem::MissingProvider((*missing).to_owned()));
    }
    let mut statements = BTreeMap::new();
    // A gateway knows its own prices better.
    for shelf in book.providers.iter().filter(|shelf| shelf.kind != ProviderKind::Gateway) {
        let id = shelf.provider.as_str();
        let other = OTHER_IDS.iter().find(|(ours, _)| *ours == id).map_or(id, |(_, theirs)| *theirs);
        let mut said = BTreeMap::new();
        for text in providers.get(other).into_iter().flatten() {
            let model: ModelText<'_> = parse_row(id, text.get())?;
            let rule = model.r#match.as_ref().map(Rule::names).unwrap_or_default();
            let names = std::iter::once(model.id.as_str()).chain(rule);
            let known: Vec<&str> = names.filter(|name| shelf.models.contains_key(*name)).collect();
            let Some(first) = known.first() else { continue };
            if let Some(statement) = statement(&format!("{id}/{first}"), &model, today)? {
                said.extend(known.iter().map(|name| ((*name).to_owned(), statement.clone())));
            }
        }
        statements.insert(id.to_owned(), said);
    }
    Ok(Reading::Said { origin: Origin::GenaiPrices, date: newest_day(text, today), statements })
}

/// `None` where prices hang on something else than the day.
fn statement(name: &str, model: &ModelText<'_>, today: Date) -> Result<Option<Statement>, Problem> {
    let Some(prices) = model.prices else { return Ok(None) };
    let all: Vec<Dated<'_>> = if prices.get().starts_with('[') {
        parse_row(name, prices.get())?
    } else {
        vec![Dated { constraint: None, prices: parse_row(name, prices.get())? }]
    };
    let (mut now, mut later) = (None, Vec::new());
    for dated in &all {
        let start = match dated.constraint.as_ref().map(Constraint::first_day) {
            Some(None) => return Ok(None),
            start => start.flatten(),
        };
        let mut row = row(name, &dated.prices)?;
        match start.filter(|day| *day > today) {
            None => now = Some(row),
            Some(day) => {
                row.insert("d".to_owned(), day_text(day));
                later.push(row);
            }
        }
    }
    let Some(mut now) = now.filter(|row| row.contains_key("i")) else { return Ok(None) };
    if let Some(batch) = batch(name, model, &now, today)? {
        now.insert("b".to_owned(), batch);
    }
    let fields = now.into_iter().map(|(key, text)| (format!("${key}"), text)).collect();
    Ok(Some(Statement { fields, later }))
}

fn row(name: &str, texts: &PriceTexts<'_>) -> Result<Fields, Problem> {
    let mut row = Fields::new();
    let mut tiers: BTreeMap<u64, Fields> = BTreeMap::new();
    for (theirs, ours) in PARTS {
        let Some(text) = texts.get(theirs).map(|text| text.get()).filter(|text| *text != "null") else {
            continue;
        };
        if text.starts_with('{') {
            let banded: Banded<'_> = parse_row(name, text)?;
            row.insert(ours.to_owned(), price(name, banded.base.get(), 0)?);
            for band in banded.tiers {
                let tier = tiers.entry(band.start).or_default();
                tier.insert(ours.to_owned(), price(name, band.price.get(), 0)?);
            }
        } else {
            row.insert(ours.to_owned(), price(name, text, 0)?);
        }
    }
    if let Some(text) = texts.get("requests_kcount").map(|text| text.get()).filter(|text| *text != "null") {
        price(name, text, 0)?;
        row.extend(Cost::parse_usd(text).ok().map(|cost| ("rq".to_owned(), cost.to_usd())));
    }
    if !tiers.is_empty() {
        row.insert("t".to_owned(), tiers_text(&tiers.into_iter().collect::<Vec<_>>()));
    }
    Ok(row)
}

/// What a batch costs: a factor where one holds for input and output alike.
fn batch(name: &str, model: &ModelText<'_>, now: &Fields, today: Date) -> Result<Option<String>, Problem> {
    let mut variants = model.price_variants.iter().flatten().filter(|variant| {
        variant.when.len() == 1
            && variant.when.get("processing").map(String::as_str) == Some("batch")
            && match &variant.constraint {
                None => true,
                Some(constraint) => constraint.first_day().is_some_and(|day| day <= today),
            }
    });
    let Some(variant) = variants.next_back() else { return Ok(None) };
    let mut batch = row(name, &variant.prices)?;
    batch.retain(|key, _| key != "t" && key != "rq");
    let (Some(input), Some(output)) = (batch.get("i"), batch.get("o")) else { return Ok(None) };
    let factor = ["0.5", "0.75", "0.6", "0.8"]
        .into_iter()
        .find(|factor| is_share(factor, input, now.get("i")) && is_share(factor, output, now.get("o")));
    Ok(Some(factor.map_or_else(|| row_text(&batch), str::to_owned)))
}

fn is_share(factor: &str, part: &str, whole: Option<&String>) -> bool {
    let (Ok(factor), Ok(part)) = (Factor::parse(factor), Cost::parse_usd(part)) else { return false };
    whole.and_then(|whole| Cost::parse_usd(whole).ok()).is_some_and(|whole| whole.scale(factor) == part)
}

/// The newest day that its remarks and rules name, up to today: it has no date
/// of its own.
fn newest_day(text: &str, today: Date) -> Option<Date> {
    let days = text.as_bytes().windows(10).filter(|day| day.starts_with(b"20") && day[4] == b'-');
    days.filter_map(|day| std::str::from_utf8(day).ok()?.parse().ok()).filter(|day| *day <= today).max()
}
