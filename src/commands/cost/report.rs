//! `pollm cost report`: what past calls cost together.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jiff::Zoned;

use super::{Span, SpanOptions, print, say_empty};
use crate::cli::file_named;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::Ledger;
use crate::render::json::laid_out;
use crate::render::spending as view;
use crate::spending::{By, Gatherer, Spending, Sums};
use crate::whole_file;

/// Total past calls.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Unknown costs are counted, never added up as zero: ≥ $1.23 (2 calls unpriced) is the least that was spent. \
Calls with --no-log are in no total; under a cap `pollm cost budget` counts them.")]
pub(super) struct ReportArgs {
    #[command(flatten)]
    span: SpanOptions,
    /// What the calls are grouped by
    #[arg(long, value_name = "BY", value_enum, default_value_t)]
    by: By,
    /// What to print [default: text, or what the extension of --output says]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<ReportFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Write to a file, or - for stdout; its extension (.txt, .json, .csv, .html) picks the format
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// A line a group, and what the sum is made of
    Text,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
    /// A page with a chart that needs nothing else
    Html,
}

impl ReportArgs {
    /// The file to write to; `None` for stdout.
    fn file(&self) -> Option<&Path> {
        file_named(self.output.as_deref())
    }

    fn format(&self) -> Result<ReportFormat> {
        if self.json {
            return Ok(ReportFormat::Json);
        }
        let Some(path) = self.file() else { return Ok(self.format.unwrap_or(ReportFormat::Text)) };
        if let Some(format) = self.format {
            return Ok(format);
        }
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(ReportFormat::Json),
            Some("csv") => Ok(ReportFormat::Csv),
            Some("html" | "htm") => Ok(ReportFormat::Html),
            Some("txt") => Ok(ReportFormat::Text),
            _ => Err(Error::usage(format!("the name `{}` does not say which format", path.display()))
                .hint("end it in .txt, .json, .csv or .html, or say `--format`")),
        }
    }
}

pub(super) fn run(
    args: &ReportArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = args.format()?;
    let ledger = Ledger::open_existing(&context.paths.ledger)?;
    let spending = gather(args, &ledger)?;
    let is_empty = spending.all == Sums::default();
    if is_empty {
        say_empty(ledger.has_calls()?, context, stderr)?;
    }
    let to_terminal = context.output.stdout_tty && args.file().is_none();
    let width = if to_terminal { context.output.width } else { usize::MAX };
    let text = match format {
        ReportFormat::Text if is_empty => return Ok(()),
        ReportFormat::Text => {
            let mut output = context.output.clone();
            output.color_stdout &= args.file().is_none();
            view::text(&spending, width, &output)
        }
        ReportFormat::Json => laid_out(&view::json(&spending)),
        ReportFormat::Csv => view::csv(&spending),
        ReportFormat::Html => view::html(&spending),
    };
    match args.file() {
        Some(path) => whole_file::save(path, &text),
        None => print(stdout, &text),
    }
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
