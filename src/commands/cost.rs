//! `pollm cost`: what calls cost, did cost and would cost.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::{Timestamp, Zoned};

use super::output_failed;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::moment::{Edge, parse_edge};

mod audit;
mod budget;
mod estimate;
mod price;
mod report;
mod what_if;

/// What calls cost: totals, estimates, prices.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CostArgs {
    /// What to do; `report` where nothing is said.
    #[command(subcommand)]
    command: Option<CostCommand>,
    /// What to report.
    #[command(flatten)]
    report: report::ReportArgs,
}

#[derive(Debug, Subcommand)]
enum CostCommand {
    /// Total past calls by model, provider, day or command
    Report(Box<report::ReportArgs>),
    /// Price a prompt before it is sent, for one model or several
    Estimate(Box<estimate::EstimateArgs>),
    /// Price a usage exactly: USD on stdout, the prices used on stderr
    Price(Box<price::PriceArgs>),
    /// Reprice past calls as if another model had been asked; nothing is sent
    WhatIf(Box<what_if::WhatIfArgs>),
    /// Hold what was recorded against bills and prices
    Audit(Box<audit::AuditArgs>),
    /// Show, set and remove caps on spending
    ///
    /// A cap counts the most that a call can cost, from before it is sent until its cost is known: the
    /// whole prompt, and an answer of --max-tokens, or as long as the model can make it. What may have
    /// been billed although nobody knows the end of the call goes on counting so. All processes share a
    /// cap; a call that would pass it is not sent (exit code 3).
    Budget(budget::BudgetArgs),
}

/// A span of time.
#[derive(Clone, Debug, Args)]
struct SpanOptions {
    /// Only calls since then: 7d (days, today included), 12h, today, yesterday, a date or a time
    #[arg(long, value_name = "WHEN", value_parser = parse_edge)]
    since: Option<Edge>,
    /// Only calls up to then; a day counts as a whole
    #[arg(long, value_name = "WHEN", value_parser = parse_edge)]
    until: Option<Edge>,
}

/// A span of time as moments: from the first, inclusive, to the second, exclusive.
struct Span {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl SpanOptions {
    fn span(&self, now: &Zoned) -> Result<Span> {
        let far = || Error::usage("that is farther away than time is counted");
        let since = self.since.map(|edge| edge.start(now).ok_or_else(far)).transpose()?;
        let until = self.until.map(|edge| edge.end(now).ok_or_else(far)).transpose()?;
        if let (Some(since), Some(until)) = (since, until)
            && since >= until
        {
            return Err(Error::usage("`--since` is not before `--until`"));
        }
        Ok(Span { since, until })
    }
}

/// Runs the command.
///
/// # Errors
/// Unknown models, counts that don't fit together, a ledger that can't be read.
pub fn run(args: &CostArgs, context: &Context, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<()> {
    match &args.command {
        None => report::run(&args.report, context, stdout, stderr),
        Some(CostCommand::Report(args)) => report::run(args, context, stdout, stderr),
        Some(CostCommand::Estimate(args)) => estimate::run(args, context, stdout, stderr),
        Some(CostCommand::Price(args)) => price::run(args, context, stdout, stderr),
        Some(CostCommand::WhatIf(args)) => what_if::run(args, context, stdout, stderr),
        Some(CostCommand::Audit(args)) => audit::run(args, context, stdout, stderr),
        Some(CostCommand::Budget(args)) => budget::run(args, context, stdout, stderr),
    }
}

/// Says on stderr how the history comes to hold calls.
fn say_empty(has_calls: bool, context: &Context, stderr: &mut dyn Write) -> Result<()> {
    if context.output.quiet {
        return Ok(());
    }
    let why = match has_calls {
        true => "no calls in that time: `--since` and `--until` say which are counted",
        false => "no calls yet: `pollm ask` writes them into the history",
    };
    writeln!(stderr, "{why}").map_err(output_failed)
}

fn print(out: &mut dyn Write, text: &str) -> Result<()> {
    out.write_all(text.as_bytes()).map_err(output_failed)
}
