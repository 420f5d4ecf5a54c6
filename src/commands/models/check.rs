//! `pollm models check`: whether address and key are right.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{cooldowns, print};
use crate::catalog::{Provider, ProviderKind};
use crate::context::Context;
use crate::cooldown::{self, Cooling};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::phrase;
use crate::live::{self, Answer, Ask};
use crate::model::ProviderId;
use crate::outcome::ms;
use crate::provider;
use crate::render::columns::{Column, Place, one_line, rows};
use crate::render::figures::duration;
use crate::render::filter::clean;
use crate::render::json::{SCHEMA, laid_out};
use crate::render::output::Paint;
use crate::wire::FailureKind;

/// What came of one check.
struct Checked {
    provider: String,
    /// `None` where nothing could be sent.
    took_ms: Option<f64>,
    result: Result<Good, Bad>,
    /// What is left alone in chains; a good check ends it.
    cooling: Vec<Cooling>,
}

struct Good {
    models: usize,
    /// The provider would have answered without a key too.
    key_untested: bool,
}

struct Bad {
    kind: ErrorKind,
    why: String,
    hints: Vec<String>,
}

pub(super) fn run(names: &[String], as_json: bool, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    let providers = chosen(names, context)?;
    let mut checked = check(&providers, context)?;
    if names.is_empty() {
        // A local server that does not run is no failure where nobody named it.
        let is_server =
            |id: &str| providers.iter().any(|row| row.kind == ProviderKind::Local && row.id.as_str() == id);
        checked.retain(|one| {
            one.result.as_ref().err().is_none_or(|bad| bad.kind != ErrorKind::Failed)
                || !is_server(&one.provider)
        });
    }
    let now = Timestamp::now();
    add_cooling(&mut checked, now, context);
    if as_json {
        let list: Vec<Value> = checked.iter().map(object).collect();
        print(stdout, &laid_out(&json!({"schema": SCHEMA, "providers": list})))?;
    } else {
        table(&checked, now, context, stdout)?;
    }
    if checked.is_empty() {
        // Nothing that could be right is right.
        return Err(Error::config("no API key is set and no local server runs")
            .hint("set a provider's variable, such as OPENAI_API_KEY, or run `pollm keys set PROVIDER`"));
    }
    verdict(&checked)
}

/// The named providers, or all that have a key or need none.
fn chosen(names: &[String], context: &Context) -> Result<Vec<Provider>> {
    if !names.is_empty() {
        return names.iter().map(|name| super::provider(name, context)).collect();
    }
    let mut all = context.catalog.providers();
    all.retain(|row| {
        row.wire != "local"
            && provider::is_ready(context, row)
            && provider::endpoint(context, row, "").is_ok()
    });
    Ok(all)
}

fn check(providers: &[Provider], context: &Context) -> Result<Vec<Checked>> {
    let (mut checked, mut asks) = (Vec::new(), Vec::new());
    for row in providers {
        let provider = row.id.as_str().to_owned();
        if row.wire == "local" {
            let result = Ok(Good { models: context.catalog.models(&row.id).len(), key_untested: false });
            checked.push(Checked { provider, took_ms: None, result, cooling: Vec::new() });
            continue;
        }
        match Ask::check(context, row) {
            Ok(ask) => asks.push(ask),
            Err(error) => {
                let bad = Bad { kind: error.kind, why: error.message, hints: error.hints };
                checked.push(Checked { provider, took_ms: None, result: Err(bad), cooling: Vec::new() });
            }
        }
    }
    checked.extend(live::ask_all(asks)?.into_iter().map(|answer| judge(answer, providers)));
    let place = |one: &Checked| providers.iter().position(|row| row.id.as_str() == one.provider);
    checked.sort_by_key(place);
    Ok(checked)
}

fn judge(answer: Answer, providers: &[Provider]) -> Checked {
    let is_server = providers.iter().any(|row| row.id == answer.provider && row.kind == ProviderKind::Local);
    let result = match answer.models {
        Ok(models) => Ok(Good {
            models: models.len(),
            key_untested: !is_server && !live::tests_key(answer.provider.as_str()),
        }),
        Err(error) => {
            let what = match error.kind {
                FailureKind::NotFound => {
                    format!("there is no list of models at {}", answer.url)
                }
                _ => phrase(&error),
            };
            let said = one_line(&clean(&error.message));
            let why = if said.is_empty() || what.ends_with(&said) { what } else { format!("{what}: {said}") };
            Err(Bad { kind: error.kind.into(), why, hints: Vec::new() })
        }
    };
    Checked {
        provider: answer.provider.as_str().to_owned(),
        took_ms: Some(ms(answer.took)),
        result,
        cooling: Vec::new(),
    }
}

