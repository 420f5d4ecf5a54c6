//! `pollm models show`: everything about one model.

use std::io::Write;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{print, route};
use crate::catalog::{Model, Source};
use crate::choice;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane;
use crate::ledger::Ledger;
use crate::model::LaneName;
use crate::render::json::{SCHEMA, laid_out, tenths};
use crate::render::models::{self as view, Around, Listed};

pub(super) fn run(
    name: &str,
    at: Timestamp,
    as_json: bool,
    context: &Context,
    stdout: &mut dyn Write,
) -> Result<()> {
    if let Some((config, decision)) = choice::preview(name.trim(), route::TOKENS, context)? {
        return print(stdout, &route::shown(name.trim(), &config, &decision, as_json, context));
    }
    let named = LaneName::parse(name.trim()).model;
    let found = match (lane::resolve(&named, context), context.config.sets.get(&named)) {
        (Err(_), Some(models)) => return set(&named, models, at, as_json, context, stdout),
        (found, _) => found?,
    };
    let Some(row) = found.row else {
        let provider = &found.model.provider;
        return Err(Error::usage(format!("nothing is known of `{}`", found.model)).hint(format!(
            "`pollm models --provider {provider}` lists what is known; the id can be asked all the same"
        )));
    };
    let around = around(&row, found.note, context);
    if as_json {
        return print(stdout, &laid_out(&object(&row, &around, at, context)));
    }
    print(stdout, &view::show(&row, &around, at))
}

/// The models of a set, a line each.
fn set(
    name: &str,
    models: &[String],
    at: Timestamp,
    as_json: bool,
    context: &Context,
    stdout: &mut dyn Write,
) -> Result<()> {
    let first_words = Ledger::open_existing(&context.paths.ledger).and_then(|ledger| ledger.first_words());
    let first_words = first_words.unwrap_or_default();
    let found = models.iter().map(|model| lane::find(model, context)).collect::<Result<Vec<_>>>()?;
    let listed = found.into_iter().map(|found| Listed {
        first_word_ms: first_words.get(&found.model).copied(),
        model: found.row.unwrap_or_else(|| Model::unknown(found.model)),
        live: false,
    });
    let listed: Vec<Listed> = listed.collect();
    if as_json {
        let rows: Vec<Value> = listed.iter().map(|listed| view::listed(listed, at)).collect();
        return print(stdout, &laid_out(&json!({"schema": SCHEMA, "set": name, "models": rows})));
    }
    if context.output.accessible {
        return print(stdout, &format!("set: {name}\n\n{}", view::accessible(&listed, at)));
    }
    let width = if context.output.stdout_tty { context.output.width } else { usize::MAX };
    let table = view::list(&listed, at, width);
    print(stdout, &format!("set   {name}: {}\n\n{}\n", models.join(", "), table.header))?;
    table.lines.iter().try_for_each(|line| print(stdout, &format!("{line}\n")))?;
    table.legend.map_or(Ok(()), |legend| print(stdout, &format!("\n{legend}\n")))
}

fn around(row: &Model, note: Option<String>, context: &Context) -> Around {
    let name = row.model.to_string();
    let aliases = context.catalog.aliases().into_iter().filter(|(_, target)| *target == name);
    let provider = context.catalog.provider(row.model.provider.as_str());
    let provider = provider.map_or_else(String::new, |provider| {
        let key = super::providers::key(context, &provider);
        format!("{} ({}), key: {}", provider.name, provider.kind.as_str(), key.in_words())
    });
    let first_words = Ledger::open_existing(&context.paths.ledger).and_then(|ledger| ledger.first_words());
    let sources: Vec<String> = context.catalog.sources().iter().map(source).collect();
    let date = context.catalog.date().to_owned();
    Around {
        provider,
        aliases: aliases.map(|(alias, _)| alias).collect(),
        note,
        first_word_ms: first_words.ok().and_then(|known| known.get(&row.model).copied()),
        catalog: format!("catalog of {date}, from {}", sources.join(", ")),
        date,
        accessible: context.output.accessible,
    }
}

fn source(source: &Source) -> String {
    match &source.date {
        Some(date) => format!("{} ({date})", source.name),
        None => source.name.clone(),
    }
}

fn object(row: &Model, around: &Around, at: Timestamp, context: &Context) -> Value {
    let mut object = view::shown(row, at);
    object["schema"] = json!(SCHEMA);
    object["aliases"] = json!(around.aliases);
    object["note"] = json!(around.note);
    object["first_word_ms"] = json!(around.first_word_ms.map(tenths));
    object["catalog"] = json!(around.date);
    object["sources"] =
        Value::Array(context.catalog.sources().iter().map(super::providers::source).collect());
    object
}
