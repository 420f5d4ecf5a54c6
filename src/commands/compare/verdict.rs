//! What a comparison is worth: its exit code, with what failed and why.

use super::plan::Showing;
use crate::chat::Finish;
use crate::comparison::{Comparison, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::explain::phrase;
use crate::outcome::Status;
use crate::render::filter::clean_line;

/// Whether everything that this command was to do went as asked. An
/// interruption comes first, then what the answers are worth, then the lanes
/// that gave none.
pub(super) fn judge(comparison: &Comparison, showing: &Showing<'_>) -> Result<()> {
    let measured: Vec<(&str, &Run)> = comparison
        .lanes
        .iter()
        .flat_map(|lane| lane.measured().map(move |run| (lane.name.as_str(), run)))
        .collect();
    if showing.is_interrupted {
        return Err(Error::new(ErrorKind::Interrupted, "interrupted"));
    }
    let is_made = |(_, run): &&(&str, &Run)| showing.made.contains(&run.outcome.id);
    let made: Vec<(&str, &Run)> = measured.iter().filter(is_made).copied().collect();
    let failed: Vec<(&str, &Run)> =
        made.iter().copied().filter(|(_, run)| run.outcome.status != Status::Ok).collect();
    if !made.is_empty() && failed.len() == made.len() {
        let what = match (made.len() == measured.len(), made.len()) {
            (true, _) => "all models failed",
            (false, 1) => "the call failed",
            (false, _) => "all calls failed",
        };
        return Err(because(Error::new(together(&failed), what), &failed));
    }
    let judged = if showing.checks_all || made.is_empty() { &measured } else { &made };
    checks(judged)?;
    if let (true, Some(agreement)) = (showing.agree, &comparison.agreement)
        && !agreement.is_unanimous()
    {
        let groups = agreement.groups.len();
        return Err(Error::new(ErrorKind::Check, format!("the models disagree: {groups} different answers")));
    }
    if !failed.is_empty() {
        let unit = if made.len() > comparison.lanes.len() { "calls" } else { "models" };
        let what = format!("{} of {} {unit} failed", failed.len(), made.len());
        return Err(because(Error::new(ErrorKind::SomeFailed, what), &failed));
    }
    let mut whole = judged.iter().filter(|(_, run)| run.outcome.status == Status::Ok);
    match whole.find_map(|(name, run)| Some((name, run.outcome.finish.and_then(Finish::lack)?))) {
        Some((name, what)) if showing.strict => Err(Error::new(ErrorKind::Strict, format!("{name}: {what}"))),
        _ => Ok(()),
    }
}

/// What failures without an answer among them end with: as one call would, where
/// all failed in the same way.
fn together(failed: &[(&str, &Run)]) -> ErrorKind {
    let kind = |run: &Run| run.outcome.error.as_ref().map_or(ErrorKind::Failed, |error| error.kind.into());
    let mut kinds = failed.iter().map(|(_, run)| kind(run));
    let first = kinds.next().unwrap_or(ErrorKind::Failed);
    if kinds.all(|kind| kind == first) { first } else { ErrorKind::Failed }
}

/// Only whole answers are judged; the others have failed already.
fn checks(measured: &[(&str, &Run)]) -> Result<()> {
    let whole = measured.iter().filter(|(_, run)| run.outcome.status == Status::Ok);
    let failures: Vec<String> = whole
        .flat_map(|(name, run)| {
            let failed = run.checks.iter().filter_map(|checked| Some((checked, checked.failure.as_ref()?)));
            failed.map(move |(checked, why)| format!("{name}: `{}`: {}", checked.check, clean_line(why)))
        })
        .collect();
    if failures.is_empty() {
        return Ok(());
    }
    let message = match failures.len() {
        1 => "a check failed".to_owned(),
        count => format!("{count} checks failed"),
    };
    let mut error = Error::new(ErrorKind::Check, message);
    error.causes = shortened(failures);
    Err(error)
}

fn because(mut error: Error, failed: &[(&str, &Run)]) -> Error {
    let causes = failed.iter().map(|(name, run)| match &run.outcome.error {
        Some(error) => {
            let (what, said) = (phrase(error), clean_line(&error.message));
            let said = if said.starts_with(what.as_str()) { String::new() } else { format!(": {said}") };
            format!("{name}: {what}{said}")
        }
        None => format!("{name}: no answer"),
    });
    error.causes = shortened(causes.collect());
    error
}

/// Equal causes once, and not more than a screen of them.
fn shortened(mut causes: Vec<String>) -> Vec<String> {
    const MOST: usize = 12;
    let mut seen = std::collections::HashSet::new();
    causes.retain(|cause| seen.insert(cause.clone()));
    let more = causes.len().saturating_sub(MOST);
    causes.truncate(MOST);
    if more > 0 {
        causes.push(format!("and {more} more"));
    }
    causes
}
