//! `--prompts`: many prompts, each asked of every model.
//!
//! Memory stays flat, however many calls there are: a request is encoded when
//! its turn comes, and an outcome is written to the ledger and to the output as
//! it ends, added up and let go.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use ulid::Ulid;

use super::CompareArgs;
use crate::commands::ask::dry_run::{self, Calls, Caps};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::keeper::Keeper;
use crate::ledger::StoredComparison;
use crate::matrix::{Concord, Few, Matrix, Tally};
use crate::render::output::Paint;
use crate::runtime;
use crate::store::Store;
use crate::streams::stderr;
use crate::whole_file;

mod desk;
mod grid;
mod page;
mod past;
mod plan;
mod progress;
mod race;
mod reserve;
mod verdict;

pub(super) use past::{again, is_one};

use desk::Desk;
use grid::Slot;
use page::Page;
use past::{Begun, Earlier, Judge, Replay};
use plan::Plan;
use verdict::Verdict;

/// One call that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Planned {
    slot: Slot,
    /// Its id, known before anything is sent.
    id: Ulid,
    /// The call of an earlier process that it is made instead of.
    instead_of: Option<Begun>,
}

/// Asks every prompt of a file.
///
/// # Errors
/// As [`super::run`].
pub(super) fn run(args: &CompareArgs, prompts: &Path, context: &Context) -> Result<()> {
    let mut plan = plan::resolve(args, prompts, context)?;
    if args.call.dry_run {
        return show(&mut plan, context);
    }
    let fingerprint = plan.fingerprint();
    let earlier = if args.many.resume { earlier(args, &fingerprint, context)? } else { None };
    let mut started_at = Timestamp::now();
    if let Some(earlier) = &earlier {
        (plan.id, started_at) = (earlier.stored.id, earlier.stored.started_at);
    }
    let begun = earlier.as_ref().map(|earlier| earlier.begun(plan.grid)).transpose()?.unwrap_or_default();
    let planned = planned(&plan, &begun, args.past.retry_failed);
    plan.output.as_deref().map(whole_file::check).transpose()?;
    let mut store = Store::new(context, plan.log);
    plan.granted = reserve::reserve(&plan, &planned, &mut store, context)?;
    // From here on, whatever fails gives back what was set aside.
    let keeper = Keeper::start(store);
    let matrix = empty(&plan, started_at);
    let mut page = Page::begin(plan.format, plan.output.as_deref(), &matrix)?;
    for (at, item) in plan.items.iter().enumerate() {
        page.prompt(at, || item.prompt.clone());
    }
    let ids = plan.items.iter().map(|item| item.id.clone()).collect();
    let mut desk = Desk::new(matrix, page, plan.grid, ids, plan.asking.schema.is_some());
    let runtime = runtime()?;
    if let Some(earlier) = &earlier {
        let schema = plan.asking.schema.as_ref();
        let judge = Some(Judge { checks: &plan.checks, schema, keeper: Some(&keeper) });
        let replay = Replay { earlier, grid: plan.grid, begun: &begun, judge, runtime: &runtime };
        replay.run(&planned, &mut desk)?;
    }
    drop(earlier);
    keeper.begin(StoredComparison {
        id: plan.id,
        started_at,
        prompt: format!("{} ({} prompts)", plan.file, plan.items.len()),
        plan: plan.to_json(),
        fingerprint: Some(fingerprint),
    });
    let raced = race::run(&plan, planned, keeper, desk, runtime, context)?;
    if raced.taken > 0 {
        let what = format!("{} calls are made by another process and are not counted here", raced.taken);
        note(&what, context);
    }
    finish(
        raced.desk,
        plan.sort,
        context,
        &Verdict {
            is_new: true,
            is_interrupted: raced.is_interrupted,
            strict: plan.strict,
            agree: plan.agree,
            log: plan.log,
        },
    )
}

/// The run that is gone on with, where there is one; others that are at it too
/// are told.
fn earlier(args: &CompareArgs, fingerprint: &str, context: &Context) -> Result<Option<Earlier>> {
    let mut earlier = past::find(fingerprint, context)?;
    match &mut earlier {
        Some(earlier) => {
            if let Some(process) = earlier.join(args.past.retry_failed)?.first() {
                note(&format!("process {process} makes calls of this run too"), context);
            }
        }
        None => note("the history has no run of these prompts and models: starting a new one", context),
    }
    Ok(earlier)
}

/// Prints the totals and judges them.
fn finish(
    desk: Desk,
    sort: crate::render::compare::Sort,
    context: &Context,
    verdict: &Verdict,
) -> Result<()> {
    let (matrix, page, ids) = desk.close();
    // What was paid for is not lost with its place on the disk.
    let hint = |error: Error| match verdict.is_new && verdict.log {
        true => error.hint("`pollm compare --last` shows the totals again"),
        false => error,
    };
    let is_read = page.end(&matrix, &ids, sort, context).map_err(hint)?;
    if is_read { verdict::judge(&matrix, verdict) } else { Ok(()) }
}

/// All calls that will be made, in their order: those that were never begun,
/// and those that are to be made again.
fn planned(plan: &Plan, begun: &[Option<Begun>], retry_failed: bool) -> Vec<Planned> {
    let planned = plan.grid.slots().filter_map(|slot| {
        let before = plan.grid.index(slot).and_then(|at| *begun.get(at)?);
        let is_due = before.is_none_or(|before| before.is_due(retry_failed));
        is_due.then(|| Planned { slot, id: Ulid::generate(), instead_of: before })
    });
    planned.collect()
}

/// The matrix before the first call.
fn empty(plan: &Plan, started_at: Timestamp) -> Matrix {
    let lanes = plan.names.iter().zip(&plan.lanes).zip(&plan.routes);
    Matrix {
        id: plan.id,
        started_at,
        file: plan.file.clone(),
        prompts: plan.items.len(),
        runs: plan.grid.runs,
        wall: Duration::ZERO,
        lanes: lanes
            .map(|((name, lane), route)| {
                Tally::new(name.clone(), lane.model.to_string()).chosen(route.clone())
            })
            .collect(),
        concord: plan.agree.then(Concord::default),
        left: plan.grid.len(),
        failures: Few::default(),
        fates: Vec::new(),
        wrong: Few::default(),
        early: Few::default(),
    }
}

/// Prints what would be sent, and sends nothing.
fn show(plan: &mut Plan, context: &Context) -> Result<()> {
    let as_json = plan.format == super::CompareFormat::Json;
    let verdict = reserve::look(plan, &planned(plan, &[], false), context).transpose();
    for item in 0..plan.items.len() {
        plan.ask_item(item);
        let calls = Calls { caps: Caps::All(verdict.clone()), decision: None };
        dry_run::print(&plan.lanes, &plan.asking, calls, as_json, context)?;
    }
    Ok(())
}

fn note(text: &str, context: &Context) {
    if !context.output.quiet {
        stderr(&format!("{}\n", context.output.paint_stderr(text, Paint::Dim)));
    }
}
