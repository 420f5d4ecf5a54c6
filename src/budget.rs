//! Caps on spending that can't be overshot: `--max-cost` for one command,
//! `[budget]` for days and months.
//!
//! Before a call is sent, the most that it can cost is set aside
//! in the ledger, for all calls that are sent together or for none of them.
//! So processes that run at once share what is left. The reservation is
//! settled when the call's outcome is written, logged or not.
//!
//! Where a cap can't be checked it is not kept, and so nothing is sent.

use std::collections::HashMap;
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ulid::Ulid;

use crate::catalog::Model;
use crate::chat::{Params, Request};
use crate::cli::CapOptions;
use crate::config::BudgetConfig;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::lane::Lane;
use crate::ledger::{Cap, Counted, Decision, Ledger, LedgerError, Reservation, Spending, counted};
use crate::model::ModelRef;
use crate::money::Cost;
use crate::outcome::Outcome;
use crate::store::Store;
use crate::wire::Target;

mod fit;
mod refusal;
pub mod window;
mod worst;

use refusal::{Over, Refusal, not_kept};
use window::{BudgetCap, Limit};
use worst::Bounds;
pub use worst::{Unknown, Worst, answers_in, limit_in};

/// How often `--fit` looks for a limit: what is left may shrink between
/// looking and taking.
const TRIES: u32 = 4;

/// A call that is about to be made.
#[derive(Clone, Copy)]
pub struct Planned<'a> {
    /// Its id, which becomes the outcome's.
    pub id: Ulid,
    /// Who is asked.
    pub lane: &'a Lane,
    /// What is asked.
    pub request: &'a Request,
    /// How often it may be sent although the provider may have billed it: 1,
    /// unless what may have been billed is to be sent again.
    pub sends: u32,
}

/// The most that one call can cost, as every cap counts it. Without a target
/// the model is the embedded one. `sends` is as in [`Planned`].
///
/// # Errors
/// Where the protocol has no place for something in the request.
pub fn worst(
    target: Option<&Target>,
    model: &ModelRef,
    row: Option<&Model>,
    request: &Request,
    sends: u32,
) -> Result<Worst> {
    Ok(Bounds::at(target, model, row, request)?.worst(None, sends, Timestamp::now()))
}

/// The calls may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Under `--fit`: the limit on tokens that every request must have, unless
    /// its own is lower. The calls fit what is left only so.
    pub max_tokens: Option<u32>,
    /// The most that all calls together can cost; `None` where that is unknown
    /// or where no cap holds.
    pub worst: Option<Cost>,
}

impl Granted {
    /// The request with the limit that it must have; `None` where it may be
    /// sent as it is.
    pub fn lowered(&self, request: &Request) -> Option<Request> {
        let limit = self.max_tokens?;
        let own = request.params.max_tokens.unwrap_or(limit);
        let params = Params { max_tokens: Some(own.min(limit)), ..request.params.clone() };
        Some(Request { params, ..request.clone() })
    }
}

/// The caps that hold for one command, and what it has spent by itself.
pub struct Guard<'c> {
    context: &'c Context,
    command: &'static str,
    options: CapOptions,
    /// What each call counts under `--max-cost`.
    counted: HashMap<Ulid, Option<Cost>>,
}

impl<'c> Guard<'c> {
    /// The caps of one command, such as `ask`.
    pub fn new(context: &'c Context, command: &'static str, options: CapOptions) -> Self {
        Self { context, command, options, counted: HashMap::new() }
    }

