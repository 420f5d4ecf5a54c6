//! The last comparison again: shown anew, with further lanes, or with another
//! try at those that failed. Nothing that was paid for is asked again.

use std::path::Path;

use serde_json::Value;
use ulid::Ulid;

use super::plan::{self, Plan, Showing};
use super::race::{self, Raced, Slot};
use super::{CompareArgs, idle, matrix, present};
use crate::asking::{Asking, Manner, params};
use crate::chat::{Params, Request};
use crate::check::Check;
use crate::choice;
use crate::comparison::{Comparison, LaneResult, Run, span, together};
use crate::config;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exchange::Cancel;
use crate::lane::{self, Lane};
use crate::ledger::{Ledger, LedgerError, StoredComparison, StoredRun};
use crate::money::Cost;
use crate::outcome::Status;
use crate::schema::Schema;
use crate::{runtime, signals, whole_file};

/// A comparison as the ledger has it.
struct Found {
    stored: StoredComparison,
    names: Vec<String>,
    runs: Vec<StoredRun>,
}

impl Found {
    /// How a lane was chosen; null where it was named.
    fn route(&self, lane: usize) -> Value {
        self.stored.plan["routes"].get(lane).cloned().unwrap_or_default()
    }
}

pub(super) fn run(args: &CompareArgs, context: &Context) -> Result<()> {
    let format = plan::format(&args.shape)?;
    let checks = plan::checks(&args.judging.check, context)?;
    idle::refuse(args)?;
    let (mut ledger, mut stored) = latest(context)?;
    if matrix::is_one(&stored) {
        return matrix::again(args, format, &checks, ledger, stored, context);
    }
    if args.past.add || args.past.retry_failed {
        // Two that add lanes at once would give them the same places.
        join(&mut ledger, stored.id, true)?;
        // Another process may have added some until now.
        stored = ledger.comparison(&stored.id.to_string()).map_err(unreadable)?;
    }
    let found = find(&ledger, stored)?;
    let request = found.runs.first().map(|run| run.call.request.clone()).unwrap_or_default();
    let by_field = request.schema.is_some();
    let agree = args.judging.agree || found.stored.plan["agree"] == true;
    let plan = if args.past.add || args.past.retry_failed {
        Some(further(args, context, &found, request, checks.clone())?)
    } else {
        None
    };
    if let (Some(plan), true) = (&plan, args.call.dry_run) {
        return plan.dry_run(context);
    }
    args.shape.file().map(whole_file::check).transpose()?;
    let raced = plan.as_ref().map(|plan| race::run(plan, context)).transpose()?;
    let was_streamed = plan.as_ref().is_some_and(Plan::streams_events);
    let mut comparison = comparison(found);
    let mut is_interrupted = false;
    if let (Some(plan), Some(raced)) = (&plan, raced) {
        if raced.unread {
            return Ok(());
        }
        is_interrupted = raced.is_interrupted;
        merge(&mut comparison, plan, raced);
    }
    if !checks.is_empty() && !is_interrupted {
        is_interrupted = !check_again(&mut comparison, &checks)?;
    }
    let showing = Showing {
        format,
        view: args.shape.view,
        sort: args.shape.sort,
        file: args.shape.file(),
        agree,
        strict: args.call.strict,
        by_field,
        made: plan.as_ref().map(Plan::made).unwrap_or_default(),
        is_interrupted,
        checks_all: !checks.is_empty(),
        was_streamed,
        is_kept: plan.as_ref().is_none_or(|plan| plan.log),
    };
    present::finish(&mut comparison, &showing, context)
}

/// The latest comparison, and the ledger that has it.
fn latest(context: &Context) -> Result<(Ledger, StoredComparison)> {
    let ledger = Ledger::open_existing(&context.paths.ledger).map_err(unreadable)?;
    let stored = ledger.latest_comparison().map_err(unreadable)?.ok_or_else(|| {
        Error::usage("there is no comparison to show again")
            .hint("compare something first; comparisons with `--no-log` are not kept")
    })?;
    Ok((ledger, stored))
}

/// Takes part in a comparison. A call that is under way in another process is
/// none that failed: those that failed are made again by one process alone, and
/// so are lanes added.
///
/// # Errors
/// Where `alone` and another process is still at it.
pub(super) fn join(ledger: &mut Ledger, comparison: Ulid, alone: bool) -> Result<Vec<u32>> {
    let others = ledger.join(comparison, alone).map_err(unreadable)?;
    match others.first().filter(|_| alone) {
        Some(process) => {
            Err(Error::failed(format!("process {process} still makes calls of this comparison"))
                .hint("wait until it ends"))
        }
        None => Ok(others),
    }
}

