//! One prompt, several models: the plain struct that every view of a
//! comparison shows, live, from the ledger, on a terminal or in a file.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use ulid::Ulid;

use crate::money::{Bill, Cost, CostSource};
use crate::outcome::{Outcome, Status};

/// One prompt and what several lanes made of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Sortable by time, unique on this machine and any other.
    pub id: Ulid,
    /// When the first call began.
    pub started_at: Timestamp,
    /// What was asked, as text.
    pub prompt: String,
    /// From the first call to the end of the last, without what lies between
    /// two commands.
    pub wall: Duration,
    /// The lanes, in the order asked.
    pub lanes: Vec<LaneResult>,
    /// Who agrees with whom, where that was asked for.
    pub agreement: Option<Agreement>,
}

/// One lane's calls.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneResult {
    /// Its name, no two alike: `openai/gpt-6.1-sol@effort=high`, `ollama/qwen3 (2)`.
    pub name: String,
    /// How a route chose it, as `ask` prints that; null where it was named.
    pub route: Value,
    /// Its calls in the order made, warm-ups first. At least one.
    pub runs: Vec<Run>,
}

/// One call of a lane.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// How it went.
    pub outcome: Outcome,
    /// A call before the measured ones: its cost counts, its figures do not.
    pub is_warmup: bool,
    /// What the checks said, in the order given.
    pub checks: Vec<Checked>,
}

/// What one check said of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The check as it was given: `contains:apple`.
    pub check: String,
    /// Why it failed, in words; `None` where it passed.
    pub failure: Option<String>,
}

/// Equal answers, grouped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The largest group first. Lanes without an answer are in none.
    pub groups: Vec<Group>,
    /// Fields on which the answers differ, by name, where answers have fields.
    pub fields: Vec<String>,
}

/// Lanes that gave the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Places in [`Comparison::lanes`].
    pub lanes: Vec<usize>,
    /// The answer in its normal form.
    pub answer: String,
}

impl Agreement {
    /// Whether all that answered say the same.
    pub fn is_unanimous(&self) -> bool {
        self.groups.len() <= 1
    }
}

impl LaneResult {
    /// The calls that count.
    pub fn measured(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(|run| !run.is_warmup)
    }

    /// The call whose answer stands for the lane: the first good one, else the
    /// one that came farthest.
    pub fn shown(&self) -> Option<&Run> {
        let good = self.measured().find(|run| run.outcome.status == Status::Ok);
        // Of equals the first tells the story.
        let length = |run: &Run| run.outcome.text.len();
        let farthest =
            || self.measured().reduce(|one, other| if length(other) > length(one) { other } else { one });
        good.or_else(farthest).or_else(|| self.runs.first())
    }

    /// Whether every call that counts has a whole answer.
    pub fn is_ok(&self) -> bool {
        let mut measured = self.measured().peekable();
        measured.peek().is_some() && measured.all(|run| run.outcome.status == Status::Ok)
    }
}

/// When a call ran, in nanoseconds since 1970.
pub fn span(outcome: &Outcome) -> (i128, i128) {
    let start = outcome.started_at.as_nanosecond();
    (start, start + i128::try_from(outcome.wall.as_nanos()).unwrap_or_default())
}

/// How long at least one of several calls ran, each given by its [`span`]: what
/// lies between two processes does not count.
pub fn together(mut spans: Vec<(i128, i128)>) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut until) = (0, i128::MIN);
    for (start, end) in spans {
        sum += (end - start.max(until)).max(0);
        until = until.max(end);
    }
    Duration::from_nanos(u64::try_from(sum).unwrap_or(u64::MAX))
}

/// Money added up so that nothing unknown is taken for nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// The sum of the known costs.
    pub known: Cost,
    /// Calls whose cost is unknown: the sum is a lower bound where there are any.
    pub unpriced: u64,
    /// Calls that may have been billed although their end is unknown.
    pub possibly_billed: u64,
    /// Some of the costs are approximate or estimated.
    pub approximate: bool,
}

impl Total {
    /// Adds one call.
    pub fn add(&mut self, bill: &Bill, possibly_billed: bool) {
        match bill.cost {
            Some(cost) => self.known = self.known + cost,
            None => self.unpriced += 1,
        }
        self.possibly_billed += u64::from(possibly_billed);
        // Money for tokens that nobody counted is no better known.
        self.approximate |= bill.approximate || bill.source == CostSource::Estimated;
    }
}

impl Comparison {
    /// Whether a model was asked more than once, warm-ups aside.
    pub fn has_rounds(&self) -> bool {
        self.lanes.iter().any(|lane| lane.measured().nth(1).is_some())
    }

    /// What all calls cost together, warm-ups included. What was never sent costs
    /// nothing, and that is known.
    pub fn total(&self) -> Total {
        let mut total = Total::default();
        let sent = |run: &&Run| run.outcome.status != Status::Skipped;
        for run in self.lanes.iter().flat_map(|lane| &lane.runs).filter(sent) {
            total.add(&run.outcome.bill, run.outcome.possibly_billed);
        }
        total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_calls_do_not_count() {
        let spans = vec![(50, 60), (0, 10), (5, 20), (6, 8), (100, 100)];
        assert_eq!(together(spans), Duration::from_nanos(30));
        assert_eq!(together(Vec::new()), Duration::ZERO);
    }
}
