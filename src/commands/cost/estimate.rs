//! `pollm cost estimate`: what a prompt would cost, before it is sent.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::print;
use crate::asking::Asking;
use crate::choice::{self, Conditions};
use crate::cli::{PromptOptions, SamplingOptions, TableFormat, TableOptions};
use crate::context::Context;
use crate::error::Result;
use crate::estimate::{self, Estimate};
use crate::lane::Lane;
use crate::money::Cost;
use crate::past::Past;
use crate::render::columns::{Column, Place, markdown, one_line, rows, taken};
use crate::render::csv;
use crate::render::figures::count;
use crate::render::json::{self as render_json, SCHEMA, laid_out};
use crate::render::output::{Output, Paint};
use crate::render::spending::in_words;
use crate::schema::Schema;

/// Price a prompt before it is sent.
#[derive(Debug, Args)]
#[command(after_help = "\
Tokens are counted from your own earlier calls of a model where there are five or more with prompts of such a \
size, else by a rule of thumb for the kind of text. Only the provider counts exactly. `typical` is the cost with \
the median answer of those calls, `most` that of the longest answer allowed, in the dearest hour.")]
pub(super) struct EstimateArgs {
    /// The model: provider/model, an alias, an id or a route (repeatable, or a comma list) [default: as for `ask`]
    #[arg(short, long, value_name = "MODEL", value_delimiter = ',')]
    model: Vec<String>,
    #[command(flatten)]
    prompt: PromptOptions,
    #[command(flatten)]
    sampling: SamplingOptions,
    #[command(flatten)]
    table: TableOptions,
}

pub(super) fn run(
    args: &EstimateArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = args.table.format("cost estimate", &TableFormat::USUAL)?;
    let estimates = estimates(args, context)?;
    let objects = || estimates.iter().map(object).collect::<Vec<Value>>();
    let output = args.table.laid_out_for(&context.output);
    let text = match format {
        TableFormat::Json => {
            laid_out(&json!({"schema": SCHEMA, "command": "cost estimate", "models": objects()}))
        }
        TableFormat::Jsonl => render_json::lines(&objects()),
        TableFormat::Csv => csv::of_objects(&FIELDS, &objects()),
        TableFormat::Markdown => markdown(&columns(&estimates, &output), estimates.len() + 1),
        TableFormat::Text | TableFormat::Html if output.accessible => accessible(&estimates, &output),
        TableFormat::Text | TableFormat::Html => table(&estimates, &output),
    };
    args.table.write(&text, stdout)?;
    if format != TableFormat::Text || output.accessible || output.quiet {
        return Ok(());
    }
    stdout.flush().map_err(super::output_failed)?;
    notes(&estimates, &output, stderr)
}

/// Columns of CSV, and where their values are in an object.
const FIELDS: [(&str, &str); 10] = [
    ("model", "/model"),
    ("input_tokens", "/input"),
    ("input_source", "/input_source"),
    ("input_calls", "/input_calls"),
    ("typical_output", "/typical_output"),
    ("typical_calls", "/typical_calls"),
    ("max_output", "/max_output"),
    ("usd_min", "/usd_min"),
    ("usd_typical", "/usd_typical"),
    ("usd_max", "/usd_max"),
];

/// The lanes' names and what each would cost, in the order asked.
fn estimates(args: &EstimateArgs, context: &Context) -> Result<Vec<(String, Estimate)>> {
    let schema = args.sampling.schema.as_deref().map(Schema::load).transpose()?;
    // Names are checked before stdin is read: a typo should not wait for a pipe.
    let choice = choice::look_up(&args.model, None, None, context)?;
    let asking = Asking::typed(&args.prompt, &args.sampling, schema)?;
    let lanes = choice.decide(&asking, &Conditions::default(), context)?.lanes;
    let past = Past::open(context);
    let estimate = |lane: &Lane| {
        let request = asking.request(lane);
        estimate::of(&request, lane.row.as_ref(), past.of(&lane.model, &request).as_ref())
    };
    Ok(lanes.iter().map(|lane| (lane.name.clone(), estimate(lane))).collect())
}

/// `~$0.12`, `free` on this machine, `?` where it is unknown.
fn shown(cost: Option<Cost>, estimate: &Estimate) -> String {
    match cost {
        _ if estimate.local => "local".to_owned(),
        Some(cost) => format!("~{}", cost.to_display()),
        None => "?".to_owned(),
    }
}

