//! What a request is expected to cost, as `cost estimate` says it too.

use super::{Candidate, Question};
use crate::catalog::Pricing;
use crate::estimate;
use crate::money::Cost;

/// The expected cost and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// At the prices of this prompt size and hour; `None` where one is unknown
    /// or nothing is metered.
    pub cost: Option<Cost>,
    /// Tokens of the prompt that it counts with.
    pub input: u64,
    /// Tokens of the answer that it counts with.
    pub output: u64,
    /// Some price depends on the route, stands in for another or may have lapsed.
    pub approximate: bool,
}

/// The tokens that answers to such prompts have, on whatever model.
pub(super) fn usual_output(question: &Question<'_>) -> u64 {
    question.usual_output.unwrap_or(estimate::DEFAULT_OUTPUT)
}

/// What the request is expected to cost of a candidate.
pub(super) fn of(question: &Question<'_>, candidate: &Candidate) -> Expected {
    let row = candidate.row.as_ref();
    let input = candidate.input.unwrap_or(question.need.input);
    let most = estimate::most_output(candidate.max_tokens, row, input);
    let output = estimate::expected_output(candidate.typical_output, question.usual_output, most);
    let how = Pricing { thinking: candidate.thinking, ..Pricing::default() };
    let bill = estimate::bill(row, (input, output), how, question.now);
    Expected { cost: bill.cost, input, output, approximate: bill.approximate }
}
