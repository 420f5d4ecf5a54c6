//! What is looked up of one model before several are ranked.

use crate::asking::Asking;
use crate::budget::{self, Worst};
use crate::chat::{Effort, Params, Request};
use crate::context::Context;
use crate::estimate::Size;
use crate::lane::Found;
use crate::provider;
use crate::router::{Candidate, Need};

/// What a request needs of a model.
pub(super) fn need(request: &Request, size: Size) -> Need {
    Need {
        input: size.by_rule(),
        media: request.media().map(|media| media.kind).collect(),
        schema: request.schema.is_some(),
        tools: request.params.extra.contains_key("tools"),
    }
}

/// A candidate of whom no call is known.
pub(super) fn candidate(found: &Found, params: &Params) -> Candidate {
    let params = params.overlaid(&found.params);
    Candidate {
        max_tokens: params.max_tokens.map(u64::from),
        thinking: params.effort.is_some_and(|effort| effort != Effort::None),
        ..Candidate::new(found.name(), found.model.clone(), found.row.clone())
    }
}

/// Why a model can't be asked. No key command is run to find out.
pub(super) fn obstacle(found: &Found, context: &Context) -> Option<String> {
    let id = &found.model.provider;
    let row = context.catalog.provider(id.as_str())?;
    if !provider::is_ready(context, &row) {
        return Some(format!("there is no API key for {id}"));
    }
    if row.wire == "local" {
        return None;
    }
    provider::target(context, &row, &found.model, found.row.as_ref()).err().map(|error| error.message)
}

/// The most that the request can cost of a model. What can't be encoded for it,
/// or has no address, is not known.
pub(super) fn worst(found: &Found, asking: &Asking, sends: u32, context: &Context) -> Option<Worst> {
    let provider = context.catalog.provider(found.model.provider.as_str())?;
    let target = match provider.wire.as_str() {
        "local" => None,
        _ => Some(provider::target(context, &provider, &found.model, found.row.as_ref()).ok()?),
    };
    let request = asking.with(&found.params);
    budget::worst(target.as_ref(), &found.model, found.row.as_ref(), &request, sends).ok()
}