/// The longest answer in tokens.
fn longest(estimate: &Estimate) -> String {
    estimate.most_output.map_or_else(|| "?".to_owned(), count)
}

fn columns(estimates: &[(String, Estimate)], output: &Output) -> [Column; 6] {
    let clean = |name: &str| one_line(&output.clean(name));
    let column = |head: &str, place, cell: &dyn Fn(&(String, Estimate)) -> String| {
        Column::new(std::iter::once(head.to_owned()).chain(estimates.iter().map(cell)).collect(), place)
    };
    let typical = |estimate: &Estimate| match estimate.typical_output {
        Some(_) => shown(estimate.typical, estimate),
        None => "-".to_owned(),
    };
    [
        column("model", Place::End, &|(name, _)| clean(name)),
        column("tokens", Place::Right, &|(_, estimate)| format!("~{}", count(estimate.input))),
        column("prompt", Place::Right, &|(_, estimate)| shown(estimate.least, estimate)),
        column("typical", Place::Right, &|(_, estimate)| typical(estimate)),
        column("most", Place::Right, &|(_, estimate)| shown(estimate.most, estimate)),
        column("longest answer", Place::Right, &|(_, estimate)| longest(estimate)),
    ]
}

fn table(estimates: &[(String, Estimate)], output: &Output) -> String {
    let mut columns = columns(estimates, output);
    if output.stdout_tty {
        let excess = |columns: &[Column]| taken(columns).saturating_sub(output.width + 2);
        for which in [5, 2, 1] {
            if excess(&columns) > 0 {
                columns[which].width = 0;
            }
        }
        columns[0].width = columns[0].width.saturating_sub(excess(&columns)).max(columns[0].width.min(10));
    }
    let lines = rows(&columns, estimates.len() + 1);
    let lines = lines.into_iter().enumerate().map(|(at, line)| match at {
        0 => output.paint_stdout(&line, Paint::Bold) + "\n",
        _ => line + "\n",
    });
    lines.collect()
}

/// How the figures were found, a line a model, models alike together.
fn notes(estimates: &[(String, Estimate)], output: &Output, stderr: &mut dyn Write) -> Result<()> {
    let mut said: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, estimate) in estimates {
        let how = how(estimate);
        match said.iter_mut().find(|(text, _)| *text == how) {
            Some((_, names)) => names.push(name),
            None => said.push((how, vec![name])),
        }
    }
    for (how, names) in &said {
        let note = match said.len() {
            1 => format!("{how}\n"),
            _ => format!("{}: {how}\n", output.clean(&names.join(", "))),
        };
        print(stderr, &output.paint_stderr(&note, Paint::Dim))?;
    }
    Ok(())
}

fn how(estimate: &Estimate) -> String {
    let mut words = format!("prompt counted {}", estimate.counted.in_words());
    if let Some(typical) = estimate.typical_output {
        words += &format!(
            "; a typical answer has {} tokens (median of {} of your calls)",
            typical.median, typical.calls
        );
    }
    let price_is_missing =
        estimate.least.is_none() || (estimate.most.is_none() && estimate.most_output.is_some());
    if price_is_missing && !estimate.local {
        words += "; a price that is needed is not known";
    } else if estimate.most.is_none() && !estimate.local {
        words += "; the longest answer is not known: `--max-tokens` sets one";
    }
    if estimate.approximate {
        words += "; the price depends on the route, stands in for another or may have lapsed";
    }
    if let Some(note) = &estimate.note {
        words += &format!("; {note}");
    }
    words
}

/// The same for screen readers: a line a fact, a blank line between models.
fn accessible(estimates: &[(String, Estimate)], output: &Output) -> String {
    let block = |(name, estimate): &(String, Estimate)| {
        let cost = |cost| in_words(&shown(cost, estimate));
        let mut text = format!("model: {}\n", one_line(&output.clean(name)));
        text += &format!("tokens in the prompt: about {}\n", count(estimate.input));
        text += &format!("cost of the prompt: {}\n", cost(estimate.least));
        if estimate.typical_output.is_some() {
            text += &format!("typical cost: {}\n", cost(estimate.typical));
        }
        text += &format!("most: {}\n", cost(estimate.most));
        text += &format!("longest answer: {}\n", in_words(&longest(estimate)));
        text + &format!("how: {}\n", how(estimate))
    };
    estimates.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn object((name, estimate): &(String, Estimate)) -> Value {
    let mut object = estimate.to_json();
    object["model"] = json!(name);
    object["local"] = json!(estimate.local);
    object
}
