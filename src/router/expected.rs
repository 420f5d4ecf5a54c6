//! What a request is expected to cost.

use super::{Candidate, Question, Sample};
use crate::catalog::Pricing;
use crate::money::{Cost, Tokens, Usage, UsageSource};

/// Tokens of an answer where the user has none to go by: half a page.
pub const DEFAULT_OUTPUT: u64 = 500;

/// So many answers of a model make a median.
const LEAST_ANSWERS: usize = 3;

/// The expected cost and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// At the prices of this prompt size and hour; `None` where one is unknown
    /// or nothing is metered.
    pub cost: Option<Cost>,
    /// Tokens of the answer that it counts with.
    pub output: u64,
    /// Some price depends on the route, stands in for another or may have lapsed.
    pub approximate: bool,
}

/// The tokens that answers to such prompts have, on whatever model.
pub(super) fn usual_output(question: &Question<'_>) -> u64 {
    question.usual_output.unwrap_or(DEFAULT_OUTPUT)
}

/// The median answer of a model in tokens, where there are enough.
fn own_output(samples: &[Sample]) -> Option<u64> {
    let good = samples.iter().filter(|sample| !sample.failed);
    let mut outputs: Vec<u64> = good.filter_map(|sample| sample.output).collect();
    outputs.sort_unstable();
    (outputs.len() >= LEAST_ANSWERS).then(|| outputs[(outputs.len() - 1) / 2])
}

/// What the request is expected to cost of a candidate.
pub(super) fn of(question: &Question<'_>, candidate: &Candidate) -> Expected {
    let row = candidate.row.as_ref();
    let output = own_output(&candidate.samples).unwrap_or_else(|| usual_output(question));
    let limits = [candidate.max_tokens, row.and_then(|row| row.max_output)];
    let output = limits.into_iter().flatten().fold(output, u64::min);
    let usage =
        Usage { input_uncached: Tokens(question.need.input), output: Tokens(output), ..Usage::default() };
    let how = Pricing { thinking: candidate.thinking, ..Pricing::default() };
    let bill = row.map(|row| row.bill(&usage, UsageSource::Estimated, question.now, how));
    Expected {
        cost: bill.as_ref().and_then(|bill| bill.cost),
        output,
        approximate: bill.is_some_and(|bill| bill.approximate),
    }
}

/// The most that a candidate's answer can cost, as caps count it: the longest
/// answer at the dearest hour.
pub(super) fn worst(question: &Question<'_>, candidate: &Candidate) -> Option<Cost> {
    let row = candidate.row.as_ref()?;
    let how = Pricing { thinking: candidate.thinking, batch: false, ceiling: true };
    let cost = |output| {
        let usage =
            Usage { input_uncached: Tokens(question.need.input), output: Tokens(output), ..Usage::default() };
        row.bill(&usage, UsageSource::Estimated, question.now, how).cost
    };
    match candidate.max_tokens.or(row.max_output) {
        Some(output) => cost(output),
        // Without any limit only what is free can't cost more.
        None => cost(1).filter(|cost| *cost == Cost::ZERO),
    }
}
