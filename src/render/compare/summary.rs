//! What a comparison comes to, in words.

use super::cells::{Basis, line};
use super::fold::{Fold, fold};
use super::sheet::{Cell, Figure, Sheet, sheet};
use super::total;
use crate::comparison::{Agreement, Comparison, LaneResult};
use crate::explain::{phrase, what};
use crate::outcome::{Status, Timing};
use crate::render::figures;
use crate::render::output::{Output, Paint};
use crate::statistics::{Better, Contrast, MILLISECOND, against_best};
use crate::wire::FailureKind;

/// A line of the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// It says more of the statement before it.
    pub(super) is_detail: bool,
    /// What it says, harmless and on one line.
    pub(super) text: String,
    /// What it says is no good news.
    pub(super) is_bad: bool,
}

/// Which lane was first, which cheapest, what failed, who agrees, and what all
/// of it cost: lines for stdout, painted where it may have colour.
pub fn summary(comparison: &Comparison, output: &Output) -> String {
    written(statements(comparison, &sheet(comparison)), output)
}

/// Statements as lines for stdout.
pub(super) fn written(statements: Vec<Statement>, output: &Output) -> String {
    let mut out = String::new();
    for statement in statements {
        let indent = if statement.is_detail { "  " } else { "" };
        let text = match statement.is_bad {
            true => output.paint_stdout(&statement.text, Paint::Red),
            false => statement.text,
        };
        if output.accessible {
            out.push_str(&format!("{text}\n"));
            continue;
        }
        for line in fold(&text, output.width - indent.len(), Fold::Words) {
            out.push_str(&format!("{indent}{}\n", line.text));
        }
    }
    out
}

/// The summary, statement by statement.
pub(super) fn statements(comparison: &Comparison, sheet: &Sheet) -> Vec<Statement> {
    let mut said = Said(Vec::new());
    fastest(comparison, sheet, &mut said);
    cheapest(sheet, &mut said);
    cached(comparison, sheet, &mut said);
    failures(comparison, sheet, &mut said);
    if let Some(agreement) = &comparison.agreement {
        agreed(agreement, sheet, &mut said);
        if comparison.has_rounds() {
            said.detail("of several runs the answer shown counts".to_owned());
        }
    }
    let calls: usize = comparison.lanes.iter().map(|lane| lane.runs.len()).sum();
    said.say(format!("cost of {}: {}", all(calls, "call"), total::long(&comparison.total())));
    said.0
}

/// All of so many: `1 call`, `both calls`, `all 3 calls`.
fn all(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        2 => format!("both {what}s"),
        _ => format!("all {} {what}s", figures::count(count as u64)),
    }
}

#[derive(Default)]
pub(super) struct Said(pub(super) Vec<Statement>);

impl Said {
    pub(super) fn say(&mut self, text: String) {
        self.0.push(Statement { is_detail: false, text, is_bad: false });
    }

    pub(super) fn detail(&mut self, text: String) {
        self.0.push(Statement { is_detail: true, text, is_bad: false });
    }

    pub(super) fn bad(&mut self, text: String) {
        self.0.push(Statement { is_detail: false, text, is_bad: true });
    }
}

/// The lanes that may be the best at a figure, with their cells.
fn ranked(sheet: &Sheet, figure: Figure) -> Vec<(usize, &Cell, f64)> {
    let cells = sheet.row(figure).map_or(&[][..], |row| &row.cells);
    let mut ranked: Vec<(usize, &Cell, f64)> = cells
        .iter()
        .enumerate()
        .filter(|(lane, _)| sheet.lanes[*lane].is_whole)
        .filter_map(|(lane, cell)| Some((lane, cell, cell.value?)))
        .collect();
    ranked.sort_by(|a, b| a.2.total_cmp(&b.2));
    ranked
}