pub(super) fn unreadable(error: LedgerError) -> Error {
    Error::failed("the history can't be read").because(&error)
}

fn find(ledger: &Ledger, stored: StoredComparison) -> Result<Found> {
    let mut runs = ledger.runs(stored.id).map_err(unreadable)?;
    if runs.is_empty() {
        return Err(Error::usage("no call of the last comparison was finished, or all were deleted"));
    }
    runs.sort_by_key(|run| (run.place.lane, run.place.run));
    let names = stored.plan["lanes"].as_array().cloned().unwrap_or_default();
    let names = names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect();
    Ok(Found { stored, names, runs })
}

/// The comparison as it was, from its calls. A call that failed and was made
/// again counts no more, but for what it may have cost.
fn comparison(found: Found) -> Comparison {
    let wall = together(found.runs.iter().map(|run| span(&run.call.outcome)).collect());
    let mut lanes: Vec<LaneResult> = Vec::new();
    for (at, name) in found.names.iter().cloned().enumerate() {
        let calls: Vec<&StoredRun> = found.runs.iter().filter(|run| run.place.lane == at).collect();
        let later = |i: usize| calls.get(i + 1).is_some_and(|next| next.place.run == calls[i].place.run);
        let runs = calls.iter().enumerate().filter_map(|(i, stored)| {
            let outcome = stored.call.outcome.clone();
            let is_replaced = later(i);
            if is_replaced && outcome.bill.cost == Some(Cost::ZERO) {
                return None;
            }
            let is_warmup = stored.place.run < 1 || is_replaced;
            Some(Run { outcome, is_warmup, checks: stored.checks.clone() })
        });
        let mut runs: Vec<Run> = runs.collect();
        runs.sort_by_key(|run| !run.is_warmup);
        if !runs.is_empty() {
            lanes.push(LaneResult { name, route: found.route(at), runs });
        }
    }
    Comparison {
        id: found.stored.id,
        started_at: found.stored.started_at,
        prompt: found.stored.prompt,
        wall,
        lanes,
        agreement: None,
    }
}

/// The plan of further calls: lanes to add, or those to try again.
fn further(
    args: &CompareArgs,
    context: &Context,
    found: &Found,
    request: Request,
    checks: Vec<Check>,
) -> Result<Plan> {
    let mut all_names = found.names.clone();
    let manner = Manner::of(&args.call, context);
    let mut all_routes: Vec<Value> = (0..all_names.len()).map(|at| found.route(at)).collect();
    let asking = asking(args, found, request)?;
    let (lanes, places, slots) = if args.past.add {
        let choice = choice::look_up(&args.model, None, None, context)?;
        let conditions = args.call.caps.conditions(manner.retries.paid_sends());
        let chosen = choice.decide_each(&asking, &conditions, context)?;
        plan::say_why(args.why, &chosen, context);
        all_routes.extend(plan::routes(&chosen));
        let lanes = chosen.lanes;
        let places: Vec<usize> = (all_names.len()..all_names.len() + lanes.len()).collect();
        all_names = plan::unique(all_names, &lanes);
        let (warmup, runs) =
            (number(&found.stored.plan, "warmup"), number(&found.stored.plan, "runs").max(1));
        let slots = plan::rounds(lanes.len(), warmup, runs);
        (lanes, places, slots)
    } else {
        failed(found, context)?
    };
    plan::ready(&lanes)?;
    lane::check_abilities(&lanes, &asking.parts)?;
    let kept: Vec<&str> = found.stored.plan["checks"]
        .as_array()
        .map_or(Vec::new(), |checks| checks.iter().filter_map(Value::as_str).collect());
    let checks = if checks.is_empty() { plan::checks(&kept, context)? } else { checks };
    Ok(Plan {
        id: found.stored.id,
        names: places.iter().map(|place| all_names[*place].clone()).collect(),
        all_names,
        routes: all_routes,
        places,
        slots,
        title: found.stored.prompt.clone(),
        asking,
        manner,
        caps: args.call.caps,
        jobs: plan::jobs(args.rounds.jobs, lanes.len()),
        runs: number(&found.stored.plan, "runs").max(1),
        warmup: number(&found.stored.plan, "warmup"),
        checks,
        agree: args.judging.agree || found.stored.plan["agree"] == true,
        strict: args.call.strict,
        log: config::log(args.call.no_log, &context.env, &context.config).value,
        format: plan::format(&args.shape)?,
        view: args.shape.view,
        sort: args.shape.sort,
        file: args.shape.file().map(Path::to_owned),
        lanes,
    })
}

