//! What is printed once the answer is whole, and what it is worth.

use serde_json::Value;

use super::plan::{Plan, Product};
use super::view::{Shown, View};
use crate::chat::Finish;
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::explain::events;
use crate::outcome::{Outcome, Status};
use crate::render::extract::first_code_block;
use crate::render::json::{self, Extra};
use crate::render::receipt::receipt;
use crate::whole_file::save;

/// Whether a complete answer is what was asked for: the schema first, then
/// `--strict`, which makes an answer that ended early a failure.
pub(super) fn judge(plan: &Plan, outcome: &mut Outcome) -> Result<()> {
    if outcome.status != Status::Ok {
        return Ok(());
    }
    let ended_early = match outcome.finish {
        Some(Finish::Length) => Some("the answer was truncated"),
        Some(Finish::Refusal) => Some("the model refused"),
        Some(Finish::ContentFilter) => Some("the provider's filter cut the answer"),
        _ => None,
    };
    if let Some(what) = ended_early.filter(|_| plan.strict) {
        outcome.status = Status::Partial;
        return Err(Error::new(ErrorKind::Strict, format!("{}: {what}", outcome.lane)));
    }
    match &plan.asking.schema {
        Some(schema) => schema.check(&outcome.text).map(drop).map_err(|failure| {
            let error = Error::from(&failure);
            Error { message: format!("{}: {}", outcome.lane, error.message), ..error }
        }),
        None => Ok(()),
    }
}

/// The outcome as the JSON object of one `ask`.
pub(super) fn json(outcome: &Outcome, plan: &Plan, error: Option<&Error>) -> Value {
    let hint = error.and_then(|error| error.hints.first().cloned());
    json::ask(outcome, &Extra { command: "ask", conversation: Some(plan.conversation), hint })
}

/// Prints what had to wait for the whole answer.
pub(super) fn print(
    plan: &Plan,
    context: &Context,
    view: &mut View<'_>,
    outcome: &Outcome,
    error: Option<&Error>,
) -> Result<()> {
    let whole = match plan.product {
        Product::Json => {
            let object = json(outcome, plan, error);
            // People get it laid out, programs on one line.
            let pretty = context.output.stdout_tty && plan.file.is_none();
            if pretty { json::laid_out(&object) } else { json::line(&object) + "\n" }
        }
        Product::Events if plan.shown == Shown::Events => return Ok(()),
        Product::Events => json::line(&json(outcome, plan, error)) + "\n",
        Product::CodeBlock => match first_code_block(&outcome.text) {
            Some(block) => ended(&block),
            None if outcome.status != Status::Ok => ended(&outcome.text),
            None => {
                let message = format!("{}: the answer has no code block", outcome.lane);
                let kept = Error::new(ErrorKind::Check, message);
                view.note(outcome.text.trim_end());
                return Err(kept);
            }
        },
        Product::Text if matches!(plan.shown, Shown::Stream { .. }) => return Ok(()),
        Product::Text => ended(&outcome.text),
    };
    match &plan.file {
        None => {
            let shown = if context.output.stdout_tty && plan.product != Product::Json {
                context.output.clean(&whole).into_owned()
            } else {
                whole
            };
            view.print(&shown);
            Ok(())
        }
        Some(file) => {
            let is_data = matches!(plan.product, Product::Json | Product::Events);
            if is_data || outcome.error.is_none() {
                return save(file, &whole);
            }
            match plan.partial_file() {
                Some(partial) if !outcome.text.is_empty() => {
                    save(&partial, &whole)?;
                    view.note(&format!("the part that came is in {}", partial.display()));
                    Ok(())
                }
                _ => Ok(()),
            }
        }
    }
}

/// A text with a newline at its end, nothing where there is no text.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Says on stderr how it went: what ended early, what was left out, and the receipt.
pub(super) fn notes(plan: &Plan, context: &Context, view: &mut View<'_>, outcome: &Outcome) {
    for dropped in &outcome.dropped {
        view.note(&format!("`{}` was left out: {}", dropped.param, dropped.reason));
    }
    if outcome.malformed_events > 0 && outcome.error.is_none() {
        let events = events(outcome.malformed_events);
        view.note(&format!("skipped {events} of the answer that could not be read"));
    }
    if outcome.error.is_none() {
        let early = match outcome.finish {
            Some(Finish::Length) => Some(length_note(outcome)),
            Some(Finish::ContentFilter) => Some("the provider's filter cut the answer".to_owned()),
            Some(Finish::Refusal) => Some("the model refused to answer".to_owned()),
            Some(Finish::ToolCalls) => Some("the model wants to call a tool; pollm runs none".to_owned()),
            Some(Finish::Stop) if outcome.text.is_empty() => Some("the answer is empty".to_owned()),
            _ => None,
        };
        if let Some(early) = early {
            view.note(&early);
        }
    }
    if plan.receipt && (outcome.error.is_none() || !outcome.text.is_empty()) {
        view.receipt(&receipt(outcome, &context.output));
    }
}

fn length_note(outcome: &Outcome) -> String {
    let tokens = outcome.usage.map(|counted| counted.usage.output.0);
    let only_reasoning = outcome.text.trim().is_empty() && outcome.reasoning.is_some();
    match (tokens, outcome.native_finish.as_deref()) {
        (_, Some("loop")) => "the answer was stopped: the model repeats itself".to_owned(),
        _ if only_reasoning => "the token limit was reached while reasoning: raise `--max-tokens`".to_owned(),
        (Some(tokens), _) => format!("the answer was cut at {tokens} tokens (finish: length)"),
        (None, _) => "the answer was cut at the token limit (finish: length)".to_owned(),
    }
}

/// Adds to a failure where the part that came can be found.
pub(super) fn with_rescue(error: Error, outcome: &Outcome, kept: bool) -> Error {
    if kept && !outcome.text.is_empty() {
        error.hint(format!("the part that came is kept: `pollm history show {}`", outcome.id))
    } else {
        error
    }
}
