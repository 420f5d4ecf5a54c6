//! `pollm cost estimate`: what a prompt would cost, before it is sent.

use std::io::Write;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::print;
use crate::asking::Asking;
use crate::choice::{self, Conditions};
use crate::cli::{PromptOptions, SamplingOptions};
use crate::context::Context;
use crate::error::Result;
use crate::estimate::{self, Estimate};
use crate::lane::Lane;
use crate::money::Cost;
use crate::past::Past;
use crate::render::columns::{Column, Place, one_line, rows, taken};
use crate::render::csv;
use crate::render::figures::count;
use crate::render::json::{SCHEMA, laid_out};
use crate::render::output::Paint;
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
    /// What to print [default: text]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = "Output")]
    format: Option<EstimateFormat>,
    /// Short for --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum EstimateFormat {
    /// A line a model
    Text,
    /// One JSON object
    Json,
    /// Comma-separated values with a header
    Csv,
}

pub(super) fn run(
    args: &EstimateArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let estimates = estimates(args, context)?;
    let format = if args.json { EstimateFormat::Json } else { args.format.unwrap_or(EstimateFormat::Text) };
    match format {
        EstimateFormat::Json => {
            let lanes: Vec<Value> = estimates.iter().map(object).collect();
            print(stdout, &laid_out(&json!({"schema": SCHEMA, "command": "cost estimate", "models": lanes})))
        }
        EstimateFormat::Csv => print(stdout, &csv(&estimates)),
        EstimateFormat::Text if context.output.accessible => print(stdout, &accessible(&estimates, context)),
        EstimateFormat::Text => {
            print(stdout, &table(&estimates, context))?;
            if context.output.quiet {
                return Ok(());
            }
            stdout.flush().map_err(super::output_failed)?;
            notes(&estimates, context, stderr)
        }
    }
}

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

fn table(estimates: &[(String, Estimate)], context: &Context) -> String {
    let clean = |name: &str| one_line(&context.output.clean(name));
    let column = |head: &str, place, cell: &dyn Fn(&(String, Estimate)) -> String| {
        Column::new(std::iter::once(head.to_owned()).chain(estimates.iter().map(cell)).collect(), place)
    };
    let typical = |estimate: &Estimate| match estimate.typical_output {
        Some(_) => shown(estimate.typical, estimate),
        None => "-".to_owned(),
    };
    let out = |estimate: &Estimate| estimate.most_output.map_or_else(|| "?".to_owned(), count);
    let mut columns = [
        column("model", Place::End, &|(name, _)| clean(name)),
        column("tokens", Place::Right, &|(_, estimate)| format!("~{}", count(estimate.input))),
        column("prompt", Place::Right, &|(_, estimate)| shown(estimate.least, estimate)),
        column("typical", Place::Right, &|(_, estimate)| typical(estimate)),
        column("most", Place::Right, &|(_, estimate)| shown(estimate.most, estimate)),
        column("longest answer", Place::Right, &|(_, estimate)| out(estimate)),
    ];
    if context.output.stdout_tty {
        let excess = |columns: &[Column]| taken(columns).saturating_sub(context.output.width + 2);
        for which in [5, 2, 1] {
            if excess(&columns) > 0 {
                columns[which].width = 0;
            }
        }
        columns[0].width = columns[0].width.saturating_sub(excess(&columns)).max(columns[0].width.min(10));
    }
    let lines = rows(&columns, estimates.len() + 1);
    let lines = lines.into_iter().enumerate().map(|(at, line)| match at {
        0 => context.output.paint_stdout(&line, Paint::Bold) + "\n",
        _ => line + "\n",
    });
    lines.collect()
}

/// How the figures were found, a line a model, models alike together.
fn notes(estimates: &[(String, Estimate)], context: &Context, stderr: &mut dyn Write) -> Result<()> {
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
            _ => format!("{}: {how}\n", context.output.clean(&names.join(", "))),
        };
        print(stderr, &context.output.paint_stderr(&note, Paint::Dim))?;
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
    if estimate.least.is_none() && !estimate.local {
        words += "; a price that is needed is not known";
    }
    if estimate.approximate {
        words += "; the price depends on the route, stands in for another or may have lapsed";
    }
    if let Some(note) = &estimate.note {
        words += &format!("; {note}");
    }
    words
}

fn accessible(estimates: &[(String, Estimate)], context: &Context) -> String {
    let in_words = |cost: String| match cost.as_str() {
        "?" => "unknown".to_owned(),
        _ => cost.replace('~', "about "),
    };
    let mut text = String::new();
    for (name, estimate) in estimates {
        text += &format!("model: {}\n", one_line(&context.output.clean(name)));
        text += &format!("tokens in the prompt: about {}\n", count(estimate.input));
        text += &format!("cost of the prompt: {}\n", in_words(shown(estimate.least, estimate)));
        if estimate.typical_output.is_some() {
            text += &format!("typical cost: {}\n", in_words(shown(estimate.typical, estimate)));
        }
        text += &format!("most: {}\nhow: {}\n\n", in_words(shown(estimate.most, estimate)), how(estimate));
    }
    text
}

fn object((name, estimate): &(String, Estimate)) -> Value {
    let mut object = estimate.to_json();
    object["model"] = json!(name);
    object["local"] = json!(estimate.local);
    object
}

fn csv(estimates: &[(String, Estimate)]) -> String {
    let mut text = "model,input_tokens,input_source,input_calls,typical_output,typical_calls,max_output,\
                    usd_min,usd_typical,usd_max\n"
        .to_owned();
    for lane in estimates {
        let object = object(lane);
        let field = |key: &str| match &object[key] {
            Value::Null => String::new(),
            Value::String(text) => csv::text(text),
            other => other.to_string(),
        };
        let keys = [
            "model",
            "input",
            "input_source",
            "input_calls",
            "typical_output",
            "typical_calls",
            "max_output",
            "usd_min",
            "usd_typical",
            "usd_max",
        ];
        text += &csv::row(keys.map(field).iter().map(String::as_str));
    }
    text
}
