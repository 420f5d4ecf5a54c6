//! Many prompts of an earlier process: shown again, and gone on with.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::runtime::Runtime;
use ulid::Ulid;

use super::desk::Desk;
use super::grid::Grid;
use super::page::Page;
use super::plan::refuse_views;
use super::verdict::Verdict;
use super::{Planned, finish};
use crate::chat::{Message, Request};
use crate::check::Check;
use crate::commands::compare::past::{join, unreadable};
use crate::commands::compare::race::checked;
use crate::commands::compare::{CompareArgs, CompareFormat};
use crate::comparison::Run;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::Cancel;
use crate::keeper::Keeper;
use crate::ledger::{Ledger, StoredComparison, StoredRun};
use crate::matrix::{Concord, Few, Matrix, Tally};
use crate::model::ModelRef;
use crate::outcome::{Outcome, Status};
use crate::schema::Schema;
use crate::wire::{ApiError, FailureKind};
use crate::{runtime, signals, whole_file};

/// An earlier run of the same prompts.
pub(super) struct Earlier {
    ledger: Ledger,
    pub(super) stored: StoredComparison,
}

/// The latest call of a place, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    pub(super) call: Ulid,
    /// How it went, and whether it may have been billed although its end is
    /// unknown; `None` where nothing is known of it.
    pub(super) ended: Option<(Status, bool)>,
}

impl Begun {
    /// Whether the call is to be made again. What may have been paid is made
    /// again only where the user says so.
    pub(super) fn is_due(self, retry_failed: bool) -> bool {
        match self.ended {
            Some((Status::Ok, _)) => false,
            Some((Status::Cancelled | Status::Skipped, false)) => true,
            Some(_) | None => retry_failed,
        }
    }
}

/// What answers of the ledger are held against.
pub(super) struct Judge<'j> {
    pub(super) checks: &'j [Check],
    pub(super) schema: Option<&'j Schema>,
    /// Where to write what the checks say.
    pub(super) keeper: Option<&'j Keeper>,
}

/// Whether a comparison is one of many prompts.
pub(in crate::commands::compare) fn is_one(stored: &StoredComparison) -> bool {
    stored.plan["matrix"].is_object()
}

/// The latest run of which nothing but its calls can differ.
pub(super) fn find(fingerprint: &str, context: &Context) -> Result<Option<Earlier>> {
    let ledger = Ledger::open_existing(&context.paths.ledger).map_err(unreadable)?;
    let stored = ledger.comparison_like(fingerprint).map_err(unreadable)?;
    Ok(stored.map(|stored| Earlier { ledger, stored }))
}

impl Earlier {
    /// Takes part in the run. Where other processes do so too, that is said:
    /// their calls look as if they had been lost.
    pub(super) fn join(&mut self, alone: bool) -> Result<Vec<u32>> {
        join(&mut self.ledger, self.stored.id, alone)
    }

    /// What was begun, by [`Grid::index`].
    pub(super) fn begun(&self, grid: Grid) -> Result<Vec<Option<Begun>>> {
        begun(&self.ledger, &self.stored, grid)
    }
}

fn begun(ledger: &Ledger, stored: &StoredComparison, grid: Grid) -> Result<Vec<Option<Begun>>> {
    let mut begun = vec![None; grid.len()];
    for call in ledger.begun(stored.id).map_err(unreadable)? {
        if let Some((_, at)) = grid.slot(call.place) {
            begun[at] = Some(Begun { call: call.call, ended: call.ended });
        }
    }
    Ok(begun)
}

/// Hands over what an earlier process did.
pub(super) struct Replay<'r> {
    pub(super) earlier: &'r Earlier,
    pub(super) grid: Grid,
    pub(super) begun: &'r [Option<Begun>],
    /// `None`: what the checks said then holds.
    pub(super) judge: Option<Judge<'r>>,
    pub(super) runtime: &'r Runtime,
}

impl Replay<'_> {
    /// Hands over the calls of the ledger, one in memory at a time, and those of
    /// which nothing is known. Calls that are going to be made again only count
    /// for what they cost.
    pub(super) fn run(&self, planned: &[Planned], desk: &mut Desk) -> Result<()> {
        let mut is_due = vec![false; self.grid.len()];
        for at in planned.iter().filter_map(|planned| self.grid.index(planned.slot)) {
            is_due[at] = true;
        }
        let cancel = Cancel::default();
        if self.judge.is_some() {
            self.runtime.block_on(async { signals::cancel_on_interrupt(&cancel) });
        }
        let stored = &self.earlier.stored;
        self.earlier.ledger.each_run(stored.id, &mut |stored: StoredRun| -> Result<()> {
            let Some((slot, at)) = self.grid.slot(stored.place) else { return Ok(()) };
            desk.page.prompt(slot.item, || asked(&stored.call.request));
            let is_latest = self.begun[at].is_some_and(|begun| begun.call == stored.call.outcome.id);
            let mut run =
                Run { outcome: stored.call.outcome, is_warmup: slot.is_warmup(), checks: stored.checks };
            if !is_latest || is_due[at] {
                desk.land_replaced(slot, &run);
                return Ok(());
            }
            self.judge_again(&mut run, &cancel)?;
            desk.land(slot, &run)
        })?;
        for slot in self.grid.slots() {
            let Some(at) = self.grid.index(slot).filter(|at| !is_due[*at]) else { continue };
            let Some(begun) = self.begun[at].filter(|begun| begun.ended.is_none()) else { continue };
            let Some(lane) = desk.matrix.lanes.get(slot.lane) else { continue };
            let model = ModelRef::split(&lane.model).unwrap_or_else(|| ModelRef::new("", &lane.model));
            let outcome = lost(begun.call, &model, &lane.name, stored.started_at);
            desk.land(slot, &Run { outcome, is_warmup: slot.is_warmup(), checks: Vec::new() })?;
        }
        Ok(())
    }

    /// Holds an answer against checks that it was not held against, because
    /// they are new or the process was killed before.
    ///
    /// # Errors
    /// Where the user ends that.
    fn judge_again(&self, run: &mut Run, cancel: &Cancel) -> Result<()> {
        let Some(judge) = self.judge.as_ref().filter(|judge| !judge.has_judged(run)) else { return Ok(()) };
        let said = self.runtime.block_on(checked(judge.checks, judge.schema, &run.outcome, cancel));
        match said.filter(|_| !cancel.is_cancelled()) {
            Some(checks) => run.checks = checks,
            None => return Err(Error::new(ErrorKind::Interrupted, "interrupted while answers were checked")),
        }
        if let Some(keeper) = judge.keeper {
            keeper.checks(run.outcome.id, run.checks.clone());
        }
        Ok(())
    }
}

