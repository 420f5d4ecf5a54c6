//! One candidate after the other until one answers.
//!
//! What decides who is next is in [`super::failover`], what happens where two
//! are asked at once in [`super::hedge`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::answer::{self, Ended};
use super::failover::{Candidate, Failure, Lessons};
use super::hedge::{self, Delay, Raced, Ran, Told};
use super::plan::Plan;
use super::view::View;
use crate::budget::{Guard, Planned};
use crate::chat::Request;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::{Call, Cancel, exchange};
use crate::lane::Lane;
use crate::ledger::{Entry, Ledger};
use crate::outcome::{Outcome, Status};
use crate::store::Store;
use crate::{cooldown, explain, runtime, signals, streams};

/// What came of one candidate.
struct Served {
    at: usize,
    request: Arc<Request>,
    outcome: Outcome,
}

struct Chain<'p> {
    plan: &'p Plan,
    context: &'p Context,
    cancel: &'p Cancel,
    /// In the order in which they are asked.
    lanes: Vec<&'p Lane>,
    candidates: Vec<Candidate>,
    lessons: Lessons,
    view: View<'p>,
    store: Store,
    guard: Guard<'p>,
    /// Who failed before, or lost to another, in the order of their ends.
    failed: Vec<Outcome>,
    began: Instant,
}

pub(super) fn run(plan: &Plan, context: &Context) -> Result<()> {
    let runtime = runtime()?;
    let cancel = Cancel::default();
    let result = runtime.block_on(async {
        signals::cancel_on_interrupt(&cancel);
        signals::cancel_when_unread(&cancel);
        Chain::new(plan, context, &cancel).ask().await
    });
    // Name look-ups that never end must not keep the process.
    runtime.shutdown_background();
    result
}

/// Everything that a candidate's call needs, and the money for it. Whatever
/// must stand before a request leaves belongs here; no call is made without it.
async fn ready(
    plan: &Plan,
    lane: &Lane,
    context: &Context,
    guard: &mut Guard<'_>,
    store: &mut Store,
) -> Result<Call> {
    let call = plan.manner.call(lane, plan.asking.request(lane), context).await?;
    let planned = Planned { id: call.id, lane, request: &call.request, sends: call.retries.paid_sends() };
    match guard.reserve(store, &[planned])?.lowered(&call.request) {
        None => Ok(call),
        Some(request) => {
            let lowered = plan.manner.call(lane, Arc::new(request), context).await?;
            Ok(Call { id: call.id, ..lowered })
        }
    }
}

impl<'p> Chain<'p> {
    fn new(plan: &'p Plan, context: &'p Context, cancel: &'p Cancel) -> Self {
        let view = View::new(&context.output, plan.shown, plan.hide_reasoning, cancel.clone());
        let mut chain = Self {
            plan,
            context,
            cancel,
            lanes: plan.lanes.iter().collect(),
            candidates: Vec::new(),
            lessons: Lessons::default(),
            view,
            store: Store::new(context, plan.log),
            guard: Guard::new(context, "ask", plan.caps),
            failed: Vec::new(),
            began: Instant::now(),
        };
        // One that is named alone is asked whatever happened; nothing is read for it
        // unless the user wants to know.
        if chain.lanes.len() > 1 {
            chain.cooling_last();
        } else if context.global.verbose {
            chain.say_cooling();
        }
        chain.candidates = chain.lanes.iter().map(|lane| Candidate::from(*lane)).collect();
        chain
    }

    /// Puts those behind the others that are left alone for now.
    fn cooling_last(&mut self) {
        let now = Timestamp::now();
        let cooling = cooldown::cooling(self.context, now);
        let models: Vec<_> = self.lanes.iter().map(|lane| &lane.model).collect();
        let order = cooldown::order(&models, &cooling);
        if order.iter().map(|(at, _)| *at).is_sorted() {
            return;
        }
        for (at, held) in &order {
            if let Some(held) = held {
                let (name, why) = (&self.lanes[*at].name, held.in_words(now));
                self.view.note(&format!("{name}: left alone for {why}; asked after the others"));
            }
        }
        self.lanes = order.iter().map(|(at, _)| self.lanes[*at]).collect();
    }

    /// Says that the only model is one that chains leave alone for now.
    fn say_cooling(&mut self) {
        let now = Timestamp::now();
        let cooling = cooldown::cooling(self.context, now);
        for lane in &self.lanes {
            if let Some(held) = cooling.iter().find(|one| one.covers(&lane.model)) {
                let (name, why) = (&lane.name, held.in_words(now));
                self.view.note(&format!(
                    "{name}: chains leave it alone for {why}; asked, since no other is named"
                ));
            }
        }
    }

