//! `pollm cost what-if`: what past calls would have cost elsewhere.

use std::collections::HashMap;
use std::io::Write;

use clap::Args;
use jiff::Zoned;
use serde_json::{Value, json};

use super::{Span, SpanOptions, print, say_empty};
use crate::catalog::Model;
use crate::choice;
use crate::cli::{TableFormat, TableOptions};
use crate::comparison::Total;
use crate::context::Context;
use crate::error::Result;
use crate::estimate::Measured;
use crate::lane::Found;
use crate::ledger::{Ledger, Spent};
use crate::model::{ModelRef, whole_names};
use crate::money::{Bill, Cost, CostSource};
use crate::render::columns::{Column, Place, markdown, one_line, rows, taken};
use crate::render::compare::escaped;
use crate::render::csv;
use crate::render::figures::count;
use crate::render::json::{SCHEMA, laid_out, lines};
use crate::render::output::{Output, Paint};
use crate::render::spending::{amount, calls, in_words, total_in_words};
use crate::spending::reprice::{self, Carried};

/// The room that a name may be cut down to.
const LEAST_NAME: usize = 10;

/// Reprice past calls.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is sent. The other model is taken to give the same answers and to read the same share of each prompt \
from a cache; its prices are those of the moment of each call. Tokens are carried over by what both models \
counted for your own prompts where five calls or more of each are known, else as they were counted.")]
pub(super) struct WhatIfArgs {
    /// The model: provider/model, an alias, an id, or the name of a route or a set (repeatable, or a comma list)
    #[arg(value_name = "MODEL", required = true, value_delimiter = ',')]
    model: Vec<String>,
    #[command(flatten)]
    span: SpanOptions,
    #[command(flatten)]
    table: TableOptions,
}

/// Calls of one model as they were and as they would have been.
#[derive(Clone, Debug, Default)]
struct Sums {
    calls: u64,
    actual: Total,
    other: Total,
}

impl Sums {
    fn add(&mut self, call: &Spent<'_>, other: &Bill, exact: bool) {
        self.calls += 1;
        let estimated = call.bill.source == CostSource::Estimated;
        self.actual.add(&Bill { approximate: call.bill.approximate || estimated, ..call.bill }, false);
        let approximate = other.approximate || !exact || other.source == CostSource::Estimated;
        self.other.add(&Bill { approximate, ..*other }, false);
    }

    fn of(&self, total: &Total) -> Option<Cost> {
        (total.unpriced < self.calls).then_some(total.known)
    }
}

/// One model that might have been asked.
struct Target {
    model: ModelRef,
    row: Option<Model>,
    groups: HashMap<ModelRef, (Carried, Sums)>,
    all: Sums,
}

/// Calls that can't be repriced, since nobody knows their tokens.
#[derive(Default)]
struct LeftOut {
    calls: u64,
    actual: Total,
}

