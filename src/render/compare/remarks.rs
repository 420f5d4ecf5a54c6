//! What is to be said of a lane's answer besides its figures: why it is not
//! there, why it ends where it ends, what checks said, what was left out.

use super::cells::line;
use crate::comparison::{LaneResult, Run};
use crate::explain::{connect_hint, early, phrase, said};
use crate::outcome::{Outcome, Status};
use crate::render::output::Paint;
use crate::wire::{ApiError, FailureKind};

/// One remark, harmless and on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Remark {
    /// What kind of remark it is, in a word.
    pub(super) word: &'static str,
    /// The remark.
    pub(super) text: String,
}

impl Remark {
    fn new(word: &'static str, text: impl Into<String>) -> Self {
        Self { word, text: text.into() }
    }

    /// The colour that it is shown in.
    pub(super) fn paint(&self) -> Paint {
        match self.word {
            "error" | "check" => Paint::Red,
            "warning" => Paint::Yellow,
            "hint" => Paint::Cyan,
            _ => Paint::Dim,
        }
    }
}

/// All remarks on a lane.
pub(super) fn remarks(lane: &LaneResult) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let Some(run) = lane.shown() else { return remarks };
    let outcome = &run.outcome;
    match &outcome.error {
        Some(error) => failed(outcome, error, &mut remarks),
        None => remarks.extend(ending(outcome)),
    }
    remarks.extend(checks(run));
    if outcome.cached {
        remarks.push(Remark::new("note", "from the provider's cache: no time is a measurement"));
    }
    if outcome.malformed_events > 0 {
        let events = crate::explain::events(outcome.malformed_events);
        remarks.push(Remark::new("warning", format!("skipped {events} that could not be read")));
    }
    for dropped in &outcome.dropped {
        let (param, reason) = (line(&dropped.param), line(&dropped.reason));
        remarks.push(Remark::new("note", format!("`{param}` was left out: {reason}")));
    }
    remarks.extend(other_runs(lane, run));
    remarks
}

fn failed(outcome: &Outcome, error: &ApiError, remarks: &mut Vec<Remark>) {
    let what = match outcome.status {
        Status::Partial | Status::Cancelled if !outcome.text.is_empty() => "the answer ends here: ",
        _ => "",
    };
    let said = said(error).map(|said| format!(": {said}")).unwrap_or_default();
    remarks.push(Remark::new("error", format!("{what}{}{said}", phrase(error))));
    remarks.extend(hint(outcome, error).map(|text| Remark::new("hint", text)));
}

/// What may help, as far as it follows from the call alone.
pub(in crate::render) fn hint(outcome: &Outcome, error: &ApiError) -> Option<String> {
    let provider = line(outcome.model.provider.as_str());
    Some(match error.kind {
        FailureKind::Auth => "check the key; `pollm models providers` shows where it was found".to_owned(),
        FailureKind::Money => "add credit at the provider".to_owned(),
        FailureKind::NotFound => {
            format!("check the id; `pollm models --provider {provider}` lists what is known")
        }
        FailureKind::ContextLength | FailureKind::TooLarge => {
            "shorten the prompt, or ask a model with a larger context".to_owned()
        }
        FailureKind::Connect if connect_hint(&provider).is_some() => return connect_hint(&provider),
        FailureKind::RateLimit
        | FailureKind::Overloaded
        | FailureKind::Server
        | FailureKind::Timeout
        | FailureKind::Connect
        | FailureKind::Broken
        | FailureKind::Truncated => "`pollm compare --last --retry-failed` asks only what failed".to_owned(),
        _ => return None,
    })
}

/// Why an answer without an error is not what it may seem.
fn ending(outcome: &Outcome) -> Option<Remark> {
    let text = match (outcome.status, early(outcome)) {
        (Status::Skipped, _) => "not asked",
        (Status::Cancelled, _) => "interrupted",
        (_, Some(why)) => return Some(Remark::new("warning", why)),
        (Status::Partial, None) => "the answer is not complete",
        _ if outcome.text.trim().is_empty() => "the answer is empty",
        _ => return None,
    };
    Some(Remark::new("warning", text))
}

/// What checks said of a whole answer; of any other the reason is told above.
fn checks(run: &Run) -> impl Iterator<Item = Remark> {
    run.checks.iter().filter(|_| run.outcome.status == Status::Ok).filter_map(|check| {
        let failure = check.failure.as_ref()?;
        Some(Remark::new("check", format!("`{}` failed: {}", line(&check.check), line(failure))))
    })
}

/// Which of several answers is shown, and why others failed.
fn other_runs(lane: &LaneResult, shown: &Run) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let measured: Vec<&Run> = lane.measured().collect();
    if let (Some(at), 2..) = (measured.iter().position(|run| std::ptr::eq(*run, shown)), measured.len())
        && !shown.outcome.text.trim().is_empty()
    {
        remarks.push(Remark::new("note", format!("the answer of run {} of {}", at + 1, measured.len())));
    }
    let mut failures: Vec<(String, usize)> = Vec::new();
    for error in
        lane.runs.iter().filter(|run| !std::ptr::eq(*run, shown)).filter_map(|run| run.outcome.error.as_ref())
    {
        let why = phrase(error);
        match failures.iter_mut().find(|(known, _)| *known == why) {
            Some((_, count)) => *count += 1,
            None => failures.push((why, 1)),
        }
    }
    for (why, count) in failures {
        let runs = if count == 1 { "another run" } else { "other runs" };
        let count = if count == 1 { String::new() } else { format!("{count} ") };
        remarks.push(Remark::new("error", format!("{count}{runs}: {why}")));
    }
    remarks
}
