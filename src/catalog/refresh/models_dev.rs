//! models.dev's `api.json`: providers by id, each with its models by id; prices
//! in USD per million tokens.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Problem;
use super::book::{Book, Shelf};
use super::record::{Fields, tiers_text};
use super::source::{
    Origin, Reading, Statement, answers_in_text, is_plain_id, json_text, modalities, note_billing, parse_row,
    price,
};
use crate::catalog::ProviderKind;

/// Providers that models.dev knows by other ids. Where one has two there, the
/// first goes before.
const OTHER_IDS: [(&str, &[&str]); 8] = [
    ("together", &["togetherai"]),
    ("fireworks", &["fireworks-ai"]),
    ("novita", &["novita-ai"]),
    ("cloudflare", &["cloudflare-workers-ai"]),
    ("stepfun", &["stepfun-ai"]),
    ("tencent", &["tencent-tokenhub"]),
    ("perplexity", &["perplexity", "perplexity-agent"]),
    ("google-vertex", &["google-vertex", "google-vertex-anthropic"]),
];

#[derive(Deserialize)]
struct ProviderText<'a> {
    #[serde(borrow)]
    models: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize)]
struct ModelText<'a> {
    name: Option<String>,
    family: Option<String>,
    reasoning: Option<bool>,
    tool_call: Option<bool>,
    structured_output: Option<bool>,
    attachment: Option<bool>,
    temperature: Option<bool>,
    open_weights: Option<bool>,
    #[serde(default)]
    reasoning_options: Vec<ReasoningOption>,
    release_date: Option<String>,
    knowledge: Option<String>,
    canonical_model_id: Option<String>,
    status: Option<String>,
    #[serde(default)]
    modalities: Modalities,
    #[serde(default)]
    limit: Limit,
    #[serde(borrow)]
    cost: Option<Cost<'a>>,
}

#[derive(Deserialize, Default)]
struct Modalities {
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    output: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Limit {
    context: Option<u64>,
    input: Option<u64>,
    output: Option<u64>,
}

#[derive(Deserialize)]
struct ReasoningOption {
    r#type: String,
    #[serde(default)]
    values: Vec<Option<String>>,
    min: Option<i64>,
    max: Option<i64>,
}

#[derive(Deserialize)]
struct Cost<'a> {
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    output: Option<&'a RawValue>,
    cache_read: Option<&'a RawValue>,
    cache_write: Option<&'a RawValue>,
    reasoning: Option<&'a RawValue>,
    input_audio: Option<&'a RawValue>,
    output_audio: Option<&'a RawValue>,
    #[serde(default)]
    tiers: Vec<Band<'a>>,
    context_over_200k: Option<Band<'a>>,
}

/// Prices of long prompts.
#[derive(Deserialize)]
struct Band<'a> {
    tier: Option<Bound>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    output: Option<&'a RawValue>,
    cache_read: Option<&'a RawValue>,
    cache_write: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Bound {
    r#type: String,
    size: u64,
}

/// Reads the list for the providers that the catalog has.
pub(super) fn read(
    top: &BTreeMap<String, &RawValue>,
    text: &str,
    book: &Book,
    today: Date,
) -> Result<Reading, Problem> {
    let is_provider = |value: &&RawValue| serde_json::from_str::<ProviderText<'_>>(value.get()).is_ok();
    if !top.values().any(is_provider) {
        return Err(Problem::UnknownShape);
    }
    let mut statements = BTreeMap::new();
    for shelf in book.providers.iter().filter(|shelf| shelf.is_remote()) {
        let mut said = BTreeMap::new();
        for id in ids_of(shelf.provider.as_str()) {
            let Some(provider) = top.get(id) else { continue };
            for (model, row) in parse_row::<ProviderText<'_>>(id, provider.get())?.models {
                let name = format!("{}/{model}", shelf.provider);
                let row: ModelText<'_> = parse_row(&name, row.get())?;
                if !is_plain_id(&model) || !answers_in_text(&model, &row.modalities.output) {
                    continue;
                }
                let fields = statement(&name, &row, shelf)?;
                said.entry(model).or_insert(Statement { fields, later: Vec::new() });
            }
        }
        statements.insert(shelf.provider.as_str().to_owned(), said);
    }
    Ok(Reading::Said { origin: Origin::ModelsDev, date: newest_update(text, today), statements })
}

/// The newest day on which one of all its rows was updated, up to today.
fn newest_update(text: &str, today: Date) -> Option<Date> {
    let values = text.split("\"last_updated\"").skip(1);
    let values = values.filter_map(|rest| rest.trim_start_matches([':', ' ']).strip_prefix('"')?.get(..10));
    values.filter_map(|day| day.parse().ok()).filter(|day| *day <= today).max()
}

fn ids_of(provider: &str) -> Vec<&str> {
    let other = OTHER_IDS.iter().find(|(id, _)| *id == provider);
    other.map_or_else(|| vec![provider], |(_, ids)| ids.to_vec())
}