    /// Sets aside what the calls may cost: for all of them or for none. Call
    /// it once for everything that is sent together, and give back what is not
    /// sent after all ([`Store::release`]).
    ///
    /// # Errors
    /// [`crate::error::ErrorKind::Budget`] where a cap would be passed, where
    /// the cost of a call under a cap is unknown, and where a cap can't be
    /// checked: nothing may be sent then. Else what keeps a request from being
    /// encoded.
    pub fn reserve(&mut self, store: &mut Store, planned: &[Planned<'_>]) -> Result<Granted> {
        let granted = self.admit(store, planned)?;
        if let Some(tokens) = granted.max_tokens {
            log::info!("lowered to {tokens} tokens an answer, to fit what is left");
        }
        Ok(granted)
    }

    /// What [`Guard::reserve`] would say now. Nothing is set aside.
    ///
    /// # Errors
    /// As [`Guard::reserve`].
    pub fn look(&mut self, planned: &[Planned<'_>]) -> Result<Granted> {
        let mut look = Look { path: &self.context.paths.ledger, ledger: None };
        let granted = self.admit(&mut look, planned);
        self.counted.clear();
        granted
    }

    /// Whether any cap holds for a call.
    pub fn holds_for(&self, lane: &Lane) -> bool {
        self.options.max_cost.is_some()
            || self
                .caps(Timestamp::now())
                .is_ok_and(|caps| caps.iter().any(|cap| cap.cap.scope.covers(&lane.model)))
    }

    /// The caps of the configuration. Where there are none, nobody needs to know
    /// the time zone, which takes a third of a short ask's time to find.
    fn caps(&self, now: Timestamp) -> Result<Vec<BudgetCap>> {
        let budget = &self.context.config.budget;
        if *budget == BudgetConfig::default() {
            return Ok(Vec::new());
        }
        window::caps(budget, &now.to_zoned(TimeZone::system()))
    }

    /// A call is over: `--max-cost` counts from here on what it cost, and what
    /// is known to have cost nothing gives its money back before it is written.
    pub fn settled(&mut self, store: &mut Store, outcome: &Outcome) {
        let Some(amount) = self.counted.get_mut(&outcome.id) else { return };
        let now = counted(outcome, *amount);
        *amount = now.cost;
        if now == (Counted { cost: Some(Cost::ZERO), is_doubtful: false }) {
            store.release(&[outcome.id]);
        }
    }

    fn admit(&mut self, till: &mut dyn Till, planned: &[Planned<'_>]) -> Result<Granted> {
        let now = Timestamp::now();
        let mut caps = self.caps(now)?;
        caps.retain(|cap| planned.iter().any(|call| cap.cap.scope.covers(&call.lane.model)));
        if caps.is_empty() && self.options.max_cost.is_none() {
            return Ok(Granted::default());
        }
        let mut granted = Granted::default();
        let mut round = Round { till, planned, caps, now, bounds: Vec::new() };
        for _ in 0..TRIES {
            round.bounds = bounds(planned, granted)?;
            let refusal = match self.take(&mut round)? {
                Ok(worst) => return Ok(Granted { worst, ..granted }),
                Err(refusal) => refusal,
            };
            let limit = if self.options.fit { self.fitting(&mut round)? } else { None };
            match limit {
                Some(limit) if granted.max_tokens.is_none_or(|last| limit < last) => {
                    granted.max_tokens = Some(limit);
                }
                _ => return Err(refusal.into_error(self.options.fit)),
            }
        }
        Err(Error::new(crate::error::ErrorKind::Budget, "over budget: other calls take what is left"))
    }

    /// Sets the calls' worst cases aside, if every cap allows it.
    fn take(&mut self, round: &mut Round<'_, '_>) -> Result<Result<Option<Cost>, Refusal>> {
        let mut reservations = Vec::with_capacity(round.planned.len());
        for (call, bounds) in round.planned.iter().zip(&round.bounds) {
            let worst = match bounds.worst(None, call.sends, round.now) {
                Worst::Nothing => Some(Cost::ZERO),
                Worst::AtMost(cost) => Some(cost),
                Worst::Unknown(_) if self.options.allow_unpriced || !self.covers(round, call) => None,
                Worst::Unknown(why) => {
                    return Ok(Err(Refusal::Unpriced { lane: call.lane.name.clone(), why }));
                }
            };
            reservations.push(Reservation { call: call.id, model: call.lane.model.clone(), worst });
        }
        let asked: Cost = reservations.iter().filter_map(|one| one.worst).sum();
        if let Some(limit) = self.options.max_cost {
            let spending = Spending { spent: self.committed(), ..Spending::default() };
            if asked > Cost::ZERO && asked > spending.left(limit) {
                let over = Over { asked, spending, limit: Limit::MaxCost(limit) };
                return Ok(Err(Refusal::over(over, round.planned)));
            }
        }
        // What costs nothing needs no place in the ledger.
        let costly: Vec<Reservation> =
            reservations.iter().filter(|one| one.worst != Some(Cost::ZERO)).cloned().collect();
        if !round.caps.is_empty() && !costly.is_empty() {
            let caps: Vec<Cap> = round.caps.iter().map(|cap| cap.cap.clone()).collect();
            let decision = round.till.decide(self.command, &costly, &caps, round.now).map_err(not_kept)?;
            if let Decision::Refused { cap, asked, spending } = decision {
                let over = Over { asked, spending, limit: Limit::Budget(round.caps[cap].clone()) };
                return Ok(Err(Refusal::over(over, round.planned)));
            }
        }
        let all_known = reservations.iter().all(|one| one.worst.is_some());
        self.counted.extend(reservations.into_iter().map(|one| (one.call, one.worst)));
        Ok(Ok(all_known.then_some(asked)))
    }

    fn covers(&self, round: &Round<'_, '_>, call: &Planned<'_>) -> bool {
        self.options.max_cost.is_some() || round.caps.iter().any(|cap| cap.cap.scope.covers(&call.lane.model))
    }

    /// What this command's calls count so far.
    fn committed(&self) -> Cost {
        self.counted.values().flatten().copied().sum()
    }

    /// The largest common limit on tokens with which the calls fit what is left.
    fn fitting(&self, round: &mut Round<'_, '_>) -> Result<Option<u32>> {
        let mut left = Vec::new();
        for cap in &round.caps {
            let spending = round.till.spending(&cap.cap, round.now).map_err(not_kept)?;
            left.push((Some(cap.cap.scope.clone()), spending.left(cap.cap.limit)));
        }
        if let Some(limit) = self.options.max_cost {
            left.push((None, (limit - self.committed()).max(Cost::ZERO)));
        }
        Ok(fit::limit(round.planned, &round.bounds, &left, round.now))
    }
}

/// One attempt to have calls admitted.
struct Round<'r, 'p> {
    till: &'r mut dyn Till,
    planned: &'r [Planned<'p>],
    caps: Vec<BudgetCap>,
    now: Timestamp,
    bounds: Vec<Bounds<'p>>,
}

fn bounds<'p>(planned: &[Planned<'p>], granted: Granted) -> Result<Vec<Bounds<'p>>> {
    let bounds = planned.iter().map(|call| match granted.lowered(call.request) {
        Some(lowered) => Bounds::of(call.lane, &lowered),
        None => Bounds::of(call.lane, call.request),
    });
    bounds.collect()
}

