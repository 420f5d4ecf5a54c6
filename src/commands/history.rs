//! `pollm history`: the ledger's calls, to look at, take out and delete.

use std::io::Write;

use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::output_failed;
use crate::cli::{TableFormat, TableOptions};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::ledger::{Ledger, ListQuery, Listed, Selection, StoredCall};
use crate::nearest::nearest;
use crate::prompt::parse_number;
use crate::render::csv;
use crate::render::history as view;
use crate::render::json::{self, Extra, laid_out};

/// Look at past calls: list, show, export, delete.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    /// What to do; `list` where nothing is said.
    #[command(subcommand)]
    command: Option<HistoryCommand>,
    /// What to list.
    #[command(flatten)]
    list: ListArgs,
}

#[derive(Debug, Subcommand)]
enum HistoryCommand {
    /// List calls, newest first
    List(ListArgs),
    /// Show one call: its figures, its prompt, its answer
    Show {
        /// The call's id, or the beginning of it, as `pollm history` lists it
        id: String,
        /// Print the call as one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Print every call, oldest first, one JSON object a line
    Export,
    /// Delete calls with their texts, for good
    Delete(DeleteArgs),
}

#[derive(Clone, Debug, Args)]
struct ListArgs {
    /// Only calls whose prompt or answer has this text in it, in upper or lower case
    term: Option<String>,
    /// At most so many, the newest; 0 for all
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = parse_number::<usize>, allow_negative_numbers = true)]
    limit: usize,
    #[command(flatten)]
    table: TableOptions,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true))]