    async fn ask(mut self) -> Result<()> {
        if let Some(lane) = &self.plan.broken_off {
            self.view.part(&format!("{lane}'s answer broke off above; it is gone on with below"));
        }
        let (mut from, mut unready, mut last) = (0, None, None);
        while let Some(at) = self.next(from) {
            from = at + 1;
            let (guard, store) = (&mut self.guard, &mut self.store);
            let call = match ready(self.plan, self.lanes[at], self.context, guard, store).await {
                Ok(call) => call,
                Err(error) if error.kind == ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.say_unready(at, &error, unready.is_some() || last.is_some());
                    unready.get_or_insert(error);
                    continue;
                }
            };
            if let Some(failed) = last.take() {
                self.set_aside(failed);
            }
            log::info!("asking {}", self.lanes[at].place());
            self.view.begin(at, &self.lanes[at].name);
            let rival = self
                .plan
                .hedge
                .and_then(|delay| Some((delay, self.lessons.turn(&self.candidates, from).next?)));
            let (served, goes_on) = match rival {
                None => self.alone(at, call).await,
                Some((delay, rival)) => {
                    let (served, goes_on, was_asked) = self.hedged((at, call), rival, delay).await;
                    from = if was_asked { rival + 1 } else { from };
                    (served, goes_on)
                }
            };
            if !goes_on {
                return self.finish(served);
            }
            self.say_why(&served, from);
            self.guard.settled(&mut self.store, &served.outcome);
            last = Some(served);
        }
        match last {
            Some(failed) => self.finish(failed),
            None => {
                self.store.release_unsent();
                Err(unready.unwrap_or_else(|| Error::usage("no model to ask")))
            }
        }
    }

    /// Whose turn it is from a place on; says who is passed over.
    fn next(&mut self, from: usize) -> Option<usize> {
        let turn = self.lessons.turn(&self.candidates, from);
        for (at, objection) in turn.passed {
            let name = &self.lanes[at].name;
            self.view.note(&format!("{name}: passed over, since {}", objection.in_words()));
        }
        turn.next
    }

    /// Asks one candidate; what came of it, and whether another may take over.
    async fn alone(&mut self, at: usize, call: Call) -> (Served, bool) {
        let view = &mut self.view;
        let outcome = exchange(&call, self.cancel, &mut |update| view.update(at, &update)).await;
        let served = Served { at, request: call.request, outcome };
        let goes_on = self.learn(&served, self.view.has_shown());
        (served, goes_on)
    }

    /// Asks one candidate and, where it is late, another one too. The result is
    /// the one whose answer counts; also whether the other one had its chance.
    async fn hedged(&mut self, first: (usize, Call), rival: usize, delay: Delay) -> (Served, bool, bool) {
        let (at, call) = first;
        let delay = self.delay(at, delay);
        let (plan, context, lanes, view) = (self.plan, self.context, &self.lanes, &mut self.view);
        let (guard, store) = (&mut self.guard, &mut self.store);
        let (places, mut was_asked) = ([at, rival], false);
        let name = |which: usize| &lanes[places[which]].name;
        let mut tell = |told: Told<'_>| match told {
            Told::Update(which, update) => view.update(places[which], update),
            Told::Late => {
                was_asked = true;
                view.note(&format!(
                    "{}: no token after {} s; asking {} too",
                    name(0),
                    delay.as_secs_f64(),
                    name(1)
                ));
                view.begin_too(rival, name(1));
            }
            Told::Unready(error) => {
                was_asked = true;
                let (who, why) = (name(1), error.message.as_str());
                let why = why.strip_prefix(&format!("{who}: ")).unwrap_or(why);
                view.note(&format!("{who}: {why}; not asked"));
            }
            Told::Failed(which, outcome) => {
                let why = explain::in_passing(outcome);
                view.note(&format!("{why}; {} goes on", name(1 - which)));
            }
            Told::Won(which) => {
                view.note(&format!("{} has the first word; {} is stopped", name(which), name(1 - which)));
            }
        };
        let Raced { first, second, winner } = {
            let ready = ready(plan, lanes[rival], context, guard, store);
            hedge::race(call, ready, delay, self.cancel, &mut tell).await
        };
        let served =
            |which: usize, ran: Ran| Served { at: places[which], request: ran.request, outcome: ran.outcome };
        let (first, second) = (served(0, first), second.map(|ran| served(1, ran)));
        let (winner, other) = match second {
            Some(second) if winner == 1 => (second, Some(first)),
            other => (first, other),
        };
        let mut goes_on = self.learn(&winner, self.view.has_shown());
        if let Some(other) = other {
            // Where both failed, each of them has a say.
            goes_on &= other.outcome.status == Status::Cancelled || self.learn(&other, false);
            self.set_aside(other);
        }
        (winner, goes_on, was_asked)
    }

    /// How long a candidate has before another one is asked too.
    fn delay(&mut self, at: usize, delay: Delay) -> Duration {
        let lane = self.lanes[at];
        if let Delay::Fixed(delay) = delay {
            return delay;
        }
        let known = Ledger::open_existing(&self.context.paths.ledger)
            .and_then(|ledger| ledger.first_words_of(&lane.model, hedge::LATEST))
            .unwrap_or_else(|error| {
                log::info!("{error}");
                Vec::new()
            });
        hedge::p90(&known).unwrap_or_else(|| {
            let (default, least) = (hedge::WITHOUT_HISTORY.as_secs(), hedge::LEAST_FOR_P90);
            let calls = known.len();
            let few = format!("{calls} of the {least} calls that a p90 needs");
            self.view.note(&format!("{}: {few}; the next model is asked after {default} s", lane.name));
            hedge::WITHOUT_HISTORY
        })
    }

    /// Learns from how it went; whether another candidate may take over.
    fn learn(&mut self, served: &Served, shown: bool) -> bool {
        let Some(error) = &served.outcome.error else { return false };
        let retry_ambiguous = self.plan.manner.retries.ambiguous;
        self.lessons.learn(&self.candidates[served.at], Failure { kind: error.kind, shown, retry_ambiguous })
    }

    fn say_why(&mut self, failed: &Served, from: usize) {
        self.view.interrupt();
        if self.lessons.turn(&self.candidates, from).next.is_some() {
            let why = explain::in_passing(&failed.outcome);
            self.view.note(&format!("{why}; trying the next model"));
        }
    }

    fn say_unready(&mut self, at: usize, error: &Error, is_not_the_first: bool) {
        let name = format!("{}: ", self.lanes[at].name);
        let why =
            if error.message.starts_with(&name) { "" } else { name.as_str() }.to_owned() + &error.message;
        if self.lessons.turn(&self.candidates, at + 1).next.is_some() {
            self.view.note(&format!("{why}; trying the next model"));
        } else if is_not_the_first {
            // The command ends with another error than this one.
            self.view.note(&why);
        }
    }

    /// Stores what another candidate's answer takes the place of.
    fn set_aside(&mut self, served: Served) {
        keep(&mut self.store, self.plan, &served.request, &served.outcome);
        self.guard.settled(&mut self.store, &served.outcome);
        self.failed.push(served.outcome);
    }

    /// Shows what is to be shown, stores the outcome, and says how it went.
    fn finish(self, served: Served) -> Result<()> {
        let took = self.began.elapsed();
        let Self { plan, context, lanes, mut view, mut store, failed, .. } = self;
        let Served { at, request, mut outcome } = served;
        let judged = answer::judge(plan, &mut outcome);
        let explained =
            outcome.error.as_ref().map(|error| explain::failure(context, lanes[at], error, &outcome));
        let ended = Ended {
            plan,
            context,
            at,
            lane: lanes[at],
            request: &request,
            outcome: &outcome,
            before: &failed,
            took,
            error: explained.as_ref(),
        };
        view.end(at, &outcome, || ended.json());
        let printed = ended.print(&mut view);
        if ended.breaks_off_in_sight() {
            view.part("the answer breaks off here");
        }
        ended.notes(&mut view);
        keep(&mut store, plan, &request, &outcome);
        store.release_unsent();
        if let Some(fault) = view.fault.take() {
            return Err(Error::failed("the answer could not be written").because(&fault));
        }
        // The watch over the pipe may have ended the call before any write could fail.
        if view.closed || (outcome.status == Status::Cancelled && streams::reader_is_gone()) {
            return Ok(());
        }
        printed?;
        match explained {
            Some(error) => {
                Err(answer::with_rescue(error, &outcome, store.is_on(), lanes.get(at + 1).copied()))
            }
            None => judged,
        }
    }
}

fn keep(store: &mut Store, plan: &Plan, request: &Request, outcome: &Outcome) {
    store.append(&Entry {
        outcome,
        command: "ask",
        request,
        conversation: plan.conversation,
        parent: plan.parent,
        place: None,
    });
}
