//! The calls of a comparison: started in rounds, shown while they run, kept as
//! they land.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ulid::Ulid;

use super::board::Board;
use super::events::Events;
use super::plan::Plan;
use crate::budget::Guard;
use crate::chat::Request;
use crate::check::{self, Check};
use crate::comparison::{Checked, Run};
use crate::context::Context;
use crate::dispatch::Ready;
use crate::error::Result;
use crate::exchange::{AtOnce, Cancel, Ended, Job, exchange, fan_out};
use crate::keeper::Keeper;
use crate::ledger::{Place, StoredComparison};
use crate::outcome::{Outcome, Status};
use crate::schema::Schema;
use crate::store::Store;
use crate::{runtime, signals};

/// One call that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The lane, as a place in the plan.
    pub(super) lane: usize,
    /// As in [`Place::run`].
    pub(super) run: i64,
    /// The id of its outcome: money is set aside for it.
    pub(super) id: Ulid,
}

/// One call that was made, or was left out after a Ctrl-C.
pub(super) struct Landed {
    pub(super) slot: Slot,
    pub(super) run: Run,
}

/// What came of all calls.
pub(super) struct Raced {
    pub(super) started_at: Timestamp,
    pub(super) wall: Duration,
    /// In the order in which they ended.
    pub(super) landed: Vec<Landed>,
    /// The reader of the events is gone.
    pub(super) unread: bool,
    /// The user ended them, or what checks were saying of them.
    pub(super) is_interrupted: bool,
}

/// What the calls share while they run.
struct Race<'r> {
    plan: &'r Plan,
    ready: Vec<Ready>,
    requests: Vec<Arc<Request>>,
    cancel: &'r Cancel,
    keeper: Keeper,
    board: RefCell<Board>,
    events: RefCell<Option<Events>>,
    landed: RefCell<Vec<Landed>>,
}

/// Makes the calls of the plan.
///
/// # Errors
/// What is found before the first call: weights that can't be had, a request
/// that a protocol has no place for; and events that can't be written.
pub(super) fn run(plan: &Plan, context: &Context) -> Result<Raced> {
    let runtime = runtime()?;
    let cancel = Cancel::default();
    let result = runtime.block_on(async {
        signals::cancel_on_interrupt(&cancel);
        // What goes to a file has its reader.
        if plan.file.is_none() {
            signals::cancel_when_unread(&cancel);
        }
        let mut ready = Vec::with_capacity(plan.lanes.len());
        for lane in &plan.lanes {
            ready.push(plan.manner.ready(lane, context).await?);
        }
        let mut requests: Vec<_> = plan.lanes.iter().map(|lane| plan.asking.request(lane)).collect();
        for (ready, request) in ready.iter().zip(&requests) {
            // What can't be encoded is found before any lane is paid for.
            ready.take_back(ready.backend(request)?);
        }
        let store = reserved(plan, &mut requests, context)?;
        let race = Race {
            plan,
            ready,
            requests,
            cancel: &cancel,
            keeper: Keeper::start(store),
            board: RefCell::new(Board::new(plan, &context.output)),
            events: RefCell::new(plan.streams_events().then(|| Events::new(cancel.clone()))),
            landed: RefCell::default(),
        };
        race.run().await
    });
    // Name look-ups that never end must not keep the process.
    runtime.shutdown_background();
    result
}

/// The store, with money set aside for every call where a cap holds. Under
/// `--fit` the requests are lowered to what is left.
fn reserved(plan: &Plan, requests: &mut [Arc<Request>], context: &Context) -> Result<Store> {
    let mut store = Store::new(context, plan.log);
    let planned = plan.planned(requests);
    let granted = Guard::new(context, "compare", plan.caps).reserve(&mut store, &planned)?;
    for request in requests {
        if let Some(lowered) = granted.lowered(request) {
            *request = Arc::new(lowered);
        }
    }
    Ok(store)
}

