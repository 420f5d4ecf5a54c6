//! Many prompts, several models, as data: figures that are added up call by
//! call, so that no answer has to be kept.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use ulid::Ulid;

use crate::chat::Finish;
use crate::comparison::{Agreement, Run, Total};
use crate::explain::{phrase, said};
use crate::money::{Cost, UsageSource};
use crate::outcome::{Outcome, Status, Timing};
use crate::wire::FailureKind;

/// Many prompts and what several lanes made of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Sortable by time, unique on this machine and any other.
    pub id: Ulid,
    /// When it began.
    pub started_at: Timestamp,
    /// The name of the file with the prompts.
    pub file: String,
    /// How many prompts there are.
    pub prompts: usize,
    /// How often each prompt is asked and measured.
    pub runs: u32,
    /// How long at least one of the calls ran.
    pub wall: Duration,
    /// The lanes, in the order asked.
    pub lanes: Vec<Tally>,
    /// On how many prompts the lanes agree, where that was asked for.
    pub concord: Option<Concord>,
    /// Calls that were not made.
    pub left: usize,
    /// Calls without a whole answer; warm-ups are none of them.
    pub failures: Few,
    /// In which ways those failed, each once.
    pub fates: Vec<Option<FailureKind>>,
    /// Whole answers that failed a check, or the schema: one a check.
    pub wrong: Few,
    /// Whole answers that were truncated or refused.
    pub early: Few,
}

/// How many of something there are, and the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Few {
    /// All of them.
    pub count: u64,
    /// The first few.
    pub first: Vec<Note>,
}

/// One thing that is to be said of one answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The lane's name.
    pub lane: String,
    /// The prompt's id.
    pub prompt_id: String,
    /// What is to be said: text from outside may be in it.
    pub what: String,
}

impl Few {
    /// More than this are only counted.
    pub const SHOWN: usize = 12;

    /// Adds one.
    pub fn add(&mut self, lane: &str, prompt_id: &str, what: impl FnOnce() -> String) {
        self.count += 1;
        if self.first.len() < Self::SHOWN {
            let (lane, prompt_id) = (lane.to_owned(), prompt_id.to_owned());
            self.first.push(Note { lane, prompt_id, what: what() });
        }
    }

    /// How many were only counted.
    pub fn more(&self) -> u64 {
        self.count.saturating_sub(self.first.len() as u64)
    }
}

/// On how many prompts the lanes agree. Only prompts that got two whole
/// answers or more count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Concord {
    /// Prompts with answers to compare.
    pub compared: u64,
    /// Those with one answer from all.
    pub unanimous: u64,
    /// The ids of the first of the others.
    pub split: Vec<String>,
}

/// One lane's calls, added up.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Its name, no two alike.
    pub name: String,
    /// The model: `provider/model`.
    pub model: String,
    /// How a route chose it, as `ask` prints that; null where it was named.
    pub route: Value,
    /// All calls that were made, warm-ups and replaced ones included.
    pub calls: u64,
    /// Measured calls.
    pub measured: u64,
    /// Measured calls with a whole answer.
    pub ok: u64,
    /// Prompt tokens of all calls.
    pub input: u64,
    /// Generated tokens of all calls, reasoning included.
    pub output: u64,
    /// Some tokens were estimated, not counted.
    pub estimated: bool,
    /// What all calls cost.
    pub total: Total,
    /// Calls whose cost is known, nothing included.
    pub priced: u64,
    /// Checks that whole answers passed.
    pub passed: u64,
    /// Checks that whole answers failed.
    pub wrong: u64,
    /// Prompts on which it says what all say, or more than say anything else.
    pub agreed: u64,
    /// Prompts on which it stands outside of a majority.
    pub odd: u64,
    warm: Samples,
    cold: Samples,
}

/// Times and speeds of whole answers that no cache gave, in the order they came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// How many calls they are of.
    pub n: usize,
    /// Milliseconds until the first token of any channel.
    pub ttft_ms: Vec<f64>,
    /// Milliseconds until the first visible text.
    pub ttfv_ms: Vec<f64>,
    /// Milliseconds until the end.
    pub e2e_ms: Vec<f64>,
    /// Output tokens a second after the first.
    pub decode_tps: Vec<f64>,
}

impl Samples {
    fn add(&mut self, timing: &Timing) {
        self.n += 1;
        self.ttft_ms.extend(timing.ttft_ms);
        self.ttfv_ms.extend(timing.ttfv_ms);
        self.e2e_ms.extend(timing.e2e_ms);
        self.decode_tps.extend(timing.decode_tps);
    }
}

impl Tally {
    /// A lane without a call.
    pub fn new(name: impl Into<String>, model: impl Into<String>) -> Self {
        Self { name: name.into(), model: model.into(), ..Self::default() }
    }

