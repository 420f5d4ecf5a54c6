//! What the user's earlier calls say about the next one.

use std::cell::Cell;

use jiff::Timestamp;

use crate::chat::Request;
use crate::context::Context;
use crate::cooldown::Cooling;
use crate::estimate::{Known, Size};
use crate::ledger::{Ledger, LedgerError};
use crate::model::ModelRef;
use crate::router::{Checks, Sample};

/// What earlier calls say, for estimates and routes. A ledger that can't be
/// read says nothing.
pub struct Past {
    ledger: Option<Ledger>,
    /// The usual answer to prompts of so many characters, which is the same
    /// for all models.
    usual: Cell<Option<(u64, Option<u64>)>>,
}

impl Past {
    /// Opens the ledger to look things up.
    pub fn open(context: &Context) -> Self {
        Self { ledger: said(Ledger::open_existing(&context.paths.ledger)), usual: Cell::new(None) }
    }

    /// What calls say about a request to a model.
    pub fn of(&self, model: &ModelRef, request: &Request) -> Option<Known> {
        self.of_size(model, Size::of(request))
    }

    /// What calls say about a prompt of some size to a model.
    pub fn of_size(&self, model: &ModelRef, size: Size) -> Option<Known> {
        let known = said(self.ledger.as_ref()?.known(model, size.chars))?;
        Some(Known { usual_output: self.usual_output(size), ..known })
    }

    /// The median answer in tokens to prompts of about that size.
    pub fn usual_output(&self, size: Size) -> Option<u64> {
        if let Some((chars, usual)) = self.usual.get()
            && chars == size.chars
        {
            return usual;
        }
        let usual = said(self.ledger.as_ref()?.usual_output(size.chars)).flatten();
        self.usual.set(Some((size.chars, usual)));
        usual
    }

    /// The latest calls of each model that measure something, newest first.
    pub fn samples(&self, models: &[&ModelRef]) -> Vec<Vec<Sample>> {
        self.ledger.as_ref().and_then(|ledger| said(ledger.samples(models))).unwrap_or_default()
    }

    /// How the latest answers of each model did under the user's checks.
    pub fn checks(&self, models: &[&ModelRef]) -> Vec<Checks> {
        self.ledger.as_ref().and_then(|ledger| said(ledger.checks(models))).unwrap_or_default()
    }

    /// How many calls were ever made.
    pub fn calls_made(&self) -> u64 {
        self.ledger.as_ref().and_then(|ledger| said(ledger.calls_made())).unwrap_or(0)
    }

    /// Who is to be left alone.
    pub fn cooling(&self, now: Timestamp) -> Vec<Cooling> {
        self.ledger.as_ref().and_then(|ledger| said(ledger.cooling(now))).unwrap_or_default()
    }
}

fn said<T>(read: Result<T, LedgerError>) -> Option<T> {
    read.inspect_err(|error| log::warn!("earlier calls are not looked at: {error}")).ok()
}