fn statement(name: &str, text: &ModelText<'_>, shelf: &Shelf) -> Result<Fields, Problem> {
    let mut fields = facts(name, text);
    if let Some(cost) = &text.cost {
        fields.extend(prices(name, cost, shelf.provider.as_str().starts_with("alibaba"))?);
    }
    let text_only = text.modalities.output.iter().all(|kind| kind == "text");
    note_billing(&mut fields, shelf.kind, text_only);
    let weights = text.open_weights == Some(true);
    if shelf.kind == ProviderKind::Gateway && weights && fields.contains_key("$i") {
        fields.insert("~".to_owned(), "1".to_owned());
    }
    Ok(fields)
}

fn facts(name: &str, text: &ModelText<'_>) -> Fields {
    let id = name.split_once('/').map_or(name, |(_, id)| id);
    let limit = &text.limit;
    let known = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0);
    let number = |tokens: u64| tokens.to_string();
    let day = |day: &Option<String>| day.as_deref().map(json_text);
    let status = text.status.as_deref().filter(|word| ["alpha", "beta", "deprecated"].contains(word));
    let canonical = text.canonical_model_id.as_deref().filter(|canonical| *canonical != name);
    let effort = text.reasoning_options.iter().find(|option| option.r#type == "effort");
    let efforts = effort.map(|option| option.values.iter().flatten().cloned().collect::<Vec<_>>().join(","));
    let budget = text.reasoning_options.iter().find(|option| option.r#type == "budget_tokens");
    let bound = |bound: Option<i64>| bound.map_or("null".to_owned(), |bound| bound.to_string());
    let toggle = text.reasoning_options.iter().any(|option| option.r#type == "toggle");
    let title = text.name.as_deref().unwrap_or(id);
    let facts = [
        ("n", Some(json_text(title.strip_suffix("(latest)").unwrap_or(title).trim_end()))),
        ("f", text.family.as_deref().map(json_text)),
        ("c", known(limit.context).map(number)),
        ("ci", known(limit.input).filter(|input| Some(*input) != limit.context).map(number)),
        ("o", known(limit.output).map(number)),
        ("in", modalities(&text.modalities.input)),
        ("out", modalities(&text.modalities.output).or_else(|| Some(json_text("t")))),
        ("x", abilities(text)),
        ("re", efforts.filter(|levels| !levels.is_empty()).map(|levels| json_text(&levels))),
        ("rb", budget.map(|option| format!("[{},{}]", bound(option.min), bound(option.max)))),
        ("rt", toggle.then(|| "1".to_owned())),
        ("rd", day(&text.release_date)),
        ("kc", day(&text.knowledge)),
        ("cn", canonical.map(json_text)),
        ("st", status.map(json_text)),
    ];
    facts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))).collect()
}

/// Letters for what a model can do; `None` where it can't do any of it.
fn abilities(text: &ModelText<'_>) -> Option<String> {
    let letters = [
        ('r', text.reasoning),
        ('t', text.tool_call),
        ('s', text.structured_output),
        ('a', text.attachment),
        ('n', text.temperature.map(|takes| !takes)),
        ('w', text.open_weights),
    ];
    let letters: String = letters.iter().filter(|(_, can)| *can == Some(true)).map(|(c, _)| *c).collect();
    (!letters.is_empty()).then(|| json_text(&letters))
}

/// The prices behind a `$`; none where one of them can't be expressed, since
/// half of a price list prices wrongly.
fn prices(name: &str, cost: &Cost<'_>, thinking_apart: bool) -> Result<Fields, Problem> {
    let parts = [
        ("$i", cost.input),
        ("$o", cost.output),
        ("$r", cost.cache_read),
        ("$w", cost.cache_write),
        ("$ai", cost.input_audio),
        ("$ao", cost.output_audio),
        // At Alibaba it is the price of all output once the model thinks.
        (if thinking_apart { "$th" } else { "$g" }, cost.reasoning),
    ];
    let mut fields = priced(name, &parts)?;
    if fields.get("$g") == fields.get("$o") {
        fields.remove("$g");
    }
    if fields.get("$th") == fields.get("$o") {
        fields.remove("$th");
    }
    let mut tiers = Vec::new();
    for band in &cost.tiers {
        match &band.tier {
            Some(bound) if bound.r#type == "context" => {
                // "From 200,001" and "above 200,000" are the same.
                let above = if bound.size % 1_000 == 1 { bound.size - 1 } else { bound.size };
                tiers.push((above, band_prices(name, band)?));
            }
            _ => return Ok(Fields::new()),
        }
    }
    if let (Some(band), true) = (&cost.context_over_200k, cost.tiers.is_empty()) {
        tiers.push((200_000, band_prices(name, band)?));
    }
    tiers.sort_by_key(|(above, _)| *above);
    if !tiers.is_empty() {
        fields.insert("$t".to_owned(), tiers_text(&tiers));
    }
    Ok(if fields.contains_key("$i") { fields } else { Fields::new() })
}

fn band_prices(name: &str, band: &Band<'_>) -> Result<Fields, Problem> {
    priced(name, &[("i", band.input), ("o", band.output), ("r", band.cache_read), ("w", band.cache_write)])
}

fn priced(name: &str, parts: &[(&str, Option<&RawValue>)]) -> Result<Fields, Problem> {
    let known = parts.iter().filter_map(|(key, text)| Some((key, text.as_ref()?.get())));
    known.map(|(key, text)| Ok(((*key).to_owned(), price(name, text, 0)?))).collect()
}
