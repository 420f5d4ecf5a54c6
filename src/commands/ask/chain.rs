//! One lane after the other until one answers.

use super::answer;
use super::plan::Plan;
use super::view::View;
use crate::chat::Request;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::exchange::{Cancel, Update, exchange};
use crate::explain::{self, phrase};
use crate::lane::Lane;
use crate::ledger::Entry;
use crate::outcome::{Outcome, Status};
use crate::store::Store;
use crate::wire::FailureKind;
use crate::wire::failure::Class;
use crate::{runtime, signals, streams};

/// What came of one lane.
struct Served<'p> {
    lane: &'p Lane,
    request: std::sync::Arc<Request>,
    outcome: Outcome,
}

pub(super) fn run(plan: &Plan, context: &Context) -> Result<()> {
    let runtime = runtime()?;
    let cancel = Cancel::default();
    let result = runtime.block_on(async {
        signals::cancel_on_interrupt(&cancel);
        signals::cancel_when_unread(&cancel);
        ask(plan, context, &cancel).await
    });
    // Name look-ups that never end must not keep the process.
    runtime.shutdown_background();
    result
}

async fn ask(plan: &Plan, context: &Context, cancel: &Cancel) -> Result<()> {
    let mut view = View::new(&context.output, plan.shown, plan.hide_reasoning, cancel.clone());
    let mut store = Store::new(context, plan.log);
    let mut last_error = None;
    for (index, lane) in plan.lanes.iter().enumerate() {
        let is_last = index + 1 == plan.lanes.len();
        let call = match plan.manner.call(lane, plan.asking.request(lane), context).await {
            Ok(call) => call,
            Err(error) if is_last => return Err(last_error.unwrap_or(error)),
            Err(error) => {
                view.note(&format!("{}: {}; trying the next model", lane.name, error.message));
                last_error.get_or_insert(error);
                continue;
            }
        };
        if plan.lanes.len() > 1 || context.global.verbose {
            log::info!("asking {}", lane.name);
        }
        view.begin(&lane.name);
        let outcome = exchange(&call, cancel, &mut |update: Update<'_>| view.update(&update)).await;
        let served = Served { lane, request: call.request, outcome };
        if !is_last && goes_on(&served.outcome) {
            say_why(&mut view, &served);
            keep(&mut store, plan, &served);
            continue;
        }
        return finish(plan, context, view, store, served);
    }
    Err(last_error.unwrap_or_else(|| Error::usage("no model to ask")))
}

/// Whether another model may take over: nothing was shown yet, and nothing may
/// have been served and billed.
fn goes_on(outcome: &Outcome) -> bool {
    let Some(error) = &outcome.error else { return false };
    let passable = match error.kind.class() {
        Class::Transient | Class::Credential => true,
        Class::Ambiguous => false,
        // What is wrong with this request here may be right elsewhere; what is
        // wrong with the request itself is wrong everywhere.
        Class::Request => !matches!(error.kind, FailureKind::BadRequest | FailureKind::Cancelled),
    };
    outcome.status == Status::Error && passable && !outcome.possibly_billed
}

fn say_why(view: &mut View<'_>, served: &Served<'_>) {
    if let Some(error) = &served.outcome.error {
        view.interrupt();
        view.note(&format!("{}: {}; trying the next model", served.lane.name, phrase(error)));
    }
}

fn keep(store: &mut Store, plan: &Plan, served: &Served<'_>) {
    store.append(&Entry {
        outcome: &served.outcome,
        command: "ask",
        request: &served.request,
        conversation: plan.conversation,
        parent: plan.parent,
        place: None,
    });
}

/// Shows what is to be shown, stores the outcome, and says how it went.
fn finish(
    plan: &Plan,
    context: &Context,
    mut view: View<'_>,
    mut store: Store,
    served: Served<'_>,
) -> Result<()> {
    let Served { lane, request, mut outcome } = served;
    let judged = answer::judge(plan, &mut outcome);
    let explained = outcome.error.as_ref().map(|error| explain::failure(context, lane, error, &outcome));
    let as_json = || answer::json(&outcome, plan, explained.as_ref());
    view.end(&outcome, as_json);
    let printed = answer::print(plan, context, &mut view, &outcome, explained.as_ref());
    answer::notes(plan, context, &mut view, &outcome);
    keep(&mut store, plan, &Served { lane, request, outcome: outcome.clone() });
    if let Some(fault) = view.fault.take() {
        return Err(Error::failed("the answer could not be written").because(&fault));
    }
    // The watch over the pipe may have ended the call before any write could fail.
    if view.closed || (outcome.status == Status::Cancelled && streams::reader_is_gone()) {
        return Ok(());
    }
    printed?;
    match explained {
        Some(error) => Err(answer::with_rescue(error, &outcome, store.is_on())),
        None => judged,
    }
}
