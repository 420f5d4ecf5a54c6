//! The calls of many prompts.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use super::desk::Desk;
use super::past::lost;
use super::plan::Plan;
use super::progress::Progress;
use super::{Planned, Slot, verdict};
use crate::chat::Request;
use crate::commands::compare::race::checked;
use crate::comparison::Run;
use crate::context::Context;
use crate::dispatch::Ready;
use crate::error::{Error, Result};
use crate::exchange::{Cancel, Ended, Job, exchange, fan_out};
use crate::keeper::Keeper;
use crate::ledger::{Claim, Place};
use crate::outcome::Outcome;
use crate::signals;

/// What came of all calls.
pub(super) struct Raced {
    pub(super) desk: Desk,
    /// The user ended them.
    pub(super) is_interrupted: bool,
    /// Calls that another process makes.
    pub(super) taken: usize,
}

/// What the calls share while they run.
struct Race<'r> {
    plan: &'r Plan,
    ready: Vec<Ready>,
    cancel: &'r Cancel,
    keeper: Keeper,
    desk: RefCell<Desk>,
    progress: RefCell<Progress>,
    taken: Cell<usize>,
    /// Why the output could not be written.
    unwritten: RefCell<Option<Error>>,
}

/// Makes the calls.
///
/// # Errors
/// What is found before the first call, and output that can't be written.
pub(super) fn run(
    plan: &Plan,
    planned: Vec<Planned>,
    keeper: Keeper,
    desk: Desk,
    runtime: Runtime,
    context: &Context,
) -> Result<Raced> {
    let cancel = Cancel::default();
    let result = runtime.block_on(async {
        signals::cancel_on_interrupt(&cancel);
        if plan.output.is_none() {
            signals::cancel_when_unread(&cancel);
        }
        let mut ready = Vec::with_capacity(plan.lanes.len());
        for lane in plan.lanes.iter().filter(|_| !planned.is_empty()) {
            ready.push(plan.manner.ready(lane, context).await?);
        }
        if let Some(first) = planned.first() {
            // What can't be encoded is found before any call is paid.
            for (lane, ready) in ready.iter().enumerate() {
                ready.take_back(ready.backend(&plan.request(Slot { lane, ..first.slot }))?);
            }
        }
        let progress = if plan.prints_calls() && context.output.stdout_tty {
            // Calls on the same terminal show the same, and would be drawn over.
            Progress::default()
        } else {
            Progress::new(desk.landed, plan.grid.len(), &context.output)
        };
        let race = Race {
            plan,
            ready,
            cancel: &cancel,
            keeper,
            desk: RefCell::new(desk),
            progress: RefCell::new(progress),
            taken: Cell::new(0),
            unwritten: RefCell::default(),
        };
        race.run(planned).await
    });
    // Name look-ups that never end must not keep the process.
    runtime.shutdown_background();
    result
}

impl Race<'_> {
    async fn run(self, planned: Vec<Planned>) -> Result<Raced> {
        let jobs = planned.into_iter().map(|planned| Job {
            lane: planned.slot.lane,
            provider: self.ready[planned.slot.lane].provider().clone(),
            is_local: self.ready[planned.slot.lane].is_local(),
            round: 0,
            what: planned,
        });
        let calls = fan_out(jobs, self.plan.at_once, self.cancel, |planned| self.one(planned));
        tokio::select! {
            () = calls => {}
            () = self.repaint() => {}
        }
        self.progress.borrow_mut().clear();
        if let Some(error) = self.unwritten.take() {
            return Err(if self.plan.log { error.hint(verdict::GO_ON) } else { error });
        }
        Ok(Raced {
            desk: self.desk.into_inner(),
            is_interrupted: self.cancel.is_cancelled(),
            taken: self.taken.get(),
        })
    }

    /// Makes one call and hands over what came of it.
    async fn one(&self, planned: Planned) -> Ended {
        let (plan, slot) = (self.plan, planned.slot);
        let (lane, ready) = (&plan.lanes[slot.lane], &self.ready[slot.lane]);
        let request = plan.request(slot);
        let call = match plan.manner.call_ready(ready, lane, Arc::clone(&request), planned.id) {
            Ok(call) => call,
            Err(error) => {
                // A like request was encoded before; only a client can fail to be built.
                log::error!("{}: {}", lane.name, error.message);
                return Ended::Otherwise;
            }
        };
        if !self.claim(&planned, &request).await {
            ready.take_back(call.backend);
            return Ended::Otherwise;
        }
        let outcome = exchange(&call, self.cancel, &mut |_| {}).await;
        ready.take_back(call.backend);
        let ended = Ended::of(&outcome);
        self.land(slot, outcome, request).await;
        ended
    }

    /// Writes that the call is about to be made, before anything of it leaves:
    /// a killed process must not lead to paying twice.
    async fn claim(&self, planned: &Planned, request: &Arc<Request>) -> bool {
        if !self.plan.log {
            return true;
        }
        let place = self.place(planned.slot);
        let before = planned.instead_of;
        if let Some(before) = before.filter(|before| before.ended.is_none()) {
            // From now on it is one that failed, and is never forgotten in a sum.
            let lane = &self.plan.lanes[planned.slot.lane];
            let outcome = lost(before.call, &lane.model, &lane.name, Timestamp::now());
            self.keeper.append("compare", outcome.clone(), Arc::clone(request), Some(place));
            let run = Run { outcome, is_warmup: planned.slot.is_warmup(), checks: Vec::new() };
            self.desk.borrow_mut().land_replaced(planned.slot, &run);
        }
        let claim = Claim { place, call: planned.id, instead_of: before.map(|before| before.call) };
        let is_claimed = self.keeper.claim(claim).await;
        if !is_claimed {
            self.taken.set(self.taken.get() + 1);
        }
        is_claimed
    }

    fn place(&self, slot: Slot) -> Place {
        Place { comparison: self.plan.id, lane: slot.lane, run: slot.run, item: Some(slot.item) }
    }

    async fn land(&self, slot: Slot, outcome: Outcome, request: Arc<Request>) {
        let plan = self.plan;
        // Kept at once; what the checks say follows.
        self.keeper.append("compare", outcome.clone(), request, Some(self.place(slot)));
        let checks = checked(&plan.checks, plan.asking.schema.as_ref(), &outcome, self.cancel).await;
        // What the user ended says nothing: `--resume` checks the answer again.
        let checks = checks.unwrap_or_default();
        if !checks.is_empty() {
            self.keeper.checks(outcome.id, checks.clone());
        }
        let run = Run { outcome, is_warmup: slot.is_warmup(), checks };
        // What is printed is in the history, even if the process is killed next.
        self.keeper.written().await;
        let mut desk = self.desk.borrow_mut();
        if let Err(error) = desk.land(slot, &run) {
            self.unwritten.borrow_mut().get_or_insert(error);
            self.cancel.cancel();
        }
        if desk.page.is_closed() {
            self.cancel.cancel();
        }
    }

    /// Moves the bar; never ends.
    async fn repaint(&self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            let desk = self.desk.borrow();
            self.progress.borrow().repaint(desk.landed, &desk.matrix);
        }
    }
}
