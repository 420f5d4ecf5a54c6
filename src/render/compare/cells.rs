//! The cells of a [`Sheet`](super::sheet::Sheet): what one lane has to say of
//! one figure.

use super::sheet::{Cell, Figure, NOTHING};
use crate::catalog::is_same_model;
use crate::chat::Finish;
use crate::comparison::{LaneResult, Run, Total};
use crate::money::{Bill, Cost, CostSource, Usage, UsageSource};
use crate::outcome::{Outcome, Status, Timing};
use crate::render::columns::one_line;
use crate::render::filter::clean_line;
use crate::render::{figures, money, receipt};
use crate::statistics::{Description, describe};

/// Text from outside, harmless and on one line.
pub(super) fn line(text: &str) -> String {
    one_line(&clean_line(text))
}

/// The calls of a lane that its figures are taken from.
pub(in crate::render) struct Basis<'c> {
    lane: &'c LaneResult,
    /// The calls that count.
    pub(super) measured: Vec<&'c Run>,
    /// Those with a complete answer.
    pub(super) good: Vec<&'c Run>,
    /// Those of them that no cache gave.
    fresh: Vec<&'c Run>,
    /// The one whose answer is shown.
    pub(super) shown: Option<&'c Run>,
}

impl<'c> Basis<'c> {
    pub(in crate::render) fn of(lane: &'c LaneResult) -> Self {
        let measured: Vec<&Run> = lane.measured().collect();
        let is_good = |run: &&&Run| run.outcome.status == Status::Ok;
        let good: Vec<&Run> = measured.iter().filter(is_good).copied().collect();
        let fresh = good.iter().filter(|run| !run.outcome.cached).copied().collect();
        Self { lane, measured, good, fresh, shown: lane.shown() }
    }

    /// Whether the lane may be the best at something.
    pub(super) fn is_whole(&self) -> bool {
        let answers = |run: &&Run| {
            let withheld = matches!(run.outcome.finish, Some(Finish::Refusal | Finish::ContentFilter));
            !withheld && !run.outcome.text.trim().is_empty()
        };
        !self.good.is_empty() && self.good.iter().all(answers)
    }

    /// Who answered, where it is another one than was asked.
    pub(super) fn answered_by(&self) -> Option<String> {
        let outcome = &self.shown?.outcome;
        let known =
            |text: &Option<String>| text.as_deref().map(receipt::name).filter(|text| !text.is_empty());
        let model = known(&outcome.served_model).filter(|model| !is_same_model(&outcome.model.model, model));
        let by = known(&outcome.served_by).map(|by| format!("via {by}"));
        let parts: Vec<String> = model.into_iter().chain(by).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// Whether the lane asks for a row of this figure.
    pub(super) fn tells(&self, figure: Figure) -> bool {
        match figure {
            Figure::FirstToken => self.timed().iter().any(|timing| {
                let shown = |ms: Option<f64>| ms.map(figures::duration);
                timing.ttft_ms.is_some() && shown(timing.ttft_ms) != shown(timing.ttfv_ms)
            }),
            Figure::Checks => self.good.iter().any(|run| !run.checks.is_empty()),
            Figure::Retries => self.measured.iter().any(|run| run.outcome.attempts.len() > 1),
            _ => true,
        }
    }

    pub(super) fn cell(&self, figure: Figure) -> Cell {
        match figure {
            Figure::FirstToken | Figure::FirstWord | Figure::Total => {
                self.measurement(figure, figures::duration)
            }
            Figure::Speed => self.measurement(figure, figures::speed),
            Figure::Input => self.input(),
            Figure::Output => self.output(),
            Figure::Cost => self.cost(),
            Figure::Finish => self.finish(),
            Figure::Checks => self.checks(),
            Figure::Retries => self.retries(),
        }
    }

    /// The times of fresh answers; those that had to connect first are left
    /// out where others did not.
    pub(in crate::render) fn timed(&self) -> Vec<Timing> {
        let timings = || self.fresh.iter().map(|run| run.outcome.timing());
        let warm: Vec<Timing> = timings().filter(|timing| timing.reused).collect();
        if warm.is_empty() { timings().collect() } else { warm }
    }

    /// Whether times leave out calls that had to connect first.
    pub(super) fn leaves_out_cold(&self) -> bool {
        self.timed().len() < self.fresh.len()
    }

    /// What was measured of a time or a speed, in the order of the calls.
    pub(super) fn samples(&self, figure: Figure) -> Vec<f64> {
        let pick: fn(&Timing) -> Option<f64> = match figure {
            Figure::FirstToken => |timing| timing.ttft_ms,
            Figure::FirstWord => |timing| timing.ttfv_ms,
            Figure::Total => |timing| timing.e2e_ms,
            Figure::Speed => |timing| timing.decode_tps,
            _ => |_| None,
        };
        self.timed().iter().filter_map(pick).collect()
    }

    fn measurement(&self, figure: Figure, shown: fn(f64) -> String) -> Cell {
        let Some(of) = describe(&self.samples(figure)) else { return self.no_measurement() };
        // What is rare about a speed is its low end, which no percentile here shows.
        let of = Description { p90: of.p90.filter(|_| figure != Figure::Speed), ..of };
        let spread = (self.measured.len() > 1).then(|| spread(&of, shown));
        let mut cell = Cell::new(shown(of.median), Some(of.median), spread);
        if figure == Figure::Speed && self.fresh.iter().any(is_estimated) {
            cell.estimated();
        }
        cell
    }

    /// Why there is no time, where that is not plain from the status.
    fn no_measurement(&self) -> Cell {
        let cached = !self.good.is_empty() && self.fresh.is_empty();
        Cell::nothing(cached.then(|| "cached".to_owned()))
    }

    /// The calls whose tokens and costs are shown: fresh ones, else any good
    /// ones, else the one that failed.
    fn counted(&self) -> Vec<&'c Run> {
        match (self.fresh.as_slice(), self.good.as_slice()) {
            ([], []) => self.shown.into_iter().collect(),
            ([], good) => good.to_vec(),
            (fresh, _) => fresh.to_vec(),
        }
    }