pub(super) fn run(
    args: &WhatIfArgs,
    context: &Context,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<()> {
    let format = args.table.format("cost what-if", &TableFormat::USUAL)?;
    let mut targets = Vec::new();
    for name in &whole_names(&args.model) {
        for Found { model, row, .. } in choice::members(name, context)? {
            let is_new = targets.iter().all(|known: &Target| known.model != model);
            if is_new {
                targets.push(Target { model, row, groups: HashMap::new(), all: Sums::default() });
            }
        }
    }
    let ledger = Ledger::open_existing(&context.paths.ledger)?;
    let left_out = reprice_all(args, &mut targets, &ledger, context)?;
    let output = args.table.laid_out_for(&context.output);
    let is_empty = targets.iter().all(|target| target.all.calls == 0) && left_out.calls == 0;
    if is_empty && format != TableFormat::Json {
        say_empty(ledger.has_calls()?, context, stderr)?;
    }
    let text = match format {
        TableFormat::Json => laid_out(&whole(&targets, &left_out)),
        TableFormat::Jsonl => lines(&targets.iter().flat_map(groups).collect::<Vec<_>>()),
        TableFormat::Csv => csv::of_objects(&FIELDS, &targets.iter().flat_map(groups).collect::<Vec<_>>()),
        TableFormat::Text | TableFormat::Html | TableFormat::Markdown if is_empty => String::new(),
        TableFormat::Markdown => joined(&targets, |target| document(target, &output)),
        TableFormat::Text | TableFormat::Html if output.accessible => {
            joined(&targets, |target| accessible(target, &output))
        }
        TableFormat::Text | TableFormat::Html => joined(&targets, |target| table(target, &output)),
    };
    args.table.write(&text, stdout)?;
    if left_out.calls > 0 && !output.quiet && matches!(format, TableFormat::Text | TableFormat::Markdown) {
        stdout.flush().map_err(super::output_failed)?;
        let cost = total_in_words(&left_out.actual, known(&left_out), left_out.actual.approximate);
        let cost = if output.accessible { in_words(&cost) } else { cost };
        let note = format!("left out: {} whose tokens are unknown, cost {cost}\n", calls(left_out.calls));
        print(stderr, &note)?;
    }
    Ok(())
}

fn joined(targets: &[Target], text: impl Fn(&Target) -> String) -> String {
    targets.iter().map(text).collect::<Vec<_>>().join("\n")
}

/// Columns of CSV, and where their values are in an object of a group.
const FIELDS: [(&str, &str); 10] = [
    ("what_if", "/model"),
    ("asked", "/asked"),
    ("tokens", "/tokens"),
    ("calls", "/calls"),
    ("usd", "/actual/usd"),
    ("approximate", "/actual/approximate"),
    ("unpriced_calls", "/actual/unpriced_calls"),
    ("what_if_usd", "/what_if/usd"),
    ("what_if_approximate", "/what_if/approximate"),
    ("what_if_unpriced_calls", "/what_if/unpriced_calls"),
];

fn known(left_out: &LeftOut) -> Option<Cost> {
    (left_out.actual.unpriced < left_out.calls || left_out.calls == 0).then_some(left_out.actual.known)
}

fn reprice_all(
    args: &WhatIfArgs,
    targets: &mut [Target],
    ledger: &Ledger,
    context: &Context,
) -> Result<LeftOut> {
    let Span { since, until } = args.span.span(&Zoned::now())?;
    let mut measured: HashMap<ModelRef, Option<Measured>> = HashMap::new();
    let mut of = |model: &ModelRef| {
        if let Some(known) = measured.get(model) {
            return *known;
        }
        let found = ledger.tokens_per_1000_chars(model).unwrap_or_else(|error| {
            log::warn!("what {model} counts is not known: {error}");
            None
        });
        measured.insert(model.clone(), found);
        found
    };
    let mut left_out = LeftOut::default();
    ledger.each_spent(since, until, &mut |call| {
        let from = ModelRef::new(call.provider, call.model);
        for target in targets.iter_mut() {
            let (carried, sums) = target.groups.entry(from.clone()).or_insert_with(|| {
                let to = &target.model;
                let carried = Carried::between((&from, of(&from)), (to, of(to)), &context.catalog);
                (carried, Sums::default())
            });
            let Some(other) = other_bill(call, target.row.as_ref(), *carried) else { continue };
            let exact = *carried == Carried::Same;
            sums.add(call, &other, exact);
            target.all.add(call, &other, exact);
        }
        if other_bill(call, None, Carried::Same).is_none() {
            left_out.calls += 1;
            left_out.actual.add(&call.bill, false);
        }
    })?;
    for target in targets {
        target.groups.retain(|_, (_, sums)| sums.calls > 0);
    }
    Ok(left_out)
}

/// What a call would have cost; `None` where nobody knows its tokens.
fn other_bill(call: &Spent<'_>, row: Option<&Model>, carried: Carried) -> Option<Bill> {
    match (call.usage, call.bill.cost) {
        (Some(counted), _) => {
            let usage = carried.usage(&counted.usage);
            Some(row.map_or(Bill::UNKNOWN, |row| reprice::bill(row, call, &usage, counted.source)))
        }
        // A request that was refused or never arrived costs nothing anywhere.
        (None, Some(Cost::ZERO)) => Some(call.bill.clone()),
        (None, _) => None,
    }
}

impl Target {
    /// The groups, the dearest first.
    fn sorted(&self) -> Vec<(String, Carried, &Sums)> {
        let mut groups: Vec<_> =
            self.groups.iter().map(|(model, (carried, sums))| (model.to_string(), *carried, sums)).collect();
        groups.sort_by(|(a, _, x), (b, _, y)| y.actual.known.cmp(&x.actual.known).then_with(|| a.cmp(b)));
        groups
    }
}

fn actual(sums: &Sums) -> String {
    amount(sums.of(&sums.actual), sums.actual.unpriced, sums.actual.approximate)
}

fn other(sums: &Sums) -> String {
    amount(sums.of(&sums.other), sums.other.unpriced, sums.other.approximate)
}

/// `-35%`, `+120%`, `×12`; nothing where either side is not wholly known.
fn change(sums: &Sums) -> String {
    let (was, is) = (sums.actual.known.atto(), sums.other.known.atto());
    if sums.actual.unpriced + sums.other.unpriced > 0 || was <= 0 {
        return String::new();
    }
    let percent = is.saturating_mul(100).saturating_add(was / 2) / was - 100;
    match percent {
        0 if is == was => "same".to_owned(),
        900.. => format!("×{}", is.saturating_add(was / 2) / was),
        _ => format!("{percent:+}%"),
    }
}

fn columns(target: &Target, groups: &[(String, Carried, &Sums)], output: &Output) -> [Column; 5] {
    let column = |head: &str, place, cell: &dyn Fn(&Sums) -> String| {
        let cells = groups.iter().map(|(_, _, sums)| cell(sums));
        let cells = std::iter::once(head.to_owned()).chain(cells).chain([cell(&target.all)]);
        Column::new(cells.collect(), place)
    };
    let names = groups.iter().map(|(name, _, _)| one_line(&output.clean(name)));
    let names = std::iter::once("asked".to_owned()).chain(names).chain(["total".to_owned()]);
    [
        Column::new(names.collect(), Place::End),
        column("calls", Place::Right, &|sums| count(sums.calls)),
        column("cost", Place::Right, &actual),
        column("what if", Place::Right, &other),
        column("change", Place::Right, &change),
    ]
}

fn title(target: &Target, output: &Output) -> String {
    format!("what if {} had been asked", one_line(&output.clean(&target.model.to_string())))
}

fn table(target: &Target, output: &Output) -> String {
    let groups = target.sorted();
    let mut columns = columns(target, &groups, output);
    if output.stdout_tty {
        let excess = |columns: &[Column]| taken(columns).saturating_sub(output.width + 2);
        let named = columns[0].width.min(LEAST_NAME);
        for which in [4, 1] {
            let names = columns[0].width - named;
            if excess(&columns) > names {
                columns[which].width = 0;
            }
        }
        columns[0].width = columns[0].width.saturating_sub(excess(&columns)).max(named);
    }
    let mut text = output.paint_stdout(&title(target, output), Paint::Bold) + "\n";
    for line in rows(&columns, groups.len() + 2) {
        text += &(line + "\n");
    }
    text + &assumed(&groups, &target.all)
}

/// The same as Markdown.
fn document(target: &Target, output: &Output) -> String {
    let groups = target.sorted();
    let table = markdown(&columns(target, &groups, output), groups.len() + 2);
    let assumed = assumed(&groups, &target.all);
    let assumed: String = assumed.lines().map(|line| format!("- {line}\n")).collect();
    let gap = if assumed.is_empty() { "" } else { "\n" };
    format!("## {}\n\n{table}{gap}{assumed}", escaped(&title(target, output)))
}

/// What the figures rest on.
fn assumed(groups: &[(String, Carried, &Sums)], all: &Sums) -> String {
    let number = |wanted: fn(&Carried) -> bool| {
        groups.iter().filter(|(_, carried, _)| wanted(carried)).map(|(_, _, sums)| sums.calls).sum::<u64>()
    };
    let scaled = number(|carried| matches!(carried, Carried::Scaled { .. }));
    let as_counted = number(|carried| *carried == Carried::AsCounted);
    let mut text = String::new();
    if scaled > 0 {
        text += &format!("tokens carried over as measured from your own calls: {}\n", calls(scaled));
    }
    if as_counted > 0 {
        text += &format!("tokens taken as the other model counted them: {}\n", calls(as_counted));
    }
    if all.other.unpriced > 0 {
        text += &format!("no known price: {}\n", calls(all.other.unpriced));
    }
    text
}

/// The same for screen readers: a line a fact, a blank line between groups.
fn accessible(target: &Target, output: &Output) -> String {
    let groups = target.sorted();
    let named = groups.iter().map(|(name, _, sums)| (name.as_str(), *sums)).chain([("total", &target.all)]);
    let block = |(name, sums): (&str, &Sums)| {
        let mut text = format!("asked: {}\n", one_line(&output.clean(name)));
        text += &format!("calls: {}\n", count(sums.calls));
        text += &format!("cost: {}\n", in_words(&actual(sums)));
        text += &format!("would cost: {}\n", in_words(&other(sums)));
        let change = change(sums);
        match change.strip_prefix('×') {
            _ if change.is_empty() => {}
            Some(times) => text += &format!("change: {times} times as much\n"),
            None => text += &format!("change: {change}\n"),
        }
        text
    };
    let title = format!("what if: {}\n", one_line(&output.clean(&target.model.to_string())));
    let assumed = Some(assumed(&groups, &target.all)).filter(|text| !text.is_empty());
    [title].into_iter().chain(named.map(block)).chain(assumed).collect::<Vec<_>>().join("\n")
}

fn object(sums: &Sums) -> Value {
    let cost = |total: &Total| {
        json!({"usd": sums.of(total).map(Cost::to_usd), "approximate": total.approximate,
            "unpriced_calls": total.unpriced})
    };
    json!({"calls": sums.calls, "actual": cost(&sums.actual), "what_if": cost(&sums.other)})
}

/// What was asked, an object a model, each with the other model's name.
fn groups(target: &Target) -> Vec<Value> {
    let group = |(name, carried, sums): (String, Carried, &Sums)| {
        let mut object = object(sums);
        object["model"] = json!(target.model.to_string());
        object["asked"] = json!(name);
        object["tokens"] = json!(carried.as_str());
        object
    };
    target.sorted().into_iter().map(group).collect()
}

/// Everything as one object.
fn whole(targets: &[Target], left_out: &LeftOut) -> Value {
    let model = |target: &Target| json!({"model": target.model.to_string(), "groups": groups(target), "total": object(&target.all)});
    let models: Vec<Value> = targets.iter().map(model).collect();
    let left = json!({"calls": left_out.calls, "usd": known(left_out).map(Cost::to_usd),
        "unpriced_calls": left_out.actual.unpriced});
    json!({"schema": SCHEMA, "command": "cost what-if", "models": models, "left_out": left})
}
