//! `pollm cost price`: what a usage costs, to the last digit.

use std::io::Write;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::catalog::{ListCost, Model, Pricing, Resolved};
use crate::commands::output_failed;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane;
use crate::moment::parse_at;
use crate::money::{Bill, CostSource, Tokens, Usage, UsageSource};
use crate::prompt::parse_number;
use crate::render::{json as render_json, models as view};

/// Price a usage exactly.
#[derive(Debug, Args)]
#[command(after_help = "\
Counts are totals: --input holds what was read from a cache, written to it and audio; --output holds reasoning. \
Prints `unknown` where a price that is needed is not known.")]
pub(super) struct PriceArgs {
    /// The model: provider/model, an alias or an id
    #[arg(value_name = "MODEL")]
    model: String,
    /// Tokens of the prompt, cached and written ones and audio included
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>)]
    input: u64,
    /// Tokens of the answer, reasoning included
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>)]
    output: u64,
    /// Prompt tokens read from a cache
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, default_value_t = 0)]
    cache_read: u64,
    /// Prompt tokens written to a cache for five minutes, or the provider's usual time
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, default_value_t = 0)]
    cache_write: u64,
    /// Prompt tokens written to a cache for an hour
    #[arg(long = "cache-write-1h", value_name = "N", value_parser = parse_number::<u64>, default_value_t = 0)]
    cache_write_1h: u64,
    /// Audio tokens of the prompt
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, default_value_t = 0)]
    audio: u64,
    /// Reasoning tokens of the answer
    #[arg(long, value_name = "N", value_parser = parse_number::<u64>, default_value_t = 0)]
    reasoning: u64,
    /// The model was told to think
    #[arg(long)]
    thinking: bool,
    /// The request is part of a batch
    #[arg(long)]
    batch: bool,
    /// When the answer was complete: a time, or a date in UTC [default: now]
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    at: Option<Timestamp>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A usage and what it costs.
struct Priced {
    found: Resolved,
    usage: Usage,
    how: Pricing,
    at: Timestamp,
    bill: Bill,
    /// At list prices, where the sender pays otherwise.
    listed: Option<ListCost>,
}

pub(super) fn run(
    args: &PriceArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let usage = usage(args)?;
    let found = lane::resolve(&args.model, context)?;
    let at = args.at.unwrap_or_else(Timestamp::now);
    let how = Pricing { thinking: args.thinking, batch: args.batch, ceiling: false };
    let row = found.row.as_ref();
    let bill = row.map_or(Bill::UNKNOWN, |row| row.bill(&usage, UsageSource::Reported, at, how));
    let listed = row.filter(|_| bill.cost.is_none()).and_then(|row| row.list_cost(&usage, at, how));
    let priced = Priced { found, usage, how, at, bill, listed };
    if args.json {
        return writeln!(stdout, "{}", object(&priced)).map_err(output_failed);
    }
    let shown = priced.bill.cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_usd());
    writeln!(stdout, "{shown}").map_err(output_failed)?;
    if context.output.quiet {
        return Ok(());
    }
    // The figure goes first, also where both streams are one terminal.
    stdout.flush().map_err(output_failed)?;
    let facts = facts(&priced, context);
    let widest = facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, value) in facts {
        match context.output.accessible {
            true => writeln!(stderr, "{name}: {value}"),
            false => writeln!(stderr, "{name:widest$}  {value}"),
        }
        .map_err(output_failed)?;
    }
    Ok(())
}

/// The counts as disjoint ones.
fn usage(args: &PriceArgs) -> Result<Usage> {
    let parts = [args.cache_read, args.cache_write, args.cache_write_1h, args.audio];
    let inside = parts.into_iter().try_fold(0_u64, u64::checked_add);
    if inside.is_none_or(|inside| inside > args.input) {
        return Err(Error::usage("the parts of the prompt are more than `--input`")
            .hint("`--input` counts all of the prompt: cached, written and audio tokens too"));
    }
    if args.reasoning > args.output {
        return Err(Error::usage("`--reasoning` is more than `--output`")
            .hint("`--output` counts all of the answer, reasoning too"));
    }
    let [read, write, write_1h] = [args.cache_read, args.cache_write, args.cache_write_1h].map(Tokens);
    Ok(Usage {
        input_audio: Tokens(args.audio),
        output: Tokens(args.output),
        reasoning: Tokens(args.reasoning),
        ..Usage::from_inclusive_input(Tokens(args.input), read, write, write_1h)
    })
}

fn object(priced: &Priced) -> serde_json::Value {
    let Priced { found, usage, how, at, bill, listed } = priced;
    let now = found.row.as_ref().and_then(|row| row.prices_at(*at));
    json!({
        "schema": render_json::SCHEMA,
        "model": found.model.to_string(),
        "at": at.to_string(),
        "usage": {
            "input": usage.input().0,
            "cache_read": usage.cache_read.0,
            "cache_write": usage.cache_write_5m.0,
            "cache_write_1h": usage.cache_write_1h.0,
            "audio": usage.input_audio.0,
            "output": usage.output.0,
            "reasoning": usage.reasoning.0,
        },
        "thinking": how.thinking,
        "batch": how.batch,
        "cost": {
            "usd": bill.cost.map(|cost| cost.to_usd()),
            "source": bill.source.as_str(),
            "approximate": bill.approximate,
        },
        "list_usd": listed.map(|listed| listed.cost.to_usd()),
        "prices": now.as_ref().map(view::in_force),
        "note": found.note,
    })
}

fn facts(priced: &Priced, context: &Context) -> Vec<(String, String)> {
    let Priced { found, at, bill, listed, .. } = priced;
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let mut facts = vec![fact("model", context.output.clean(&found.model.to_string()).into_owned())];
    let how = match bill.source {
        CostSource::Computed if found.row.as_ref().is_some_and(|row| row.is_priced_by_user) => {
            "your own prices, exact"
        }
        CostSource::Computed => "list prices, exact",
        CostSource::Local => "it runs on this machine",
        CostSource::Free => "nothing is charged",
        _ => why_unknown(found.row.as_ref()),
    };
    let approximate = if bill.approximate {
        "approximate: a price depends on the route, stands in for another or may have lapsed"
    } else {
        how
    };
    facts.push(fact("cost", approximate.to_owned()));
    if let Some(ListCost { cost, .. }) = listed {
        facts.push(fact("at list prices", cost.to_display()));
    }
    facts.extend(found.note.iter().map(|note| fact("note", context.output.clean(note).into_owned())));
    let Some(row) = &found.row else { return facts };
    let Some(now) = row.prices_at(*at) else { return facts };
    facts.push(fact("prices", "in USD per million tokens".to_owned()));
    facts.extend(view::row_facts(now.row));
    facts.extend(view::in_use(row, &now, context.catalog.date()));
    facts
}

fn why_unknown(row: Option<&Model>) -> &'static str {
    use crate::catalog::Billing;
    match row.map(|row| row.billing) {
        Some(Billing::Trial | Billing::Subscription) => "unknown: this provider does not meter",
        Some(_) => "unknown: a price that is needed is not known",
        None => "unknown: the model is not in the catalog",
    }
}