fn fastest(comparison: &Comparison, sheet: &Sheet, said: &mut Said) {
    let first_words = ranked(sheet, Figure::FirstWord);
    let totals = ranked(sheet, Figure::Total);
    let words_count = first_words.len() >= 2;
    if words_count {
        race(comparison, sheet, &first_words, Figure::FirstWord, said);
    } else if totals.len() >= 2 {
        race(comparison, sheet, &totals, Figure::Total, said);
    }
    // Who begins first is not always the first to be done.
    let (Some(starter), [winner, second, ..]) =
        (first_words.first().filter(|_| words_count), totals.as_slice())
    else {
        return;
    };
    if starter.0 != winner.0 && winner.1.text != second.1.text {
        let name = &sheet.lanes[winner.0].name;
        said.say(format!("{name} was done first: {} in all", winner.1.words));
    }
}

/// Who was fastest, and by how much.
fn race(
    comparison: &Comparison,
    sheet: &Sheet,
    ranked: &[(usize, &Cell, f64)],
    figure: Figure,
    said: &mut Said,
) {
    let Some((best, cell, _)) = ranked.first() else { return };
    let name = |lane: usize| &sheet.lanes[lane].name;
    let (was, were, what) = match figure {
        Figure::FirstWord => ("was first", "were first", "to the first word"),
        _ => ("was fastest", "were fastest", "in all"),
    };
    let samples: Vec<Vec<f64>> = comparison
        .lanes
        .iter()
        .enumerate()
        .map(|(at, lane)| if sheet.lanes[at].is_whole { Basis::of(lane).samples(figure) } else { Vec::new() })
        .collect();
    let slices: Vec<&[f64]> = samples.iter().map(Vec::as_slice).collect();
    let standing = against_best(&slices, Better::Lower, MILLISECOND);
    let median = if sheet.several { " (median)" } else { "" };
    // Who shows the same figure is no slower, as far as anyone can see.
    let (level, behind): (Vec<&(usize, &Cell, f64)>, Vec<_>) =
        ranked.iter().partition(|(_, other, _)| other.text == cell.text);
    let who = names(sheet, level.iter().map(|(lane, ..)| *lane));
    let was = if level.len() > 1 { were } else { was };
    said.say(format!("{who} {was}: {} {what}{median}", cell.words));
    for (lane, ..) in &level {
        retried(sheet, *lane, said);
    }
    let mut unclear = false;
    for (lane, _, value) in &behind {
        let contrast = standing.as_ref().filter(|of| of.best == *best).and_then(|of| of.others[*lane]);
        let text = match contrast {
            Some(Contrast::Shown(ratio)) => format!(
                "{} times faster than {} (between {} and {})",
                times(ratio.ratio),
                name(*lane),
                times(ratio.low),
                times(ratio.high)
            ),
            Some(Contrast::Open(_)) => format!("no difference shown to {}", name(*lane)),
            _ => {
                unclear = true;
                match cell.value.filter(|value| *value > 0.0) {
                    Some(best) => format!("{} times faster than {}", times(value / best), name(*lane)),
                    None => format!("faster than {}", name(*lane)),
                }
            }
        };
        said.detail(text);
    }
    if unclear {
        let contrasts = standing.iter().flat_map(|of| of.others.iter().flatten());
        let uncounted = uncounted(comparison, ranked, figure);
        said.detail(chance(contrasts, uncounted, sheet.several));
    }
}

/// That it may be chance, and how many runs could tell.
fn chance<'c>(mut contrasts: impl Iterator<Item = &'c Contrast>, uncounted: usize, several: bool) -> String {
    let least = contrasts.find_map(|contrast| match contrast {
        Contrast::TooFew { least } => Some(least + uncounted),
        _ => None,
    });
    let least = least.map_or(String::new(), |least| format!("; `--runs {least}` could tell"));
    let runs = if several { "too few runs" } else { "one run each" };
    format!("{runs}, so this may be chance{least}")
}