    /// The median of a number of tokens; the nearest rank, so a number that was.
    fn tokens(&self, pick: impl Fn(&Usage) -> u64) -> Option<u64> {
        let counted = self.counted();
        let mut tokens: Vec<u64> =
            counted.iter().filter_map(|run| run.outcome.usage).map(|counted| pick(&counted.usage)).collect();
        tokens.sort_unstable();
        middle(&tokens)
    }

    fn token_cell(&self, pick: impl Fn(&Usage) -> u64, parts: &[(&str, u64)]) -> Cell {
        let Some(tokens) = self.tokens(pick) else { return Cell::nothing(None) };
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, tokens)| *tokens > 0)
            .map(|(name, tokens)| format!("{} {name}", figures::count(*tokens)))
            .collect();
        let note = (!parts.is_empty()).then(|| parts.join(", "));
        #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
        let mut cell = Cell::new(figures::count(tokens), Some(tokens as f64), note);
        if self.counted().iter().any(is_estimated) {
            cell.estimated();
        }
        cell
    }

    fn input(&self) -> Cell {
        let cached = self.tokens(|usage| usage.cache_read.0).unwrap_or(0);
        let written = self.tokens(|usage| (usage.cache_write_5m + usage.cache_write_1h).0).unwrap_or(0);
        self.token_cell(|usage| usage.input().0, &[("cached", cached), ("written to cache", written)])
    }

    fn output(&self) -> Cell {
        let reasoning = self.tokens(|usage| usage.reasoning.0).unwrap_or(0);
        self.token_cell(|usage| usage.output.0, &[("reasoning", reasoning)])
    }

    fn cost(&self) -> Cell {
        let counted = self.counted();
        let served = counted.iter().filter(|run| !costs_nothing(&run.outcome));
        let mut bills: Vec<(Cost, &Bill)> =
            served.filter_map(|run| Some((run.outcome.bill.cost?, &run.outcome.bill))).collect();
        bills.sort_by_key(|(cost, _)| *cost);
        let notes = self.cost_notes(&counted, bills.len());
        let Some((cost, bill)) = middle(&bills) else {
            let unsent = counted.iter().all(|run| costs_nothing(&run.outcome));
            let (text, words) = if unsent { (NOTHING, "none") } else { ("?", "unknown") };
            return Cell { text: text.to_owned(), words: words.to_owned(), note: notes, ..Cell::default() };
        };
        // Who states an amount is said in the words; the figure stands alone.
        let text = if bill.source == CostSource::Billed { cost.to_display() } else { money::bill(bill) };
        let words = money::bill_in_words(bill);
        let measured = !self.fresh.is_empty();
        Cell { text, words, value: measured.then(|| usd(cost)), best: false, note: notes }
    }

    fn cost_notes(&self, counted: &[&Run], priced: usize) -> Option<String> {
        let mut notes = Vec::new();
        if self.lane.runs.len() > 1 {
            let mut total = Total::default();
            for run in self.lane.runs.iter().filter(|run| !costs_nothing(&run.outcome)) {
                total.add(&run.outcome.bill, run.outcome.possibly_billed);
            }
            let all = match self.lane.runs.len() {
                2 => "both".to_owned(),
                count => format!("all {count}"),
            };
            // Nothing is nothing however often.
            if (total.known, total.unpriced) != (Cost::ZERO, 0) {
                notes.push(format!("{} for {all}", super::total::short(&total)));
            }
        }
        if priced > 0 && priced < counted.len() {
            notes.push(format!("{} unpriced", counted.len() - priced));
        }
        if self.shown.is_some_and(|run| run.outcome.cached) {
            notes.push("cached".to_owned());
        }
        if self.lane.runs.iter().any(|run| run.outcome.possibly_billed) {
            notes.push("possibly billed".to_owned());
        }
        (!notes.is_empty()).then(|| notes.join(", "))
    }

    fn finish(&self) -> Cell {
        let Some(shown) = self.shown else { return Cell::nothing(None) };
        let ended = |outcome: &Outcome| receipt::ending(outcome).unwrap_or("stop");
        if self.measured.len() < 2 {
            return Cell::new(ended(&shown.outcome).to_owned(), None, None);
        }
        let (good, all) = (self.good.len(), self.measured.len());
        let mut others: Vec<(&str, usize)> = Vec::new();
        for word in self.measured.iter().map(|run| ended(&run.outcome)).filter(|word| *word != "stop") {
            match others.iter_mut().find(|(other, _)| *other == word) {
                Some((_, count)) => *count += 1,
                None => others.push((word, 1)),
            }
        }
        let others: Vec<String> = others.iter().map(|(word, count)| format!("{count} {word}")).collect();
        Cell::new(format!("{good}/{all} ok"), None, (!others.is_empty()).then(|| others.join(", ")))
    }

    /// Only whole answers are judged; that there is none is said already.
    fn checks(&self) -> Cell {
        let checks = || self.good.iter().flat_map(|run| &run.checks);
        let (passed, all) = (checks().filter(|check| check.failure.is_none()).count(), checks().count());
        if all == 0 {
            return Cell::nothing(None);
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer checks than 2^52")]
        let share = passed as f64 / all as f64;
        let mut failed: Vec<String> = Vec::new();
        for check in checks().filter(|check| check.failure.is_some()) {
            let name = line(&check.check);
            if !failed.contains(&name) {
                failed.push(name);
            }
        }
        let note = (!failed.is_empty()).then(|| format!("failed: {}", failed.join(", ")));
        Cell::new(format!("{passed}/{all} passed"), Some(share), note)
    }

    /// The times above are those of the last attempt; here is what all took.
    fn retries(&self) -> Cell {
        let retried = || self.measured.iter().filter(|run| run.outcome.attempts.len() > 1);
        let count: usize = retried().map(|run| run.outcome.attempts.len() - 1).sum();
        if count == 0 {
            return Cell::nothing(None);
        }
        let longest = retried().map(|run| run.outcome.wall).max();
        let note = longest.map(|wall| {
            let wall = figures::duration(crate::outcome::ms(wall));
            if self.measured.len() > 1 { format!("up to {wall} in all") } else { format!("{wall} in all") }
        });
        #[expect(clippy::cast_precision_loss, reason = "a handful of retries a call")]
        Cell::new(count.to_string(), Some(count as f64), note)
    }
}

