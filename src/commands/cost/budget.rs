//! `pollm cost budget`: the caps on spending, and what counts under them.

use std::io::Write;

use clap::{Args, Subcommand, ValueEnum};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use crate::budget::window::{self, BudgetCap, Period};
use crate::cli::{TableFormat, TableOptions, parse_usd};
use crate::commands::output_failed;
use crate::context::Context;
use crate::error::Result;
use crate::ledger::{Held, HeldState, Ledger, Scope, Spending};
use crate::money::Cost;
use crate::render::columns::{Column, GAP, Place, markdown, rows, taken};
use crate::render::csv;
use crate::render::filter::clean_line;
use crate::render::json::{self as render_json, SCHEMA, laid_out};
use crate::render::output::Output;
use crate::render::spending::in_words;

mod edit;

/// Show, set and remove caps on spending.
#[derive(Debug, Args)]
#[command(after_help = "\
Days and months are those of your time zone. Calls with `--no-log` count too; calls that `pollm history delete` \
deletes do not count any more.")]
pub(super) struct BudgetArgs {
    #[command(subcommand)]
    action: Option<BudgetAction>,
    #[command(flatten)]
    table: TableOptions,
}

#[derive(Debug, Subcommand)]
enum BudgetAction {
    /// Write a cap into the configuration: `set day 5.00`
    Set {
        /// How long it counts
        period: PeriodName,
        /// The most that calls may cost in that time
        #[arg(value_name = "USD", value_parser = parse_usd, allow_negative_numbers = true)]
        amount: Cost,
        #[command(flatten)]
        whom: Whom,
    },
    /// Take a cap out of the configuration
    Unset {
        /// How long it counts
        period: PeriodName,
        #[command(flatten)]
        whom: Whom,
    },
}

