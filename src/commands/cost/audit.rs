//! `pollm cost audit`: what was recorded, held against bills and prices.

use std::io::Write;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::{Span, SpanOptions};
use crate::catalog::{Catalog, refresh};
use crate::cli::{TableFormat, TableOptions};
use crate::context::Context;
use crate::error::Result;
use crate::ledger::{HeldState, Ledger};
use crate::live;
use crate::provider;
use crate::render::json::laid_out;

mod findings;
mod view;

use findings::{Asked, Findings};

/// The provider whose records can be asked for by a call's id.
const OPENROUTER: &str = "openrouter";

/// Hold what was recorded against bills and prices.
#[derive(Debug, Args)]
#[command(mut_arg("format", |format| format.help("What to print: text or json")))]
#[command(mut_arg("jsonl", |jsonl| jsonl.hide(true)))]
#[command(mut_arg("output", |output| output.help(
    "Write to a file, or - for stdout; its extension (.txt, .json) picks the format"
)))]
#[command(after_help = "\
Where OpenRouter's key is set, its own records of your latest calls are asked for, one small request each, \
which costs nothing; --offline asks for none. Everything else is in the history.")]
pub(super) struct AuditArgs {
    #[command(flatten)]
    span: SpanOptions,
    /// The most records to ask OpenRouter for, newest calls first
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u16,
    /// Ask for nothing over the network
    #[arg(long)]
    offline: bool,
    #[command(flatten)]
    table: TableOptions,
}

pub(super) fn run(
    args: &AuditArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    // Findings of several kinds are no one table.
    let format = args.table.format("cost audit", &[TableFormat::Text, TableFormat::Json])?;
    let Span { since, until } = args.span.span(&Zoned::now())?;
    let ledger = Ledger::open_existing(&context.paths.ledger)?;
    let mut findings = Findings::new(&context.catalog, usize::from(args.limit));
    ledger.each_spent(since, until, &mut |call| findings.add(call))?;
    findings.unfinished = ledger.held(since, until, Timestamp::now())?;
    findings.unfinished.retain(|call| call.state != HeldState::Doubtful);
    findings.table = table_of(context);
    if !findings.recorded.is_empty() {
        findings.asked = ask(args, &findings, context);
    }
    if format == TableFormat::Json {
        return args.table.write(&laid_out(&view::object(&findings)), stdout);
    }
    if findings.calls == 0 && findings.unfinished.is_empty() {
        super::say_empty(ledger.has_calls()?, context, stderr)?;
    }
    args.table.write(&view::text(&findings, &args.table.laid_out_for(&context.output)), stdout)
}

/// The price table: its day, its age in days, and whether it was refreshed.
fn table_of(context: &Context) -> findings::Table {
    let date = context.catalog.date().to_owned();
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let age = date.parse::<jiff::civil::Date>().ok().map(|day| i64::from((today - day).get_days()));
    let refreshed = refresh::load(&context.paths.cache_dir, Catalog::embedded()).refreshed;
    findings::Table { date, age, refreshed }
}

/// Asks for the records of the calls that have any, or says why not.
fn ask(args: &AuditArgs, findings: &Findings<'_>, context: &Context) -> Asked {
    if args.offline {
        return Asked::Not("`--offline` was given".to_owned());
    }
    let Some(row) = context.catalog.provider(OPENROUTER) else {
        return Asked::Not("the catalog has no such provider".to_owned());
    };
    if !provider::is_ready(context, &row) {
        return Asked::Not("no key for openrouter is set".to_owned());
    }
    let ids: Vec<String> = findings.recorded.iter().map(|call| call.id.clone()).collect();
    match live::generations(context, &row, &ids) {
        Ok(answers) => Asked::Answered(answers),
        Err(error) => Asked::Not(error.message),
    }
}
