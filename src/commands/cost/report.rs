//! `pollm cost report`: what past calls cost together.

use std::io::Write;

use clap::Args;
use jiff::Zoned;

use super::{Span, SpanOptions, say_empty};
use crate::cli::{TableFormat, TableOptions};
use crate::context::Context;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::render::json::laid_out;
use crate::render::spending as view;
use crate::spending::{By, Gatherer, Spending, Sums};

/// Total past calls.
#[derive(Clone, Debug, Args)]
#[command(mut_arg("format", |format| format.help("What to print: text, json, jsonl, csv, markdown or html")))]
#[command(mut_arg("output", |output| output.help(
    "Write to a file, or - for stdout; its extension (.txt, .json, .jsonl, .csv, .md, .html) picks the format"
)))]
#[command(after_help = "\
Unknown costs are counted, never added up as zero: ≥ $1.23 (2 calls unpriced) is the least that was spent. \
Calls with --no-log are in no total; under a cap `pollm cost budget` counts them.")]
pub(super) struct ReportArgs {
    #[command(flatten)]
    span: SpanOptions,
    /// What the calls are grouped by
    #[arg(long, value_name = "BY", value_enum, default_value_t)]
    by: By,
    #[command(flatten)]
    table: TableOptions,
}

/// Every format there is.
const FORMATS: [TableFormat; 6] = [
    TableFormat::Text,
    TableFormat::Json,
    TableFormat::Jsonl,
    TableFormat::Csv,
    TableFormat::Markdown,
    TableFormat::Html,
];

pub(super) fn run(
    args: &ReportArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = args.table.format("cost report", &FORMATS)?;
    let ledger = Ledger::open_existing(&context.paths.ledger)?;
    let spending = gather(args, &ledger)?;
    let is_empty = spending.all == Sums::default();
    if is_empty {
        say_empty(ledger.has_calls()?, context, stderr)?;
    }
    let output = args.table.laid_out_for(&context.output);
    let text = match format {
        TableFormat::Text if is_empty => String::new(),
        TableFormat::Text => {
            let width = if output.stdout_tty { output.width } else { usize::MAX };
            view::text(&spending, width, &output)
        }
        TableFormat::Json => laid_out(&view::json(&spending)),
        TableFormat::Jsonl => view::lines(&spending),
        TableFormat::Csv => view::csv(&spending),
        TableFormat::Markdown => view::markdown(&spending),
        TableFormat::Html => view::html(&spending),
    };
    args.table.write(&text, stdout)
}

fn gather(args: &ReportArgs, ledger: &Ledger) -> Result<Spending> {
    let now = Zoned::now();
    let Span { since, until } = args.span.span(&now)?;
    let mut gatherer = Gatherer::new(args.by, now.time_zone().clone());
    ledger.each_spent(since, until, &mut |call| gatherer.add(call))?;
    ledger.held(since, until, now.timestamp())?.iter().for_each(|call| gatherer.add_held(call));
    let zoned = |at: Option<jiff::Timestamp>| at.map(|at| at.to_zoned(now.time_zone().clone()));
    Ok(gatherer.finish(zoned(since), zoned(until)))
}