/// How many runs of a lane do not count, at most: those that connected first.
/// One run each counts, but of several the first will not.
fn uncounted(comparison: &Comparison, ranked: &[(usize, &Cell, f64)], figure: Figure) -> usize {
    let lanes = ranked.iter().filter_map(|(lane, ..)| comparison.lanes.get(*lane)).map(Basis::of);
    let of_lane = lanes.map(|lane| match lane.measured.len() {
        1 => {
            let connected = |timing: &&Timing| !timing.reused && timing.connect_ms.is_some();
            lane.timed().iter().filter(connected).count()
        }
        all => all.saturating_sub(lane.samples(figure).len()),
    });
    of_lane.max().unwrap_or(0)
}

/// Times are those of the attempt that succeeded: who had to be asked again was
/// not really first.
fn retried(sheet: &Sheet, lane: usize, said: &mut Said) {
    let Some(cell) = sheet.row(Figure::Retries).map(|row| &row.cells[lane]) else { return };
    if let Some(took) = cell.note.as_ref().filter(|_| cell.value.is_some()) {
        let (name, what) = (&sheet.lanes[lane].name, if cell.text == "1" { "retry" } else { "retries" });
        said.detail(format!("that leaves out {} {what} of {name}: {took}", cell.text));
    }
}

/// Names of lanes in the order shown: `a`, `a and b`, `a, b and c`.
fn names(sheet: &Sheet, lanes: impl Iterator<Item = usize>) -> String {
    let mut lanes: Vec<usize> = lanes.collect();
    lanes.sort_unstable();
    let names: Vec<&str> = lanes.into_iter().map(|lane| sheet.lanes[lane].name.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// A ratio to three figures or so.
pub(super) fn times(ratio: f64) -> String {
    match ratio {
        ..9.995 => format!("{ratio:.2}"),
        ..99.95 => format!("{ratio:.1}"),
        _ => format!("{ratio:.0}"),
    }
}

fn cheapest(sheet: &Sheet, said: &mut Said) {
    let ranked = ranked(sheet, Figure::Cost);
    let [(_, cell, value), others @ ..] = ranked.as_slice() else { return };
    let cells = sheet.row(Figure::Cost).map_or(&[][..], |row| &row.cells);
    let unknown = |lane: &usize| sheet.lanes[*lane].is_whole && cells[*lane].text == "?";
    let unknown: Vec<&str> =
        (0..cells.len()).filter(unknown).map(|lane| sheet.lanes[lane].name.as_str()).collect();
    if others.is_empty() {
        return;
    }
    if !cells.iter().any(|cell| cell.best) {
        said.say(match (*value == 0.0, ranked.len()) {
            (true, 2) => "neither cost anything".to_owned(),
            (true, _) => "none cost anything".to_owned(),
            (false, 2) => format!("both cost the same: {}", cell.words),
            (false, _) => format!("all cost the same: {}", cell.words),
        });
    } else {
        let best: Vec<usize> =
            ranked.iter().filter(|(_, cell, _)| cell.best).map(|(lane, ..)| *lane).collect();
        let was = if best.len() > 1 { "were" } else { "was" };
        let known = if unknown.is_empty() { "" } else { " of those with a known price" };
        let who = names(sheet, best.into_iter());
        said.say(format!("{who} {was} cheapest{known}: {}", cell.words));
    }
    for (lane, other, cost) in others.iter().filter(|_| *value > 0.0) {
        if !other.best && cells.iter().any(|cell| cell.best) {
            said.detail(format!("{} times cheaper than {}", times(cost / value), sheet.lanes[*lane].name));
        }
    }
    if !unknown.is_empty() {
        said.detail(format!("the price of {} is unknown", unknown.join(", ")));
    }
}

/// Prompt tokens that a provider kept from an earlier call make an answer come
/// sooner and cost less: where not all calls had as many, that is said.
fn cached(comparison: &Comparison, sheet: &Sheet, said: &mut Said) {
    let lanes = comparison.lanes.iter().enumerate();
    let lanes: Vec<Kept> = lanes.filter_map(|(at, lane)| Kept::of(at, lane)).collect();
    let some_had_none = lanes.iter().any(|kept| kept.most == 0);
    let some_had = lanes.iter().any(|kept| kept.most > 0);
    let runs_differ = lanes.iter().any(|kept| kept.least < kept.most);
    if !(runs_differ || some_had && some_had_none) {
        return;
    }
    said.say("cached prompt tokens differ, which changes times and costs".to_owned());
    for kept in lanes {
        said.detail(format!("{}: {}", sheet.lanes[kept.lane].name, kept.in_words()));
    }
}

/// How many of a prompt's tokens a provider had kept, over a lane's runs.
struct Kept {
    lane: usize,
    least: u64,
    most: u64,
    /// All of the prompt's tokens, in the run with the most kept ones.
    input: u64,
}

impl Kept {
    fn of(at: usize, lane: &LaneResult) -> Option<Self> {
        let usages = Basis::of(lane).good.into_iter().filter_map(|run| run.outcome.usage);
        let counts: Vec<(u64, u64)> =
            usages.map(|counted| (counted.usage.cache_read.0, counted.usage.input().0)).collect();
        let (least, (most, input)) = (counts.iter().min()?.0, *counts.iter().max()?);
        Some(Self { lane: at, least, most, input })
    }

    fn in_words(&self) -> String {
        let [least, most, input] = [self.least, self.most, self.input].map(figures::count);
        match (self.least, self.most) {
            (0, 0) => "none".to_owned(),
            (low, high) if low == high => format!("{most} of {input}"),
            _ => format!("{least} to {most} of {input}"),
        }
    }
}

fn failures(comparison: &Comparison, sheet: &Sheet, said: &mut Said) {
    let failed: Vec<usize> =
        (0..sheet.lanes.len()).filter(|at| sheet.lanes[*at].good < sheet.lanes[*at].runs).collect();
    let (calls, bad) = sheet
        .lanes
        .iter()
        .fold((0, 0), |(calls, bad), lane| (calls + lane.runs, bad + lane.runs - lane.good));
    if failed.is_empty() {
        return;
    }
    let unit = if sheet.several { "calls" } else { "models" };
    said.bad(format!("{bad} of {calls} {unit} failed"));
    for at in failed {
        let runs = || comparison.lanes[at].measured().filter(|run| run.outcome.status != Status::Ok);
        let why = runs().find_map(|run| run.outcome.error.as_ref()).map(phrase);
        let why = why.or_else(|| {
            runs().next().map(|run| match run.outcome.status {
                Status::Skipped => "not asked".to_owned(),
                Status::Cancelled => what(FailureKind::Cancelled).to_owned(),
                other => other.as_str().to_owned(),
            })
        });
        said.detail(format!("{}: {}", sheet.lanes[at].name, why.unwrap_or_default()));
    }
}

fn agreed(agreement: &Agreement, sheet: &Sheet, said: &mut Said) {
    let names = |lanes: &[usize]| {
        let names: Vec<&str> =
            lanes.iter().filter_map(|lane| sheet.lanes.get(*lane)).map(|lane| lane.name.as_str()).collect();
        names.join(", ")
    };
    let answers: usize = agreement.groups.iter().map(|group| group.lanes.len()).sum();
    match agreement.groups.as_slice() {
        [] => said.say("no answers to compare".to_owned()),
        [_] if answers == 1 => said.say("only one answer: nothing to agree with".to_owned()),
        [_] => said.say(format!("{} agree", all(answers, "answer"))),
        groups if groups.iter().all(|group| group.lanes.len() == 1) => {
            said.say(format!("{} differ", all(answers, "answer")));
        }
        groups => {
            said.say(format!("{} different answers among {answers}", groups.len()));
            for group in groups {
                let many = group.lanes.len() > 1;
                let what = if many { "agree" } else { "stands alone" };
                said.detail(format!("{} {what}: {}", names(&group.lanes), opening(&group.answer)));
            }
        }
    }
    if !agreement.fields.is_empty() {
        let fields: Vec<String> = agreement.fields.iter().map(|field| format!("`{}`", line(field))).collect();
        said.detail(format!("they differ in {}", fields.join(", ")));
    }
}

/// The beginning of an answer, on one line.
fn opening(answer: &str) -> String {
    const MOST: usize = 60;
    let text = line(answer);
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text,
    }
}
