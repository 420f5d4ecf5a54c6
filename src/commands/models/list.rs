//! `pollm models list`: what there is to ask.

use std::io::Write;

use clap::{Args, ValueEnum};
use jiff::{Timestamp, ToSpan as _};
use serde_json::json;

use super::print;
use crate::catalog::{Billing, Modality, Model, Provider, ProviderKind, State};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::money::{Cost, Price, Tokens};
use crate::render::json::{SCHEMA, laid_out, line};
use crate::render::models::{self as view, Charge, Listed};
use crate::render::output::Paint;

mod gather;

use gather::{chosen, gather};

/// Prices older than this may be wrong, and the user is told.
const STALE_DAYS: i32 = 60;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Only models with this text in their id or name
    #[arg(value_name = "TERM")]
    term: Option<String>,
    /// Models of all providers, retired ones too
    #[arg(long)]
    all: bool,
    /// Only models of this provider, whether it can be asked or not (repeatable, or a comma list)
    #[arg(long, value_name = "PROVIDER", value_delimiter = ',', conflicts_with = "local")]
    provider: Vec<String>,
    /// Only models on this machine
    #[arg(long, conflicts_with = "all")]
    local: bool,
    /// Only models that take and give a million tokens for at most so many USD each
    #[arg(long, value_name = "USD", value_parser = price, allow_negative_numbers = true)]
    max_price: Option<Price>,
    /// Only models with a context of so many tokens: 32000, 200k, 1M
    #[arg(long, value_name = "TOKENS", value_parser = tokens)]
    min_context: Option<u64>,
    /// Only models that take images
    #[arg(long)]
    vision: bool,
    /// Only models that call tools
    #[arg(long)]
    tools: bool,
    /// Only models that reason before they answer
    #[arg(long)]
    reasoning: bool,
    /// Only models whose weights are published
    #[arg(long)]
    open_weights: bool,
    /// The order; unknown figures come last
    #[arg(long, value_name = "BY", value_enum, default_value_t)]
    sort: Sort,
    /// Ask the providers for their lists, and keep them
    #[arg(long)]
    live: bool,
    /// What to print [default: text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<ListFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Short for --format csv
    #[arg(long, conflicts_with_all = ["format", "json"])]
    csv: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Sort {
    /// By provider and id
    #[default]
    Name,
    /// Cheapest first: two parts of prompt to one of answer
    Price,
    /// Largest first
    Context,
    /// Newest first
    Released,
    /// Your own median time to the first word, fastest first
    Latency,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ListFormat {
    /// A line a model
    Text,
    /// One JSON object
    Json,
    /// One JSON object a model
    Jsonl,
    /// Comma-separated values with a header
    Csv,
}

impl ListArgs {
    fn format(&self) -> ListFormat {
        match (self.json, self.csv) {
            (true, _) => ListFormat::Json,
            (_, true) => ListFormat::Csv,
            _ => self.format.unwrap_or(ListFormat::Text),
        }
    }

    pub(super) fn as_json(&self) -> bool {
        self.format() == ListFormat::Json
    }
}

fn price(text: &str) -> Result<Price, String> {
    Price::per_million(text.trim().trim_start_matches('$'))
        .map_err(|_| "expected a plain amount of USD for a million tokens, such as `0.5`".to_owned())
}

/// `32000`, `200k`, `1M`, `1.5M`.
fn tokens(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is no number of tokens such as 32000, 200k or 1M");
    let (number, zeros) = match text.strip_suffix(['k', 'K']) {
        Some(number) => (number, 3),
        None => text.strip_suffix(['m', 'M']).map_or((text, 0), |number| (number, 6)),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) || fraction.len() > zeros {
        return Err(wrong());
    }
    format!("{whole}{fraction:0<zeros$}").parse().map_err(|_| wrong())
}

pub(super) fn run(
    args: &ListArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let now = Timestamp::now();
    let providers = chosen(args, context)?;
    let (mut models, unanswered) = gather(args, &providers, context, stderr)?;
    let found = models.len();
    models.retain(|listed| fits(listed, args, now));
    sort(&mut models, args.sort, now);
    match args.format() {
        ListFormat::Text => text(&models, now, context, stdout, stderr)?,
        ListFormat::Csv => print(stdout, &view::csv(&models, now))?,
        ListFormat::Jsonl => {
            for listed in &models {
                print(stdout, &(line(&view::listed(listed, now)) + "\n"))?;
            }
        }
        ListFormat::Json => {
            let listed: Vec<_> = models.iter().map(|listed| view::listed(listed, now)).collect();
            let object = json!({"schema": SCHEMA, "catalog": context.catalog.date(), "models": listed});
            print(stdout, &laid_out(&object))?;
        }
    }
    // A list that was asked for and that nobody gave is no empty list.
    if found == 0 && !unanswered.is_empty() {
        let error = Error::failed(format!("no list came from {}", unanswered.join(", ")));
        return Err(error.hint("`pollm models check` says more; ids can be asked all the same"));
    }
    if !context.output.quiet {
        stdout.flush().map_err(super::output_failed)?;
        advice(args, &providers, found, &models, context, stderr)?;
    }
    Ok(())
}

fn fits(listed: &Listed, args: &ListArgs, now: Timestamp) -> bool {
    let model = &listed.model;
    let term = args.term.as_ref().is_none_or(|term| {
        let term = term.to_lowercase();
        model.model.to_string().to_lowercase().contains(&term) || model.name.to_lowercase().contains(&term)
    });
    let in_service = args.all || listed.live || model.state != State::Retired;
    let can = model.abilities.unwrap_or_default();
    term && in_service
        && args.min_context.is_none_or(|least| model.context.is_some_and(|context| context >= least))
        && args.max_price.is_none_or(|most| is_within(model, most, now))
        && (!args.vision || model.input.contains(&Modality::Image))
        && (!args.tools || can.tools)
        && (!args.reasoning || can.reasoning)
        && (!args.open_weights || can.open_weights)
        && (!args.local || model.billing == Billing::Local)
}

fn is_within(model: &Model, most: Price, now: Timestamp) -> bool {
    match Charge::of(model, model.prices_at(now).as_ref()) {
        Charge::Local | Charge::Free => true,
        Charge::NotMetered | Charge::Unknown => false,
        Charge::PerMillion { input, output, .. } => {
            [input, output].iter().all(|price| price.is_some_and(|price| price <= most))
        }
    }
}

/// Sorts; models that are equal stay by name.
fn sort(models: &mut [Listed], by: Sort, now: Timestamp) {
    models.sort_by(|a, b| a.model.model.cmp(&b.model.model));
    match by {
        Sort::Name => {}
        Sort::Price => models.sort_by_cached_key(|listed| {
            let cost = mixed(&listed.model, now);
            (cost.is_none(), cost)
        }),
        Sort::Context => models.sort_by_key(|listed| std::cmp::Reverse(listed.model.context)),
        Sort::Released => models.sort_by(|a, b| b.model.released.cmp(&a.model.released)),
        Sort::Latency => models.sort_by(|a, b| {
            let key = |listed: &Listed| listed.first_word_ms.unwrap_or(f64::INFINITY);
            key(a).total_cmp(&key(b))
        }),
    }
}

/// What two million tokens in and one million out cost.
fn mixed(model: &Model, now: Timestamp) -> Option<Cost> {
    match Charge::of(model, model.prices_at(now).as_ref()) {
        Charge::Local | Charge::Free => Some(Cost::ZERO),
        Charge::PerMillion { input, output, .. } => {
            Some(input? * Tokens(2_000_000) + output? * Tokens(1_000_000))
        }
        Charge::NotMetered | Charge::Unknown => None,
    }
}

fn text(
    models: &[Listed],
    now: Timestamp,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    if models.is_empty() {
        return Ok(());
    }
    if context.output.accessible {
        return print(stdout, &view::accessible(models, now));
    }
    let width = if context.output.stdout_tty { context.output.width } else { usize::MAX };
    let table = view::list(models, now, width);
    print(stdout, &(context.output.paint_stdout(&table.header, Paint::Bold) + "\n"))?;
    for line in &table.lines {
        print(stdout, line)?;
        print(stdout, "\n")?;
    }
    if let Some(legend) = table.legend.filter(|_| !context.output.quiet) {
        stdout.flush().map_err(super::output_failed)?;
        print(stderr, &format!("\n{legend}\n"))?;
    }
    Ok(())
}

/// What the user may want to know or to do next.
fn advice(
    args: &ListArgs,
    providers: &[Provider],
    found: usize,
    models: &[Listed],
    context: &Context,
    stderr: &mut dyn Write,
) -> Result<()> {
    let hint = context.output.label("hint");
    let only_embedded = providers.iter().all(|row| row.kind == ProviderKind::Local)
        && models.iter().all(|listed| listed.model.model.provider.as_str() == "local");
    if only_embedded && args.provider.is_empty() && !args.local {
        let none = if models.is_empty() { "no model fits\n" } else { "" };
        print(
            stderr,
            &format!(
                "{none}\nno API key is set and no local server runs\n\n{hint}: set a provider's variable, such as \
                 OPENAI_API_KEY, or run `pollm keys set PROVIDER`\n{hint}: `pollm models --all` lists the models \
                 of all providers, `pollm models providers` their variables\n"
            ),
        )?;
    } else if models.is_empty() {
        let why = match (found, args.provider.as_slice()) {
            (0, [one]) => format!("no models of {} are known", context.output.clean(one)),
            (0, _) => "no models are known".to_owned(),
            _ => "no model fits".to_owned(),
        };
        print(stderr, &format!("{why}\n"))?;
        if !args.all && args.provider.is_empty() {
            print(stderr, &format!("\n{hint}: `--all` looks at providers without a key too\n"))?;
        } else if found == 0 && !args.live {
            print(stderr, &format!("\n{hint}: `--live` asks the provider for its list\n"))?;
        }
    }
    let stale = context
        .catalog
        .date()
        .parse::<jiff::civil::Date>()
        .ok()
        .and_then(|date| date.checked_add(STALE_DAYS.days()).ok());
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    if stale.is_some_and(|stale| stale < today) {
        let date = context.catalog.date();
        print(
            stderr,
            &format!("{hint}: these prices are of {date}; `pollm models refresh` brings them up to date\n"),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_typed_with_or_without_a_unit() {
        for (text, number) in
            [("32000", 32_000), ("200k", 200_000), ("1M", 1_000_000), ("1.5M", 1_500_000), ("0.5K", 500)]
        {
            assert_eq!(tokens(text), Ok(number), "{text}");
        }
        for wrong in ["", "k", "1.5", "-1", "1kk", "1.2345k", "99999999999999999999M", "１k"] {
            assert!(tokens(wrong).is_err(), "{wrong}");
        }
    }
}
