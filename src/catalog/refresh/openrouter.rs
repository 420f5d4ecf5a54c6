//! `OpenRouter`'s list of models: prices as decimal strings in USD per token,
//! `-1` where the price depends on the route.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Problem;
use super::record::Fields;
use super::source::{
    Origin, Reading, Statement, answers_in_text, is_plain_id, json_text, modalities, note_billing, parse_row,
    price,
};
use crate::catalog::ProviderKind;
use crate::money::Cost;

/// The catalog's id of the provider.
pub(super) const PROVIDER: &str = "openrouter";

#[derive(Deserialize)]
struct ModelText<'a> {
    id: String,
    name: Option<String>,
    created: Option<i64>,
    context_length: Option<u64>,
    hugging_face_id: Option<String>,
    #[serde(default)]
    architecture: Architecture,
    #[serde(default)]
    supported_parameters: Vec<String>,
    top_provider: Option<TopProvider>,
    #[serde(borrow)]
    pricing: BTreeMap<String, &'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Architecture {
    #[serde(default)]
    input_modalities: Vec<String>,
    #[serde(default)]
    output_modalities: Vec<String>,
}

#[derive(Deserialize)]
struct TopProvider {
    max_completion_tokens: Option<u64>,
}

/// Reads the list.
pub(super) fn read(list: &[&RawValue], today: Date) -> Result<Reading, Problem> {
    let mut date = None;
    let mut said = BTreeMap::new();
    for text in list {
        let model: ModelText<'_> = serde_json::from_str(text.get()).map_err(|_| Problem::UnknownShape)?;
        if !is_plain_id(&model.id) || !answers_in_text(&model.id, &model.architecture.output_modalities) {
            continue;
        }
        date = date.max(created(&model).filter(|day| *day <= today));
        said.insert(model.id.clone(), Statement { fields: statement(&model)?, later: Vec::new() });
    }
    let statements = BTreeMap::from([(PROVIDER.to_owned(), said)]);
    Ok(Reading::Said { origin: Origin::OpenRouter, date, statements })
}

fn created(model: &ModelText<'_>) -> Option<Date> {
    Some(Offset::UTC.to_datetime(Timestamp::from_second(model.created?).ok()?).date())
}

fn statement(model: &ModelText<'_>) -> Result<Fields, Problem> {
    let mut fields = facts(model);
    let open = model.hugging_face_id.as_deref().is_some_and(|id| !id.is_empty());
    match prices(model)? {
        Some(prices) => fields.extend(prices),
        None => _ = fields.insert("~".to_owned(), "1".to_owned()),
    }
    if open && fields.contains_key("$i") {
        fields.insert("~".to_owned(), "1".to_owned());
    }
    let text_only = model.architecture.output_modalities.iter().all(|kind| kind == "text");
    note_billing(&mut fields, ProviderKind::Gateway, text_only);
    Ok(fields)
}

fn facts(model: &ModelText<'_>) -> Fields {
    let takes = |name: &str| model.supported_parameters.iter().any(|parameter| parameter == name);
    let letters = [
        ('r', takes("reasoning")),
        ('t', takes("tools")),
        ('s', takes("structured_outputs")),
        ('n', !model.supported_parameters.is_empty() && !takes("temperature")),
        ('w', model.hugging_face_id.as_deref().is_some_and(|id| !id.is_empty())),
    ];
    let letters: String = letters.iter().filter(|(_, can)| *can).map(|(letter, _)| *letter).collect();
    let most = model.top_provider.as_ref().and_then(|top| top.max_completion_tokens);
    let known = |tokens: Option<u64>| tokens.filter(|tokens| *tokens > 0).map(|tokens| tokens.to_string());
    // "Lab: Model" in the list.
    let name = model.name.as_deref().unwrap_or(&model.id);
    let name = name.split_once(": ").map_or(name, |(_, name)| name);
    let facts = [
        ("n", Some(json_text(name))),
        ("c", known(model.context_length)),
        ("o", known(most)),
        ("in", modalities(&model.architecture.input_modalities)),
        ("out", modalities(&model.architecture.output_modalities).or_else(|| Some(json_text("t")))),
        ("x", (!letters.is_empty()).then(|| json_text(&letters))),
        ("rd", created(model).map(|day| json_text(&day.to_string()))),
    ];
    facts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?))).collect()
}

/// The prices behind a `$`; `None` where they depend on the route.
fn prices(model: &ModelText<'_>) -> Result<Option<Fields>, Problem> {
    const PARTS: [(&str, &str); 6] = [
        ("prompt", "$i"),
        ("completion", "$o"),
        ("input_cache_read", "$r"),
        ("input_cache_write", "$w"),
        ("internal_reasoning", "$g"),
        ("audio", "$ai"),
    ];
    let name = format!("{PROVIDER}/{}", model.id);
    let mut fields = Fields::new();
    for (theirs, ours) in PARTS {
        let Some(text) = decimal(&name, model, theirs)? else { continue };
        if text == "-1" {
            return Ok(None);
        }
        fields.insert(ours.to_owned(), price(&name, &text, 6)?);
    }
    // Zero stands there for "not priced apart".
    fields.retain(|key, text| ["$i", "$o"].contains(&key.as_str()) || text != "0");
    if fields.get("$g") == fields.get("$o") {
        fields.remove("$g");
    }
    if let Some(text) = decimal(&name, model, "request")? {
        // USD for one request there, for a thousand here.
        price(&name, &text, 3)?;
        let cost = Cost::parse_usd(&text).map(|cost| Cost::from_atto(cost.atto().saturating_mul(1_000)));
        let cost = cost.ok().filter(|cost| *cost > Cost::ZERO);
        fields.extend(cost.map(|cost| ("$rq".to_owned(), cost.to_usd())));
    }
    Ok(fields.contains_key("$i").then_some(fields))
}

/// The decimal in the string behind a key.
fn decimal(name: &str, model: &ModelText<'_>, key: &str) -> Result<Option<String>, Problem> {
    let text = model.pricing.get(key).map(|text| text.get()).filter(|text| *text != "null");
    text.map(|text| parse_row(name, text)).transpose()
}