struct DeleteArgs {
    /// Ids of calls, or the beginnings of them
    #[arg(group = "which")]
    ids: Vec<String>,
    /// Calls older than this: 30d, 12h, or a date such as 2026-11-01
    #[arg(long, value_name = "AGE|DATE", group = "which")]
    before: Option<String>,
    /// Every call
    #[arg(long, group = "which")]
    all: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs the command.
///
/// # Errors
/// Ids that fit no call or several, a ledger that can't be read or written.
pub fn run(
    args: &HistoryArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let ledger = Ledger::open_existing(&context.paths.ledger)?;
    match &args.command {
        None => list(&args.list, &ledger, context, stdout, stderr),
        Some(HistoryCommand::List(args)) => list(args, &ledger, context, stdout, stderr),
        Some(HistoryCommand::Show { id, json }) => show(id, *json, &ledger, context, stdout),
        Some(HistoryCommand::Export) => {
            for call in ledger.export()? {
                writeln!(stdout, "{}", whole(&call?)).map_err(output_failed)?;
            }
            Ok(())
        }
        Some(HistoryCommand::Delete(args)) => delete(args, ledger, context, stderr),
    }
}

fn list(
    args: &ListArgs,
    ledger: &Ledger,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = args.table.format("history list", &TableFormat::USUAL)?;
    let query = ListQuery { term: args.term.as_deref(), limit: (args.limit > 0).then_some(args.limit) };
    let calls = ledger.list(&query)?;
    let output = args.table.laid_out_for(&context.output);
    if calls.is_empty() && !output.quiet && matches!(format, TableFormat::Text | TableFormat::Markdown) {
        say_none(args.term.as_deref(), stderr)?;
    }
    let clean = |text: &str| output.clean(text).into_owned();
    let text = match format {
        TableFormat::Json => {
            let calls = objects(&calls, ledger)?;
            laid_out(&serde_json::json!({"schema": json::SCHEMA, "calls": calls}))
        }
        // As they are read: there may be years of them.
        TableFormat::Jsonl if !args.table.is_for_file() => {
            return calls.iter().try_for_each(|call| {
                let call = ledger.show(&call.id.to_string())?;
                writeln!(stdout, "{}", json::line(&whole(&call))).map_err(output_failed)
            });
        }
        TableFormat::Jsonl => json::lines(&objects(&calls, ledger)?),
        TableFormat::Csv => csv::of_objects(&FIELDS, &calls.iter().map(glance).collect::<Vec<_>>()),
        TableFormat::Markdown => view::markdown(&calls, &TimeZone::system(), &clean),
        TableFormat::Text | TableFormat::Html if output.accessible => {
            view::list_read_out(&calls, &TimeZone::system(), &clean)
        }
        TableFormat::Text | TableFormat::Html => {
            let width = if output.stdout_tty { output.width } else { usize::MAX };
            view::list(&calls, width, &TimeZone::system(), &clean)
        }
    };
    args.table.write(&text, stdout)
}

/// Columns of CSV, and where their values are in a glance.
const FIELDS: [(&str, &str); 16] = [
    ("id", "/id"),
    ("conversation", "/conversation"),
    ("started_at", "/started_at"),
    ("command", "/command"),
    ("model", "/model"),
    ("lane", "/lane"),
    ("status", "/status"),
    ("input_tokens", "/usage/input"),
    ("cache_read_tokens", "/usage/cache_read"),
    ("output_tokens", "/usage/output"),
    ("reasoning_tokens", "/usage/reasoning"),
    ("usd", "/usd"),
    ("cost_source", "/cost_source"),
    ("approximate", "/approximate"),
    ("possibly_billed", "/possibly_billed"),
    ("prompt", "/prompt"),
];

/// What a list says of a call, in the words of the JSON.
fn glance(call: &Listed) -> serde_json::Value {
    let usage = call.usage.map(|counted| {
        let usage = counted.usage;
        serde_json::json!({"input": usage.input().0, "cache_read": usage.cache_read.0,
            "output": usage.output.0, "reasoning": usage.reasoning.0})
    });
    serde_json::json!({
        "id": call.id.to_string(),
        "conversation": call.conversation.to_string(),
        "started_at": call.started_at.to_string(),
        "command": call.command,
        "model": call.model.to_string(),
        "lane": call.lane,
        "status": call.status.as_str(),
        "usage": usage,
        "usd": call.bill.cost.map(crate::money::Cost::to_usd),
        "cost_source": call.bill.source.as_str(),
        "approximate": call.bill.approximate,
        "possibly_billed": call.possibly_billed,
        "prompt": call.prompt,
    })
}

/// Whole calls, in the order of the list.
fn objects(calls: &[Listed], ledger: &Ledger) -> Result<Vec<serde_json::Value>> {
    calls.iter().map(|listed| Ok(whole(&ledger.show(&listed.id.to_string())?))).collect()
}

fn say_none(term: Option<&str>, stderr: &mut dyn Write) -> Result<()> {
    let meant = term.and_then(|term| nearest(term, ["list", "show", "export", "delete"]));
    let why = match (term, meant) {
        (Some(_), Some(meant)) => {
            format!("no call has that text in it; did you mean `pollm history {meant}`?")
        }
        (Some(_), None) => "no call has that text in it".to_owned(),
        (None, _) => "no calls yet: `pollm ask` writes them".to_owned(),
    };
    writeln!(stderr, "{why}").map_err(output_failed)
}

fn show(id: &str, as_json: bool, ledger: &Ledger, context: &Context, stdout: &mut dyn Write) -> Result<()> {
    let call = ledger.show(id)?;
    if as_json {
        return writeln!(stdout, "{}", whole(&call)).map_err(output_failed);
    }
    // In a pipe the text is what it was; on a terminal it must not drive it.
    let clean = |text: &str| match context.output.stdout_tty {
        true => context.output.clean(text).into_owned(),
        false => text.to_owned(),
    };
    let text = match context.output.accessible {
        true => view::read_out(&call, &TimeZone::system(), &clean),
        false => view::show(&call, &TimeZone::system(), &clean),
    };
    write!(stdout, "{text}").map_err(output_failed)
}

/// A call as one JSON object: the outcome, and what was asked.
fn whole(call: &StoredCall) -> serde_json::Value {
    let extra = Extra { command: &call.command, conversation: Some(call.conversation), ..Extra::default() };
    let mut object = json::ask(&call.outcome, &extra);
    object["request"] = json::asked(&call.request);
    object
}

fn delete(args: &DeleteArgs, mut ledger: Ledger, context: &Context, stderr: &mut dyn Write) -> Result<()> {
    let selection = match (&args.before, args.all) {
        (Some(moment), _) => Selection::Before(moment_of(moment, Timestamp::now())?),
        (None, true) => Selection::All,
        (None, false) => Selection::Calls(args.ids.clone()),
    };
    if !matches!(selection, Selection::Calls(_)) && !args.yes {
        let calls = ledger.list(&ListQuery::default())?;
        let number = match selection {
            Selection::Before(moment) => calls.iter().filter(|call| call.started_at < moment).count(),
            _ => calls.len(),
        };
        let question = format!("delete {number} {} with their texts for good?", noun(number));
        if number > 0 && !crate::consent::ask(&question, context)? {
            return Err(Error::usage("nothing was deleted").hint("`--yes` deletes without asking"));
        }
    }
    let deleted = ledger.delete(&selection)?;
    if !context.output.quiet {
        writeln!(stderr, "deleted {} {}", deleted.calls, noun(deleted.calls)).map_err(output_failed)?;
    }
    if !deleted.erased {
        let label = context.output.label("warning");
        writeln!(stderr, "{label}: bytes of them may be left in the file until the next delete")
            .map_err(output_failed)?;
    }
    Ok(())
}

const fn noun(calls: usize) -> &'static str {
    if calls == 1 { "call" } else { "calls" }
}

/// `30d` or `12h` before now, a date, or a moment.
fn moment_of(text: &str, now: Timestamp) -> Result<Timestamp> {
    let wrong =
        || Error::usage(format!("`{text}` is neither an age such as `30d` nor a date such as `2026-11-01`"));
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::system()).ok();
    if let Some(day) = day() {
        return Ok(day.timestamp());
    }
    if let Ok(moment) = text.parse() {
        return Ok(moment);
    }
    let split = text.len().checked_sub(1).filter(|at| text.is_char_boundary(*at)).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(split);
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let hours = match unit {
        "h" => number,
        "d" => number.saturating_mul(24),
        "w" => number.saturating_mul(24 * 7),
        _ => return Err(wrong()),
    };
    let age = SignedDuration::try_from_hours(hours).ok_or_else(wrong)?;
    now.checked_sub(age).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_and_dates_are_moments() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let moment = |text: &str| moment_of(text, now).unwrap();
        let age = |text: &str| now.duration_since(moment(text)).as_hours();
        assert_eq!((age("12h"), age("30d"), age("2w")), (12, 720, 336));
        assert!(moment("2026-11-01") < moment("2026-11-03"));
        assert_eq!(moment("2026-11-01T00:00:00Z").to_string(), "2026-11-01T00:00:00Z");
        for wrong in ["", "d", "30", "yesterday", "99999999999999999999d", "9223372036854775807w", "3é"] {
            assert!(moment_of(wrong, now).is_err(), "{wrong}");
        }
    }
}