fn table(checked: &[Checked], now: Timestamp, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    if context.output.accessible {
        let lines = checked.iter().map(|one| {
            let result = if one.result.is_ok() { "ok" } else { "failed" };
            let took = one.took_ms.map(|ms| format!("latency: {}\n", duration(ms))).unwrap_or_default();
            let provider = one_line(&clean(&one.provider));
            format!("provider: {provider}\nresult: {result}\n{took}details: {}\n", detail(one, now))
        });
        return print(stdout, &lines.collect::<Vec<_>>().join("\n"));
    }
    let column =
        |place, cell: &dyn Fn(&Checked) -> String| Column::new(checked.iter().map(cell).collect(), place);
    let columns = [
        column(Place::Left, &|one| one_line(&clean(&one.provider))),
        column(Place::Left, &|one| if one.result.is_ok() { "ok" } else { "failed" }.to_owned()),
        column(Place::Right, &|one| one.took_ms.map_or_else(|| "-".to_owned(), duration)),
        column(Place::Whole, &|one| detail(one, now)),
    ];
    for (line, one) in rows(&columns, checked.len()).iter().zip(checked) {
        let paint = if one.result.is_ok() { Paint::Green } else { Paint::Red };
        let word = if one.result.is_ok() { "  ok" } else { "  failed" };
        let shown = line.replacen(word, &context.output.paint_stdout(word, paint), 1);
        print(stdout, &(shown + "\n"))?;
    }
    Ok(())
}

fn detail(one: &Checked, now: Timestamp) -> String {
    let result = of_result(one);
    let names = |cooling: &Cooling| cooling.model.clone().unwrap_or_else(|| "all of it".to_owned());
    let pauses: Vec<String> = one
        .cooling
        .iter()
        .map(|cooling| format!("{} for {}", names(cooling), cooling.in_words(now)))
        .collect();
    match (pauses.is_empty(), &one.result) {
        (true, _) => result,
        (false, Ok(_)) => {
            one_line(&clean(&format!("{result}; not left alone any more: {}", pauses.join(", "))))
        }
        (false, Err(_)) => {
            one_line(&clean(&format!("{result}; left alone in chains: {}", pauses.join(", "))))
        }
    }
}

fn of_result(one: &Checked) -> String {
    match &one.result {
        Ok(Good { key_untested: true, models }) => {
            let models = chat_models(*models);
            format!("{models}; the list is open to all, so this says nothing of the key")
        }
        Ok(Good { models: 0, .. }) => "the key is taken".to_owned(),
        Ok(Good { models, .. }) => chat_models(*models),
        Err(Bad { why, .. }) => one_line(&clean(why)),
    }
}

fn chat_models(number: usize) -> String {
    format!("{number} chat {}", if number == 1 { "model" } else { "models" })
}

fn object(one: &Checked) -> Value {
    json!({
        "provider": one.provider,
        "ok": one.result.is_ok(),
        "latency_ms": one.took_ms.map(|ms| (ms * 10.0).round() / 10.0),
        "models": one.result.as_ref().ok().map(|good| good.models),
        "key_tested": one.result.as_ref().ok().map(|good| !good.key_untested),
        "error": one.result.as_ref().err().map(|bad| bad.why.as_str()),
        "cooldowns": one.cooling.iter().map(cooldowns::object).collect::<Vec<_>>(),
        "cooldowns_cleared": one.result.is_ok() && !one.cooling.is_empty(),
    })
}

/// Adds what is left alone in chains, and ends it where the check was good.
fn add_cooling(checked: &mut [Checked], now: Timestamp, context: &Context) {
    let cooling = cooldown::cooling(context, now);
    for one in &mut *checked {
        one.cooling =
            cooling.iter().filter(|cooling| cooling.provider.as_str() == one.provider).cloned().collect();
    }
    let good = checked.iter().filter(|one| one.result.is_ok() && !one.cooling.is_empty());
    let good: Vec<ProviderId> = good.map(|one| ProviderId::new(one.provider.as_str())).collect();
    if !good.is_empty()
        && let Err(error) = cooldowns::forget(&good, now, context)
    {
        log::warn!("{}", error.message);
        // Then the pauses still hold, and nothing says otherwise.
        checked.iter_mut().for_each(|one| one.cooling.clear());
    }
}

/// A key that is missing or rejected weighs more than any other failure.
fn verdict(checked: &[Checked]) -> Result<()> {
    let failed: Vec<(&str, &Bad)> =
        checked.iter().filter_map(|one| Some((one.provider.as_str(), one.result.as_ref().err()?))).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let of_key = failed.iter().any(|(_, bad)| bad.kind == ErrorKind::Config);
    let kind = if of_key { ErrorKind::Config } else { ErrorKind::Failed };
    let names: Vec<&str> = failed.iter().map(|(name, _)| *name).collect();
    let mut error = Error::new(kind, format!("failed the check: {}", names.join(", ")));
    error.hints = failed.iter().flat_map(|(_, bad)| bad.hints.clone()).collect();
    Err(error)
}