/// The calls that failed, by the lanes that they belong to.
fn failed(found: &Found, context: &Context) -> Result<(Vec<Lane>, Vec<usize>, Vec<Slot>)> {
    let (mut lanes, mut places, mut slots) = (Vec::new(), Vec::new(), Vec::new());
    for (at, name) in found.names.iter().enumerate() {
        let good = |run: i64| {
            found.runs.iter().any(|stored| {
                stored.place.lane == at && stored.place.run == run && stored.call.outcome.status == Status::Ok
            })
        };
        let runs = i64::from(number(&found.stored.plan, "runs").max(1));
        let missing: Vec<i64> = (1..=runs).filter(|run| !good(*run)).collect();
        if missing.is_empty() {
            continue;
        }
        let asked = found.runs.iter().find(|stored| stored.place.lane == at);
        let typed = asked.map_or(name.as_str(), |stored| stored.call.outcome.lane.as_str());
        slots.extend(missing.into_iter().map(|run| Slot { lane: lanes.len(), run, id: Ulid::generate() }));
        lanes.push(lane::lane(typed, context)?);
        places.push(at);
    }
    if lanes.is_empty() {
        return Err(Error::usage("no call of the last comparison failed").hint("`--last` shows it"));
    }
    slots.sort_by_key(|slot| slot.run);
    Ok((lanes, places, slots))
}

/// What was asked, with parameters of this command line over those of then.
fn asking(args: &CompareArgs, found: &Found, request: Request) -> Result<Asking> {
    let mut messages = request.messages;
    let parts = messages.pop().map(|message| message.parts).unwrap_or_default();
    let schema = request.schema.map(|schema| Schema::load(&schema.to_string())).transpose()?;
    let base = params_from_json(&found.stored.plan["params"]);
    Ok(Asking {
        system: request.system,
        earlier: messages,
        parts,
        params: base.overlaid(&params(&args.sampling)),
        schema,
        stream: request.stream,
    })
}

/// Puts the new calls where they belong.
fn merge(comparison: &mut Comparison, plan: &Plan, raced: Raced) {
    comparison.wall += raced.wall;
    let made = plan.made();
    for landed in raced.landed {
        let name = &plan.names[landed.slot.lane];
        let at = comparison.lanes.iter().position(|lane| lane.name == *name).unwrap_or_else(|| {
            let route = plan.routes[plan.places[landed.slot.lane]].clone();
            comparison.lanes.push(LaneResult { name: name.clone(), route, runs: Vec::new() });
            comparison.lanes.len() - 1
        });
        let runs = &mut comparison.lanes[at].runs;
        // A failed call that is tried again gives way to the new one.
        let gives_way = |run: &&mut Run| {
            !run.is_warmup && run.outcome.status != Status::Ok && !made.contains(&run.outcome.id)
        };
        if landed.run.outcome.status != Status::Skipped
            && let Some(old) = runs.iter_mut().find(gives_way)
        {
            old.is_warmup = true;
        }
        if landed.run.outcome.status != Status::Skipped || runs.is_empty() {
            runs.push(landed.run);
        }
        runs.retain(|run| !run.is_warmup || run.outcome.bill.cost != Some(Cost::ZERO));
        runs.sort_by_key(|run| !run.is_warmup);
    }
    // Who ends first is not who was named first.
    comparison.lanes.sort_by_key(|lane| plan.all_names.iter().position(|name| *name == lane.name));
}

/// Holds the answers against other checks than those of then; false where the
/// user ended that.
fn check_again(comparison: &mut Comparison, checks: &[Check]) -> Result<bool> {
    let runs = comparison.lanes.iter_mut().flat_map(|lane| &mut lane.runs);
    let cancel = Cancel::default();
    runtime()?.block_on(async {
        signals::cancel_on_interrupt(&cancel);
        for run in runs.filter(|run| !run.is_warmup) {
            run.checks = race::checked(checks, None, &run.outcome, &cancel).await.unwrap_or_default();
        }
    });
    Ok(!cancel.is_cancelled())
}

fn number(plan: &Value, field: &str) -> u32 {
    plan[field].as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}

/// What can't be read is not set.
fn params_from_json(value: &Value) -> Params {
    let stop = value["stop"].as_array().cloned().unwrap_or_default();
    Params {
        temperature: value["temperature"].as_f64(),
        top_p: value["top_p"].as_f64(),
        max_tokens: value["max_tokens"].as_u64().and_then(|tokens| u32::try_from(tokens).ok()),
        seed: value["seed"].as_i64(),
        stop: stop.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect(),
        effort: value["effort"].as_str().and_then(|word| word.parse().ok()),
        extra: value["extra"].as_object().cloned().unwrap_or_default().into_iter().collect(),
    }
}