/// The prompt of a call, with the files that went with it.
fn asked(request: &Request) -> String {
    request.messages.last().map(Message::to_text).unwrap_or_default()
}

impl Judge<'_> {
    /// Whether a call was held against all of this, and nothing else.
    fn has_judged(&self, run: &Run) -> bool {
        let by_schema = self.schema.filter(|_| run.outcome.status == Status::Ok).map(|_| "schema");
        let wanted = by_schema.into_iter().chain(self.checks.iter().map(Check::as_str));
        wanted.eq(run.checks.iter().map(|checked| checked.check.as_str()))
    }
}

/// What is known of a call whose process was killed: nothing but that it was
/// begun. It may have been billed.
pub(super) fn lost(call: Ulid, model: &ModelRef, name: &str, started_at: Timestamp) -> Outcome {
    let why = "the process ended before the answer was kept";
    Outcome {
        id: call,
        status: Status::Error,
        possibly_billed: true,
        error: Some(ApiError::new(FailureKind::Cancelled, why)),
        ..Outcome::new(model.clone(), name.to_owned(), started_at)
    }
}

/// `--last`: shows the totals again. Nothing is sent.
pub(in crate::commands::compare) fn again(
    args: &CompareArgs,
    format: CompareFormat,
    checks: &[Check],
    ledger: Ledger,
    stored: StoredComparison,
    context: &Context,
) -> Result<()> {
    refuse_views(args.shape.view)?;
    if args.past.add {
        return Err(Error::usage("a comparison of many prompts takes no further models")
            .hint("name them with `-m` beside `--prompts`, for a new one"));
    }
    if args.past.retry_failed {
        return Err(Error::usage("the last comparison has many prompts, which `--last` only shows")
            .hint("repeat its command line with `--resume --retry-failed`"));
    }
    let matrix = read(&stored, args.judging.agree);
    let grid = Grid {
        prompts: matrix.prompts,
        lanes: matrix.lanes.len(),
        runs: matrix.runs,
        warmup: number(&stored.plan["warmup"]),
    };
    let begun = begun(&ledger, &stored, grid)?;
    args.shape.file().map(whole_file::check).transpose()?;
    let page = Page::begin(format, args.shape.file(), &matrix)?;
    let ids = ids(&stored.plan["matrix"], matrix.prompts);
    let agree = matrix.concord.is_some();
    let mut desk = Desk::new(matrix, page, grid, ids, stored.plan["schema"] == true);
    let (earlier, runtime) = (Earlier { ledger, stored }, runtime()?);
    let judge = (!checks.is_empty()).then_some(Judge { checks, schema: None, keeper: None });
    Replay { earlier: &earlier, grid, begun: &begun, judge, runtime: &runtime }.run(&[], &mut desk)?;
    let verdict =
        Verdict { is_new: false, is_interrupted: false, strict: args.call.strict, agree, log: true };
    finish(desk, args.shape.sort, context, &verdict)
}

/// The matrix as it was begun.
fn read(stored: &StoredComparison, agree: bool) -> Matrix {
    let plan = &stored.plan;
    let names = texts(&plan["lanes"]);
    let lanes = names.into_iter().zip(texts(&plan["models"]));
    Matrix {
        id: stored.id,
        started_at: stored.started_at,
        file: plan["matrix"]["file"].as_str().unwrap_or_default().to_owned(),
        prompts: usize::try_from(plan["matrix"]["prompts"].as_u64().unwrap_or_default()).unwrap_or_default(),
        runs: number(&plan["runs"]).max(1),
        wall: Duration::ZERO,
        lanes: lanes
            .enumerate()
            .map(|(at, (name, model))| {
                Tally::new(name, model).chosen(plan["routes"].get(at).cloned().unwrap_or_default())
            })
            .collect(),
        concord: (agree || plan["agree"] == true).then(Concord::default),
        left: 0,
        failures: Few::default(),
        fates: Vec::new(),
        wrong: Few::default(),
        early: Few::default(),
    }
}

/// The ids of the prompts; their numbers where nothing else is kept.
fn ids(matrix: &Value, prompts: usize) -> Vec<String> {
    match texts(&matrix["ids"]) {
        ids if ids.len() == prompts => ids,
        _ => (1..=prompts).map(|number| number.to_string()).collect(),
    }
}

fn texts(list: &Value) -> Vec<String> {
    let list = list.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

fn number(value: &Value) -> u32 {
    value.as_u64().and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
}