impl Cell {
    fn new(text: String, value: Option<f64>, note: Option<String>) -> Self {
        Self { words: text.clone(), text, value, best: false, note }
    }

    fn nothing(note: Option<String>) -> Self {
        Self { text: NOTHING.to_owned(), words: "none".to_owned(), note, ..Self::default() }
    }

    /// The figure comes from tokens that nobody counted.
    fn estimated(&mut self) {
        self.words = format!("{} (estimated)", self.text);
        self.text.insert(0, '~');
    }
}

fn is_estimated(run: &&Run) -> bool {
    run.outcome.usage.is_some_and(|counted| counted.source == UsageSource::Estimated)
}

/// The middle of what is sorted; the lower one of two, so that it is one that was.
fn middle<T: Copy>(sorted: &[T]) -> Option<T> {
    sorted.get(sorted.len().checked_sub(1)? / 2).copied()
}

/// How far figures are spread around their median: `± 0.02 s, n 5`; from ten on
/// with the 90th percentile.
fn spread(of: &Description, shown: fn(f64) -> String) -> String {
    let mut parts = Vec::new();
    if of.n > 1 {
        parts.push(format!("± {}", shown(of.mad)));
    }
    parts.extend(of.p90.map(|p90| format!("p90 {}", shown(p90))));
    parts.push(format!("n={}", of.n));
    if of.first_is_slow {
        parts.push("first run slow".to_owned());
    }
    parts.join(", ")
}

/// Nothing was served that could be billed, so its cost is not unknown: it is none.
fn costs_nothing(outcome: &Outcome) -> bool {
    let nothing_came = matches!(outcome.status, Status::Error | Status::Skipped);
    let nothing_billed = outcome.bill.cost.is_none_or(|cost| cost == Cost::ZERO);
    nothing_came && outcome.usage.is_none() && nothing_billed && !outcome.possibly_billed
}

#[expect(clippy::cast_precision_loss, reason = "for ranking and drawing; sums stay exact")]
fn usd(cost: Cost) -> f64 {
    cost.atto() as f64 / 1e18
}