    /// The same lane, chosen by a route.
    #[must_use]
    pub fn chosen(self, route: Value) -> Self {
        Self { route, ..self }
    }

    /// Times and speeds; those of calls that had to connect first are left out
    /// where others did not.
    pub fn samples(&self) -> &Samples {
        if self.warm.n > 0 { &self.warm } else { &self.cold }
    }

    /// What a whole answer cost on average, failed calls and warm-ups included:
    /// a lower bound where a cost is unknown. `None` without any.
    pub fn per_answer(&self) -> Option<Cost> {
        let answers = i128::from(self.ok);
        (answers > 0 && self.priced > 0).then(|| Cost::from_atto(self.total.known.atto() / answers))
    }

    /// What a call used and cost. Calls that were never sent used nothing.
    fn spend(&mut self, outcome: &Outcome) {
        if outcome.status == Status::Skipped {
            return;
        }
        self.calls += 1;
        self.total.add(&outcome.bill, outcome.possibly_billed);
        self.priced += u64::from(outcome.bill.cost.is_some());
        if let Some(counted) = &outcome.usage {
            self.input = self.input.saturating_add(counted.usage.input().0);
            self.output = self.output.saturating_add(counted.usage.output.0);
            self.estimated |= counted.source == UsageSource::Estimated;
        }
    }
}

impl Matrix {
    /// Adds a call of a lane. One that another took the place of counts only
    /// for what it used and cost, as a warm-up does.
    pub fn add(&mut self, lane: usize, prompt_id: &str, run: &Run, is_replaced: bool) {
        let Some(tally) = self.lanes.get_mut(lane) else { return };
        let outcome = &run.outcome;
        tally.spend(outcome);
        if run.is_warmup || is_replaced || outcome.status == Status::Skipped {
            return;
        }
        tally.measured += 1;
        if outcome.status != Status::Ok {
            let fate = outcome.error.as_ref().map(|error| error.kind);
            if !self.fates.contains(&fate) {
                self.fates.push(fate);
            }
            return self.failures.add(&tally.name, prompt_id, || why(outcome));
        }
        tally.ok += 1;
        if !outcome.cached {
            let timing = outcome.timing();
            if timing.reused { tally.warm.add(&timing) } else { tally.cold.add(&timing) }
        }
        for checked in &run.checks {
            match &checked.failure {
                None => tally.passed += 1,
                Some(why) => {
                    tally.wrong += 1;
                    self.wrong.add(&tally.name, prompt_id, || format!("`{}`: {why}", checked.check));
                }
            }
        }
        if let Some(what) = outcome.finish.and_then(Finish::lack) {
            self.early.add(&tally.name, prompt_id, || what.to_owned());
        }
    }

    /// Adds what the lanes say together on one prompt.
    pub fn add_agreement(&mut self, prompt_id: &str, found: &Agreement) {
        let Some(concord) = &mut self.concord else { return };
        if found.groups.iter().map(|group| group.lanes.len()).sum::<usize>() < 2 {
            return;
        }
        concord.compared += 1;
        if found.is_unanimous() {
            concord.unanimous += 1;
        } else if concord.split.len() < Few::SHOWN {
            concord.split.push(prompt_id.to_owned());
        }
        let (majority, odd) = (found.majority().map(|group| group.lanes.as_slice()), found.odd_ones());
        for lane in majority.unwrap_or_default() {
            self.lanes[*lane].agreed += 1;
        }
        for lane in odd {
            self.lanes[lane].odd += 1;
        }
    }

    /// Measured calls, and those of them with a whole answer.
    pub fn answered(&self) -> (u64, u64) {
        self.lanes.iter().fold((0, 0), |(all, ok), lane| (all + lane.measured, ok + lane.ok))
    }

    /// What all calls cost together.
    pub fn total(&self) -> Total {
        let mut sum = Total::default();
        for total in self.lanes.iter().map(|lane| &lane.total) {
            sum.known = sum.known + total.known;
            sum.unpriced += total.unpriced;
            sum.possibly_billed += total.possibly_billed;
            sum.approximate |= total.approximate;
        }
        sum
    }
}

/// Why there is no whole answer, and what that may have cost.
fn why(outcome: &Outcome) -> String {
    let mut words = match &outcome.error {
        Some(error) => {
            let said = said(error).map(|said| format!(": {said}")).unwrap_or_default();
            format!("{}{said}", phrase(error))
        }
        None => outcome.status.as_str().to_owned(),
    };
    if outcome.possibly_billed {
        words.push_str(" (possibly billed)");
    }
    words
}

#[cfg(test)]
pub(crate) mod tests;
