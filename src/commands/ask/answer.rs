//! What is printed once the answer is whole, and what it is worth.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::plan::{Plan, Product};
use super::view::{Shown, View};
use crate::chat::{Finish, Request};
use crate::context::Context;
use crate::error::{Error, ErrorKind, Result};
use crate::exchange::possibly_lost;
use crate::explain::events;
use crate::lane::Lane;
use crate::money::UsageSource;
use crate::outcome::{Outcome, Status};
use crate::render::events::{EventWriter, Speaker};
use crate::render::extract::first_code_block;
use crate::render::json::{self, Extra};
use crate::render::money;
use crate::render::receipt::receipt;
use crate::render::route;
use crate::whole_file::save;
use crate::wire::{ApiError, FailureKind};

/// Whether a complete answer is what was asked for: the schema first, then
/// `--strict`, which makes an answer that ended early a failure.
pub(super) fn judge(plan: &Plan, outcome: &mut Outcome) -> Result<()> {
    if outcome.status != Status::Ok {
        return Ok(());
    }
    if let Some(what) = outcome.finish.and_then(Finish::lack).filter(|_| plan.strict) {
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

/// How it ended, with everything that is to be said about it.
pub(super) struct Ended<'a> {
    pub(super) plan: &'a Plan,
    pub(super) context: &'a Context,
    /// Its place among those that are asked.
    pub(super) at: usize,
    pub(super) lane: &'a Lane,
    pub(super) request: &'a Request,
    pub(super) outcome: &'a Outcome,
    /// Who failed before, or was too late.
    pub(super) before: &'a [Outcome],
    /// From the first request to any of them to the end.
    pub(super) took: Duration,
    pub(super) error: Option<&'a Error>,
}

impl Ended<'_> {
    /// The JSON object of one `ask`.
    pub(super) fn json(&self) -> Value {
        let extra = Extra {
            command: "ask",
            conversation: Some(self.plan.conversation),
            hint: self.error.and_then(|error| error.hints.first().cloned()),
            failed: Some(self.before),
            route: self.plan.decisions.first().map(route::json),
        };
        json::ask(self.outcome, &extra)
    }

    /// Whether a person sees an answer on the terminal that has no end.
    pub(super) fn breaks_off_in_sight(&self) -> bool {
        let as_text =
            matches!(self.plan.product, Product::Text | Product::CodeBlock) && self.plan.file.is_none();
        let is_cut = self.outcome.error.is_some() && !self.outcome.text.is_empty();
        is_cut && as_text && self.context.output.stdout_tty
    }

    /// Prints what had to wait for the whole answer.
    pub(super) fn print(&self, view: &mut View<'_>) -> Result<()> {
        let Some(whole) = self.whole(view)? else { return Ok(()) };
        let (plan, output) = (self.plan, &self.context.output);
        let Some(file) = &plan.file else {
            match plan.product {
                Product::Text if output.stdout_tty && !plan.raw => view.print_markdown(&whole),
                Product::Json => view.print(&whole),
                _ => view.print_plain(&whole),
            }
            return Ok(());
        };
        let is_data = matches!(plan.product, Product::Json | Product::Events);
        if is_data || self.outcome.error.is_none() {
            return self.save(file, &whole, view);
        }
        match plan.partial_file() {
            Some(partial) if !self.outcome.text.is_empty() => {
                self.save(&partial, &whole, view)?;
                view.note(&format!("the part that came is in {}", partial.display()));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the file; what is paid for goes to stdout where that fails.
    fn save(&self, file: &Path, whole: &str, view: &mut View<'_>) -> Result<()> {
        save(file, whole).map_err(|error| {
            view.print_plain(whole);
            error.hint("it was printed on stdout instead")
        })
    }

    /// What had to wait; `None` where all of it was shown as it came.
    fn whole(&self, view: &mut View<'_>) -> Result<Option<String>> {
        let (plan, outcome) = (self.plan, self.outcome);
        Ok(Some(match plan.product {
            Product::Json => {
                let object = self.json();
                // People get it laid out, programs on one line.
                let pretty = self.context.output.stdout_tty && plan.file.is_none();
                if pretty { json::laid_out(&object) } else { json::line(&object) + "\n" }
            }
            Product::Events if plan.shown == Shown::Events => return Ok(None),
            Product::Events => self.last_event(),
            Product::CodeBlock => match first_code_block(&outcome.text) {
                Some(block) => ended(&block),
                None if outcome.status != Status::Ok => ended(&outcome.text),
                None => {
                    view.set_apart(&outcome.text);
                    let message = format!("{}: the answer has no code block", outcome.lane);
                    return Err(Error::new(ErrorKind::Check, message));
                }
            },
            Product::Text if matches!(plan.shown, Shown::Stream { .. }) => return Ok(None),
            Product::Text => ended(&outcome.text),
        }))
    }

    /// The event that ends the stream, which is all of it that a file gets.
    fn last_event(&self) -> String {
        let who = Speaker { lane: self.at, model: &self.outcome.lane, run: None };
        EventWriter::new(Instant::now()).end_at(self.took, &who, self.json())
    }

    /// Says on stderr how it went: what ended early, what was left out, what
    /// may have been paid in vain, and the receipt.
    pub(super) fn notes(&self, view: &mut View<'_>) {
        let outcome = self.outcome;
        for dropped in &outcome.dropped {
            view.note(&format!("`{}` was left out: {}", dropped.param, dropped.reason));
        }
        if outcome.malformed_events > 0 && outcome.error.is_none() {
            let events = events(outcome.malformed_events);
            view.warn(&format!("skipped {events} of the answer that could not be read"));
        }
        if let Some(early) = early(outcome) {
            view.warn(&early);
        }
        if let Some(lost) = possibly_lost(&outcome.attempts, self.request, self.lane.row.as_ref()) {
            let lost = money::bill(&lost);
            view.note(&format!(
                "the request that was sent again may have been served too, for {lost} of the cost"
            ));
        }
        if self.plan.receipt && (outcome.error.is_none() || !outcome.text.is_empty()) {
            view.receipt(&receipt(outcome, self.before, self.took, &self.context.output));
        }
    }
}

/// How an answer ended early that did not fail.
fn early(outcome: &Outcome) -> Option<String> {
    if outcome.error.is_some() {
        return None;
    }
    match outcome.finish {
        Some(Finish::Length) => Some(length_note(outcome)),
        Some(Finish::ContentFilter) => Some("the provider's filter cut the answer".to_owned()),
        Some(Finish::Refusal) => Some("the model refused to answer".to_owned()),
        Some(Finish::ToolCalls) => Some("the model wants to call a tool; pollm runs none".to_owned()),
        Some(Finish::Cut) => Some("the answer is not complete".to_owned()),
        Some(Finish::Stop) if outcome.text.is_empty() => Some("the answer is empty".to_owned()),
        _ => None,
    }
}

/// A text with a newline at its end, nothing where there is no text.
fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

fn length_note(outcome: &Outcome) -> String {
    let tokens = outcome.usage.map(|counted| match counted.source {
        UsageSource::Reported => counted.usage.output.0.to_string(),
        UsageSource::Estimated => format!("~{}", counted.usage.output.0),
    });
    let only_reasoning = outcome.text.trim().is_empty() && outcome.reasoning.is_some();
    match (tokens, outcome.native_finish.as_deref()) {
        (_, Some("loop")) => "the answer was stopped: the model repeats itself".to_owned(),
        _ if only_reasoning => "the token limit was reached while reasoning: raise `--max-tokens`".to_owned(),
        (Some(tokens), _) => format!("the answer was cut at {tokens} tokens (finish: length)"),
        (None, _) => "the answer was cut at the token limit (finish: length)".to_owned(),
    }
}

/// Adds to a failure where the part that came can be found, and which model
/// may go on from it.
pub(super) fn with_rescue(error: Error, outcome: &Outcome, kept: bool, next: Option<&Lane>) -> Error {
    if !kept || outcome.text.is_empty() {
        return error;
    }
    let is_cut = |failed: &ApiError| {
        matches!(failed.kind, FailureKind::Truncated | FailureKind::Broken | FailureKind::Server)
    };
    let error = match outcome.error.as_ref().filter(|failed| is_cut(failed)) {
        Some(_) => error.hint("`pollm ask -c \"go on\"` goes on from what came"),
        None => error,
    };
    let error = match next {
        Some(next) => {
            error.hint(format!("`pollm ask -c -m {} \"go on\"` goes on with the next model", next.name))
        }
        None => error,
    };
    error.hint(format!("the part that came is kept: `pollm history show {}`", outcome.id))
}