/// Where spending is looked up, and money set aside.
trait Till {
    fn decide(
        &mut self,
        command: &str,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError>;

    fn spending(&mut self, cap: &Cap, now: Timestamp) -> Result<Spending, LedgerError>;
}

impl Till for Store {
    fn decide(
        &mut self,
        command: &str,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError> {
        self.reserve(command, calls, caps, now)
    }

    fn spending(&mut self, cap: &Cap, now: Timestamp) -> Result<Spending, LedgerError> {
        self.ledger()?.spending(cap, now)
    }
}

/// Looks and sets nothing aside.
struct Look<'l> {
    path: &'l Path,
    ledger: Option<Ledger>,
}

impl Look<'_> {
    fn ledger(&mut self) -> Result<&mut Ledger, LedgerError> {
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::open_existing(self.path)?,
        };
        Ok(self.ledger.insert(ledger))
    }
}

impl Till for Look<'_> {
    fn decide(
        &mut self,
        _command: &str,
        calls: &[Reservation],
        caps: &[Cap],
        now: Timestamp,
    ) -> Result<Decision, LedgerError> {
        self.ledger()?.would_grant(calls, caps, now)
    }

    fn spending(&mut self, cap: &Cap, now: Timestamp) -> Result<Spending, LedgerError> {
        self.ledger()?.spending(cap, now)
    }
}
