//! What an audit finds in the history.

use std::collections::{BTreeMap, HashMap, VecDeque};

use crate::catalog::{Catalog, Model};
use crate::ledger::{Held, Spent};
use crate::live::Generation;
use crate::money::{Bill, Cost, CostSource, UsageSource};
use crate::spending::reprice;
use crate::wire::ApiError;

/// What a provider charged for calls of a model, and what known prices say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drift {
    pub(super) calls: u64,
    pub(super) billed: Cost,
    pub(super) computed: Cost,
    /// The prices are approximate themselves.
    pub(super) approximate: bool,
}

/// Calls of a model that may have been billed although their end is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Possibly {
    pub(super) calls: u64,
    pub(super) estimated: Cost,
    pub(super) unpriced: u64,
}

/// A call that `OpenRouter` has a record of.
pub(super) struct Recorded {
    /// The provider's id.
    pub(super) id: String,
    pub(super) model: String,
    pub(super) bill: Bill,
}

/// The price table in use.
#[derive(Default)]
pub(super) struct Table {
    pub(super) date: String,
    /// In days.
    pub(super) age: Option<i64>,
    pub(super) refreshed: bool,
}

/// What the provider says of the recorded calls.
pub(super) enum Asked {
    /// It was not asked, and why.
    Not(String),
    /// Its answers, in the order of the calls.
    Answered(Vec<Result<Generation, ApiError>>),
}

pub(super) struct Findings<'c> {
    catalog: &'c Catalog,
    rows: HashMap<String, Option<Model>>,
    limit: usize,
    pub(super) calls: u64,
    pub(super) drift: BTreeMap<String, Drift>,
    /// Calls without a known cost, by model and by why.
    pub(super) unpriced: BTreeMap<(String, &'static str), u64>,
    pub(super) possibly: BTreeMap<String, Possibly>,
    pub(super) unfinished: Vec<Held>,
    /// The newest first.
    pub(super) recorded: VecDeque<Recorded>,
    pub(super) asked: Asked,
    pub(super) table: Table,
}

impl<'c> Findings<'c> {
    /// None yet; of calls with a record so many are kept.
    pub(super) fn new(catalog: &'c Catalog, limit: usize) -> Self {
        Self {
            catalog,
            rows: HashMap::new(),
            limit,
            calls: 0,
            drift: BTreeMap::new(),
            unpriced: BTreeMap::new(),
            possibly: BTreeMap::new(),
            unfinished: Vec::new(),
            recorded: VecDeque::new(),
            asked: Asked::Not("no call has a record there".to_owned()),
            table: Table::default(),
        }
    }

    pub(super) fn add(&mut self, call: &Spent<'_>) {
        self.calls += 1;
        let model = format!("{}/{}", call.provider, call.model);
        if call.provider == super::OPENROUTER
            && self.limit > 0
            && let Some(id) = call.request_id.filter(|id| id.starts_with("gen-"))
        {
            self.recorded.truncate(self.limit - 1);
            self.recorded.push_front(Recorded {
                id: id.to_owned(),
                model: model.clone(),
                bill: call.bill.clone(),
            });
        }
        if call.possibly_billed {
            let found = self.possibly.entry(model.clone()).or_default();
            found.calls += 1;
            match call.bill.cost {
                Some(cost) => found.estimated = found.estimated + cost,
                None => found.unpriced += 1,
            }
        }
        match (call.bill.cost, call.bill.source) {
            (None, _) => {
                let why = self.why_unpriced(call, &model);
                *self.unpriced.entry((model, why)).or_default() += 1;
            }
            (Some(billed), CostSource::Billed) => self.compare(call, model, billed),
            _ => {}
        }
    }

    fn row(&mut self, model: &str) -> Option<&Model> {
        if !self.rows.contains_key(model) {
            let found = self.catalog.resolve(model, &|_| true).ok().and_then(|found| found.row);
            self.rows.insert(model.to_owned(), found);
        }
        self.rows.get(model)?.as_ref()
    }

    fn why_unpriced(&mut self, call: &Spent<'_>, model: &str) -> &'static str {
        use crate::catalog::Billing;
        match self.row(model).map(|row| row.billing) {
            Some(Billing::Trial | Billing::Subscription) => "this provider does not meter",
            _ if call.usage.is_none() => "its tokens are unknown",
            None => "not in the catalog",
            Some(_) if self.row(model).is_some_and(|row| row.prices.is_empty()) => "no price is known",
            Some(_) => "a price that it needed was not known",
        }
    }

    fn compare(&mut self, call: &Spent<'_>, model: String, billed: Cost) {
        let Some(counted) = call.usage.filter(|counted| counted.source == UsageSource::Reported) else {
            return;
        };
        let computed =
            self.row(&model).map(|row| reprice::bill(row, call, &counted.usage, UsageSource::Reported));
        let Some(Bill { cost: Some(computed), approximate, .. }) = computed else { return };
        let drift = self.drift.entry(model).or_default();
        drift.calls += 1;
        drift.billed = drift.billed + billed;
        drift.computed = drift.computed + computed;
        drift.approximate |= approximate;
    }
}

impl Drift {
    /// By how much the prices say more than was billed, in tenths of a percent
    /// of the bill; `None` where nothing was billed.
    pub(super) fn tenths(&self) -> Option<i64> {
        tenths(self.billed, self.computed)
    }
}

/// By how much `second` is more than `first`, in tenths of a percent.
pub(super) fn tenths(first: Cost, second: Cost) -> Option<i64> {
    let (first, difference) = (first.atto(), (second - first).atto());
    (first > 0).then(|| i64::try_from(difference.saturating_mul(1_000) / first).unwrap_or(i64::MAX))
}
