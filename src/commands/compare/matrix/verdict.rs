//! What many prompts are worth: the exit code, with what failed and why.

use crate::error::{Error, ErrorKind, Result};
use crate::matrix::{Few, Matrix};
use crate::render::filter::clean_line;

/// What may be done about calls that were not made.
pub(super) const GO_ON: &str = "the same command line with `--resume` goes on from here";

/// How the totals are judged.
pub(super) struct Verdict {
    /// Calls were made. What is only shown again fails no command, unless it
    /// is held against a check.
    pub(super) is_new: bool,
    /// The user ended the calls.
    pub(super) is_interrupted: bool,
    pub(super) strict: bool,
    pub(super) agree: bool,
    /// The calls are in the history, so they can be gone on with.
    pub(super) log: bool,
}

/// Whether everything went as asked. An interruption comes first, then what
/// the answers are worth, then the calls that gave none.
pub(super) fn judge(matrix: &Matrix, verdict: &Verdict) -> Result<()> {
    let hint = |error: Error, hint: &str| if verdict.log { error.hint(hint) } else { error };
    if verdict.is_interrupted {
        let calls = if matrix.left == 1 { "call" } else { "calls" };
        let message = format!("interrupted with {} {calls} not made", matrix.left);
        let error = Error::new(ErrorKind::Interrupted, message);
        return Err(hint(error, GO_ON));
    }
    let (measured, ok) = matrix.answered();
    let again = "the same command line with `--resume --retry-failed` makes those calls again";
    if verdict.is_new && ok == 0 && measured > 0 {
        let mut kinds = matrix.fates.iter().map(|fate| fate.map_or(ErrorKind::Failed, ErrorKind::from));
        let first = kinds.next().unwrap_or(ErrorKind::Failed);
        let kind = if kinds.all(|kind| kind == first) { first } else { ErrorKind::Failed };
        return Err(hint(because(Error::new(kind, "all calls failed"), &matrix.failures), again));
    }
    if matrix.wrong.count > 0 {
        let what = if matrix.wrong.count == 1 { "a check" } else { "checks" };
        let count = if matrix.wrong.count == 1 { String::new() } else { format!("{} ", matrix.wrong.count) };
        return Err(because(Error::new(ErrorKind::Check, format!("{count}{what} failed")), &matrix.wrong));
    }
    if let Some(concord) = matrix.concord.as_ref().filter(|_| verdict.agree)
        && concord.unanimous < concord.compared
    {
        let differ = concord.compared - concord.unanimous;
        let message = format!("the models disagree on {differ} of {} prompts", concord.compared);
        return Err(Error::new(ErrorKind::Check, message));
    }
    if verdict.is_new && matrix.failures.count > 0 {
        let what = format!("{} of {measured} calls failed", matrix.failures.count);
        let error = because(Error::new(ErrorKind::SomeFailed, what), &matrix.failures);
        return Err(hint(error, again));
    }
    if verdict.strict && matrix.early.count > 0 {
        let message = format!("{} answers ended early", matrix.early.count);
        return Err(because(Error::new(ErrorKind::Strict, message), &matrix.early));
    }
    Ok(())
}

fn because(mut error: Error, few: &Few) -> Error {
    let cause = |lane: &str, prompt_id: &str, what: &str| {
        format!("{lane}, prompt {}: {}", clean_line(prompt_id), clean_line(what))
    };
    error.causes = few.first.iter().map(|note| cause(&note.lane, &note.prompt_id, &note.what)).collect();
    if few.more() > 0 {
        error.causes.push(format!("and {} more", few.more()));
    }
    error
}