/// Which calls a cap is for: all of them, unless one is named.
#[derive(Debug, Args)]
struct Whom {
    /// Only the calls to this provider
    #[arg(long, value_name = "PROVIDER", conflicts_with = "model")]
    provider: Option<String>,
    /// Only the calls to this model
    #[arg(short, long, value_name = "MODEL")]
    model: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum PeriodName {
    /// From midnight to midnight.
    Day,
    /// From the first to the last of a month.
    Month,
}

impl From<PeriodName> for Period {
    fn from(name: PeriodName) -> Self {
        match name {
            PeriodName::Day => Self::Day,
            PeriodName::Month => Self::Month,
        }
    }
}

pub(super) fn run(
    args: &BudgetArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    match &args.action {
        None => show(&args.table, context, stdout, stderr),
        Some(BudgetAction::Set { period, amount, whom }) => {
            edit::change(whom, (*period).into(), Some(*amount), context, stderr)
        }
        Some(BudgetAction::Unset { period, whom }) => {
            edit::change(whom, (*period).into(), None, context, stderr)
        }
    }
}

/// A cap and what counts under it.
struct Line {
    cap: BudgetCap,
    spending: Spending,
}

impl Line {
    fn left(&self) -> Cost {
        self.spending.left(self.cap.cap.limit)
    }
}

fn show(
    options: &TableOptions,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = options.format("cost budget", &TableFormat::USUAL)?;
    let now = Zoned::now();
    let caps = window::caps(&context.config.budget, &now)?;
    let mut ledger = Ledger::open_existing(&context.paths.ledger)?;
    // Without any cap, what earlier ones still hold is shown from this month.
    let month = Period::Month.around(&now).map_or(Timestamp::MIN, |(first, _)| first.timestamp());
    let since = caps.iter().map(|cap| cap.cap.since).min().unwrap_or(month);
    let mut lines = Vec::with_capacity(caps.len());
    for cap in caps {
        let spending = ledger.spending(&cap.cap, now.timestamp())?;
        lines.push(Line { cap, spending });
    }
    let held = ledger.held(Some(since), None, now.timestamp())?;
    let output = options.laid_out_for(&context.output);
    let is_text = matches!(format, TableFormat::Text | TableFormat::Markdown);
    if lines.is_empty() && is_text && !output.quiet {
        let hint = context.output.label("hint");
        let how = "`pollm cost budget set day 5.00` sets one, `--max-cost` caps a single command";
        writeln!(stderr, "no cap is set\n\n{hint}: {how}").map_err(output_failed)?;
    }
    let objects = || lines.iter().map(object).collect::<Vec<Value>>();
    let text = match format {
        TableFormat::Json => {
            let held: Vec<Value> = held.iter().map(held_object).collect();
            laid_out(&json!({"schema": SCHEMA, "caps": objects(), "held": held}))
        }
        TableFormat::Jsonl => render_json::lines(&objects()),
        TableFormat::Csv => csv::of_objects(&FIELDS, &objects()),
        TableFormat::Markdown => document(&lines, &held, &now),
        TableFormat::Text | TableFormat::Html if output.accessible => accessible(&lines, &held, &now),
        TableFormat::Text | TableFormat::Html => table(&lines, &output) + &held_lines(&held, &now),
    };
    options.write(&text, stdout)
}

/// Columns of CSV, and where their values are in an object of a cap.
const FIELDS: [(&str, &str); 11] = [
    ("period", "/period"),
    ("provider", "/provider"),
    ("model", "/model"),
    ("cap_usd", "/cap_usd"),
    ("spent_usd", "/spent_usd"),
    ("unpriced_calls", "/unpriced_calls"),
    ("possibly_billed_usd", "/possibly_billed_usd"),
    ("under_way_usd", "/under_way_usd"),
    ("left_usd", "/left_usd"),
    ("since", "/since"),
    ("resets_at", "/resets_at"),
];

const CAP: usize = 0;
const POSSIBLY_BILLED: usize = 2;
const UNDER_WAY: usize = 3;
const BEGINS_ANEW: usize = 5;

/// The room that caps keep on a narrow terminal.
const LEAST_CAP: usize = 12;

/// What there is to say of a cap, under the names of the columns.
fn facts(line: &Line) -> [(&'static str, Place, String); 6] {
    let spending = &line.spending;
    let spent = match spending.unpriced {
        0 => spending.spent.to_display(),
        calls => format!("≥ {} ({calls} unpriced)", spending.spent.to_display()),
    };
    [
        ("cap", Place::Whole, line.cap.to_string()),
        ("spent", Place::Right, spent),
        ("possibly billed", Place::Right, spending.possible.to_display()),
        ("under way", Place::Right, spending.open.to_display()),
        ("left", Place::Right, line.left().to_display()),
        ("begins anew", Place::Left, line.cap.resets.strftime("%Y-%m-%d %H:%M").to_string()),
    ]
}

fn columns(lines: &[Line]) -> Vec<Column> {
    let all: Vec<_> = lines.iter().map(facts).collect();
    let Some(first) = all.first() else { return Vec::new() };
    let column = |at: usize| {
        let (head, place, _) = &first[at];
        let cells = all.iter().map(|facts| facts[at].2.clone());
        Column::new(std::iter::once((*head).to_owned()).chain(cells).collect(), *place)
    };
    (0..first.len()).map(column).collect()
}

/// A narrow terminal does without what can be looked up elsewhere, and at
/// last has a cap that is too long for it on a line of its own.
fn table(lines: &[Line], output: &Output) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let mut columns = columns(lines);
    if output.stdout_tty {
        let excess = |columns: &[Column]| taken(columns).saturating_sub(output.width + GAP);
        for which in [BEGINS_ANEW, UNDER_WAY, POSSIBLY_BILLED] {
            if excess(&columns) > 0 {
                columns[which].width = 0;
            }
        }
        let cap = columns[CAP].width;
        columns[CAP].width = cap.saturating_sub(excess(&columns)).max(cap.min(LEAST_CAP));
    }
    rows(&columns, lines.len() + 1).iter().map(|line| format!("{line}\n")).collect()
}

/// The same as Markdown: a table of caps, and one of the calls that hold money.
fn document(lines: &[Line], held: &[Held], now: &Zoned) -> String {
    let caps = match lines.is_empty() {
        true => String::new(),
        false => markdown(&columns(lines), lines.len() + 1),
    };
    if held.is_empty() {
        return caps;
    }
    let gap = if caps.is_empty() { "" } else { "\n" };
    let heads = ["at", "call", "cost", "state"].map(str::to_owned);
    format!("{caps}{gap}{}", markdown(&held_columns(Some(heads), held, now), held.len() + 1))
}

/// The same for screen readers: a line a fact, a blank line between caps.
fn accessible(lines: &[Line], held: &[Held], now: &Zoned) -> String {
    let fact = |(name, _, value): (&str, Place, String)| format!("{name}: {}\n", in_words(&value));
    let caps = lines.iter().map(|line| facts(line).into_iter().map(fact).collect::<String>());
    let calls = held.iter().map(|one| {
        let [at, model, most, state] = held_facts(one, now);
        format!("call: {model}\nat: {at}\ncost: {most}\nstate: {state}\n")
    });
    caps.chain(calls).collect::<Vec<_>>().join("\n")
}

/// The calls that hold money, a line each and without a head.
fn held_lines(held: &[Held], now: &Zoned) -> String {
    if held.is_empty() {
        return String::new();
    }
    let lines = rows(&held_columns(None, held, now), held.len());
    format!("\n{}", lines.iter().map(|line| format!("{line}\n")).collect::<String>())
}

fn held_columns(heads: Option<[String; 4]>, held: &[Held], now: &Zoned) -> Vec<Column> {
    let has_head = heads.is_some();
    let facts = held.iter().map(|one| {
        let [at, model, cost, state] = held_facts(one, now);
        let cost = if has_head || one.worst.is_some() { cost } else { format!("cost {cost}") };
        [at, model, cost, state]
    });
    let all: Vec<_> = heads.into_iter().chain(facts).collect();
    let column = |at: usize| Column::new(all.iter().map(|facts| facts[at].clone()).collect(), Place::Left);
    (0..4).map(column).collect()
}

/// When it was made, of whom, what it may cost, and how it stands.
fn held_facts(one: &Held, now: &Zoned) -> [String; 4] {
    let most = one.worst.map(|worst| format!("up to {}", worst.to_display()));
    [
        one.at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        clean_line(&one.model.to_string()).into_owned(),
        most.unwrap_or_else(|| "unknown".to_owned()),
        said(one.state).to_owned(),
    ]
}

fn said(state: HeldState) -> &'static str {
    match state {
        HeldState::Open => "under way",
        HeldState::Lost => "possibly billed: its process is gone",
        HeldState::Doubtful => "possibly billed: what it cost is not known for certain",
    }
}

fn object(line: &Line) -> Value {
    let (provider, model) = match &line.cap.cap.scope {
        Scope::All => (None, None),
        Scope::Provider(provider) => (Some(provider.to_string()), None),
        Scope::Model(model) => (Some(model.provider.to_string()), Some(model.to_string())),
    };
    json!({
        "period": line.cap.period.as_str(),
        "provider": provider,
        "model": model,
        "cap_usd": line.cap.cap.limit.to_usd(),
        "spent_usd": line.spending.spent.to_usd(),
        "unpriced_calls": line.spending.unpriced,
        "possibly_billed_usd": line.spending.possible.to_usd(),
        "under_way_usd": line.spending.open.to_usd(),
        "left_usd": line.left().to_usd(),
        "since": line.cap.cap.since.to_string(),
        "resets_at": line.cap.resets.timestamp().to_string(),
    })
}

fn held_object(held: &Held) -> Value {
    json!({
        "id": held.call.to_string(),
        "command": held.command,
        "model": held.model.to_string(),
        "at": held.at.to_string(),
        "worst_usd": held.worst.map(Cost::to_usd),
        "state": held.state.as_str(),
        "possibly_billed": held.state != HeldState::Open,
    })
}
