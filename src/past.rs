//! What the user's earlier calls say about the next one.

use crate::chat::Request;
use crate::context::Context;
use crate::estimate::{self, Known};
use crate::ledger::{Ledger, LedgerError};
use crate::model::ModelRef;

/// What earlier calls say, for estimates. A ledger that can't be read says nothing.
pub struct Past(Option<Ledger>);

impl Past {
    /// Opens the ledger to look things up.
    pub fn open(context: &Context) -> Self {
        Self(said(Ledger::open_existing(&context.paths.ledger)))
    }

    /// What calls of a model say about a request to it.
    pub fn of(&self, model: &ModelRef, request: &Request) -> Option<Known> {
        said(self.0.as_ref()?.known(model, estimate::chars(request)))
    }
}

fn said<T>(read: Result<T, LedgerError>) -> Option<T> {
    read.inspect_err(|error| log::warn!("earlier calls are not looked at: {error}")).ok()
}
