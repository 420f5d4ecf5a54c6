//! The model that is asked where the user names none.

use jiff::Timestamp;

use super::{Lane, check_abilities, lane, of_model};
use crate::catalog::{Billing, Modality, Model, Pricing, ProviderKind, State};
use crate::chat::{Params, Part};
use crate::context::Context;
use crate::error::Result;
use crate::model::ModelRef;
use crate::money::{Cost, Tokens, Usage};
use crate::{live, provider};

/// The least context of a model that is chosen unasked, in tokens.
const LEAST_CONTEXT: u64 = 32_000;

/// The exchange that prices are compared by: a page in, half a page out.
const TYPICAL: (u64, u64) = (1_000, 500);

/// The cheapest capable model that the user has a key for, else a model of a
/// server that runs on this machine, else the embedded one; and which of these
/// it is, in words.
///
/// # Errors
/// As [`at_last`], or where nothing takes what is attached.
pub fn without_name(parts: &[Part], context: &Context) -> Result<(Lane, &'static str)> {
    if let Some(row) = cheapest(parts, context) {
        let lane = of_model(row.model.clone(), Some(row), Params::default(), "", context)?;
        return Ok(told(lane, "the cheapest capable model that you have a key for"));
    }
    let (model, what) = at_last(context)?;
    let lane = lane(&model.to_string(), context)?;
    check_abilities(std::slice::from_ref(&lane), parts).map_err(|mut error| {
        error.causes.push(format!("it is {what}: there is no key for a model that does"));
        error
    })?;
    Ok(told(lane, what))
}

fn told(lane: Lane, what: &'static str) -> (Lane, &'static str) {
    log::info!("no model named: {} is {what}", lane.name);
    (lane, what)
}

/// Who is asked where no model is found that the user has a key for: a server
/// that runs on this machine, else the embedded model.
///
/// # Errors
/// Where there are keys, but of providers whose addresses lack something.
pub fn at_last(context: &Context) -> Result<(ModelRef, &'static str)> {
    if let Some(model) = live::first_running(context) {
        return Ok((model, "a model of a server that runs on this machine"));
    }
    let kinds = [ProviderKind::Api, ProviderKind::Gateway];
    if kinds.into_iter().all(|kind| capable(kind, context).is_empty()) {
        let providers = context.catalog.providers().into_iter();
        let mut ready = providers.filter(|row| kinds.contains(&row.kind) && provider::is_ready(context, row));
        ready.try_for_each(|row| provider::endpoint(context, &row, "").map(drop))?;
    }
    Ok((ModelRef::new("local", "smollm2-135m"), "the embedded model"))
}

/// The cheapest model that is capable, takes what is attached, and whose price
/// is known.
fn cheapest(parts: &[Part], context: &Context) -> Option<Model> {
    let cheapest = |kind: ProviderKind| {
        capable(kind, context)
            .into_iter()
            .filter_map(|model| Some((price(&model, parts)?, model)))
            .min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.model.cmp(&b.1.model)))
    };
    // A gateway's prices depend on its route: it comes after the labs and hosts.
    cheapest(ProviderKind::Api).or_else(|| cheapest(ProviderKind::Gateway)).map(|(_, model)| model)
}

/// The models of a kind of provider that may be chosen unasked: the user has a
/// key for them, where they are is known, they are in service and metered,
/// write text and nothing else, and call tools, which small and base models
/// don't.
pub fn capable(kind: ProviderKind, context: &Context) -> Vec<Model> {
    let providers = context.catalog.providers().into_iter();
    let usable = providers.filter(|row| {
        let is_one = row.kind == kind && provider::is_ready(context, row);
        is_one && provider::endpoint(context, row, "").is_ok()
    });
    let models = usable.flat_map(|provider| context.catalog.models(&provider.id));
    let capable = |model: &Model| {
        model.state == State::Current
            && model.billing == Billing::Metered
            && model.abilities.is_some_and(|can| can.tools)
            && model.context.is_some_and(|context| context >= LEAST_CONTEXT)
            && model.output == [Modality::Text]
    };
    models.filter(capable).collect()
}

/// What a typical exchange costs; `None` where the model won't do.
fn price(model: &Model, parts: &[Part]) -> Option<Cost> {
    let fits = parts.iter().all(|part| match part {
        Part::Text(_) => true,
        Part::Media(media) => model.takes(media.kind),
    });
    if !fits {
        return None;
    }
    let (input, output) = TYPICAL;
    let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
    let how =
        Pricing { thinking: model.abilities.is_some_and(|can| can.reasoning), batch: false, ceiling: true };
    let listed = model.list_cost(&usage, Timestamp::now(), how)?;
    (listed.cost > Cost::ZERO).then_some(listed.cost)
}