impl Race<'_> {
    async fn run(self) -> Result<Raced> {
        let (started_at, started) = (Timestamp::now(), Instant::now());
        self.keeper.begin(StoredComparison {
            id: self.plan.id,
            started_at,
            prompt: self.plan.title.clone(),
            plan: self.plan.to_json(),
            fingerprint: None,
        });
        let jobs = self.plan.slots.iter().map(|slot| Job {
            lane: slot.lane,
            provider: self.ready[slot.lane].provider().clone(),
            is_local: self.ready[slot.lane].is_local(),
            round: u32::try_from(slot.run + i64::from(self.plan.warmup)).unwrap_or_default(),
            what: *slot,
        });
        let calls = fan_out(jobs, AtOnce::of_all(self.plan.jobs), self.cancel, |slot| self.one(slot));
        tokio::select! {
            () = calls => {}
            () = self.repaint() => {}
        }
        self.board.borrow_mut().clear();
        let wall = started.elapsed();
        let unread = self.events.borrow_mut().as_mut().map(Events::finish).transpose()?.unwrap_or_default();
        let mut landed = self.landed.take();
        landed.extend(self.left_out(&landed));
        Ok(Raced { started_at, wall, landed, unread, is_interrupted: self.cancel.is_cancelled() })
    }

    /// Makes one call and keeps what came of it.
    async fn one(&self, slot: Slot) -> Ended {
        let (lane, ready) = (&self.plan.lanes[slot.lane], &self.ready[slot.lane]);
        let request = Arc::clone(&self.requests[slot.lane]);
        let call = match self.plan.manner.call_ready(ready, lane, Arc::clone(&request), slot.id) {
            Ok(call) => call,
            Err(error) => {
                // The same request was encoded before; only a client can fail to be built.
                log::error!("{}: {}", lane.name, error.message);
                return Ended::Otherwise;
            }
        };
        let outcome = exchange(&call, self.cancel, &mut |update| {
            self.board.borrow_mut().update(slot, &update);
            if let Some(events) = &mut *self.events.borrow_mut() {
                events.update(slot, &self.plan.names[slot.lane], &update);
            }
        })
        .await;
        ready.take_back(call.backend);
        let ended = Ended::of(&outcome);
        self.land(slot, outcome, request).await;
        ended
    }

    async fn land(&self, slot: Slot, outcome: Outcome, request: Arc<Request>) {
        let plan = self.plan;
        let place = Place { comparison: plan.id, lane: plan.places[slot.lane], run: slot.run, item: None };
        // Kept at once; what the checks say follows.
        self.keeper.append("compare", outcome.clone(), request, Some(place));
        self.board.borrow_mut().end(slot, &outcome);
        let checks = checked(&plan.checks, plan.asking.schema.as_ref(), &outcome, self.cancel).await;
        let checks = checks.unwrap_or_default();
        if !checks.is_empty() {
            self.keeper.checks(outcome.id, checks.clone());
        }
        let run = Run { outcome, is_warmup: slot.run < 1, checks };
        if let Some(events) = &mut *self.events.borrow_mut() {
            events.end(slot, &plan.names[slot.lane], &plan.routes[plan.places[slot.lane]], &run);
        }
        self.landed.borrow_mut().push(Landed { slot, run });
    }

    /// Moves the clocks of the board; never ends.
    async fn repaint(&self) {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            self.board.borrow_mut().repaint();
        }
    }

    /// The calls that a Ctrl-C kept from being made.
    fn left_out(&self, landed: &[Landed]) -> Vec<Landed> {
        let made: HashSet<Ulid> = landed.iter().map(|landed| landed.slot.id).collect();
        let skipped = self.plan.slots.iter().filter(|slot| !made.contains(&slot.id));
        skipped
            .map(|slot| {
                let lane = &self.plan.lanes[slot.lane];
                let mut outcome = Outcome::new(lane.model.clone(), lane.name.clone(), Timestamp::now());
                outcome.id = slot.id;
                Landed { slot: *slot, run: Run { outcome, is_warmup: slot.run < 1, checks: Vec::new() } }
            })
            .collect()
    }
}

/// Holds an answer against every check, the schema first. A command may take
/// long: nothing else waits for it. `None` where the user ended one.
pub(super) async fn checked(
    checks: &[Check],
    schema: Option<&Schema>,
    outcome: &Outcome,
    cancel: &Cancel,
) -> Option<Vec<Checked>> {
    let by_schema = schema.filter(|_| outcome.status == Status::Ok).map(|schema| Checked {
        check: "schema".to_owned(),
        failure: check::by_schema(schema, &outcome.text),
    });
    let mut all: Vec<Checked> = by_schema.into_iter().collect();
    if !checks.is_empty() {
        let (checks, outcome) = (checks.to_vec(), outcome.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let run = move || checks.iter().map(|check| check.run(&outcome, &told)).collect::<Vec<_>>();
        let running = tokio::task::spawn_blocking(run);
        tokio::pin!(running);
        let done = tokio::select! {
            done = &mut running => done,
            () = cancel.cancelled() => {
                stop.store(true, Ordering::Relaxed);
                running.await
            }
        };
        for checked in done.unwrap_or_default() {
            all.push(checked.ok()?);
        }
    }
    Some(all)
}
