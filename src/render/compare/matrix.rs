//! The totals of many prompts: a column a lane, and what they come to in words.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::cells::line;
use super::markdown::{cell_code, escaped};
use super::order::Sort;
use super::sheet::NOTHING;
use super::summary::{Said, Statement, times, written};
use super::total;
use crate::comparison::Total;
use crate::matrix::{Few, Matrix, Samples, Tally};
use crate::money::Cost;
use crate::outcome::ms;
use crate::render::columns::{Column, GAP, Place, rows, taken};
use crate::render::figures;
use crate::render::output::{Output, Paint};
use crate::statistics::{Better, Contrast, Description, MILLISECOND, against_best, describe};

/// Calls of a lane that are compared with those of another; of more, ones
/// evenly spread. All pairs are put in order.
const COMPARED: usize = 400;

/// The matrix with its lanes in another order.
pub fn arranged(matrix: &Matrix, sort: Sort) -> Cow<'_, Matrix> {
    let middle = |figures: &[f64]| describe(figures).map(|of| of.median);
    let key = |lane: &Tally| match sort {
        Sort::Given => None,
        Sort::Latency => middle(&lane.samples().ttfv_ms).or_else(|| middle(&lane.samples().e2e_ms)),
        Sort::Cost => lane.per_answer().filter(|_| lane.total.unpriced == 0).map(usd),
        Sort::Speed => middle(&lane.samples().decode_tps).map(|speed| -speed),
    };
    if sort == Sort::Given {
        return Cow::Borrowed(matrix);
    }
    let mut matrix = matrix.clone();
    matrix.lanes.sort_by(|a, b| key(a).unwrap_or(f64::MAX).total_cmp(&key(b).unwrap_or(f64::MAX)));
    Cow::Owned(matrix)
}

/// The totals for stdout: a table, or the lanes one below the other where it
/// would be too wide, and the summary.
pub fn text(matrix: &Matrix, output: &Output) -> String {
    let names: Vec<String> = matrix.lanes.iter().map(|lane| line(&lane.name)).collect();
    let facts = facts(matrix);
    let mut out = format!("{}\n\n", head(matrix));
    if output.accessible {
        for (at, name) in names.iter().enumerate() {
            let _ = writeln!(out, "model: {name}");
            for (figure, cells) in facts.iter().filter(|(_, cells)| cells[at] != NOTHING) {
                let _ = writeln!(out, "{figure}: {}", cells[at]);
            }
            out.push('\n');
        }
    } else {
        out.push_str(&table(&names, &facts, output));
        out.push('\n');
    }
    out + &written(statements(matrix), output)
}

/// What all calls so far cost, in a few characters.
pub fn cost_so_far(matrix: &Matrix) -> String {
    total::short(&matrix.total())
}

/// The totals as Markdown.
pub fn markdown(matrix: &Matrix) -> String {
    let mut out = format!("## Comparison of {} models\n\n", matrix.lanes.len());
    let _ = writeln!(out, "{}, `{}`\n\n{}\n", matrix.started_at, matrix.id, escaped(&head(matrix)));
    out.push_str("| |");
    for lane in &matrix.lanes {
        let _ = write!(out, " {} |", cell_code(&line(&lane.name)));
    }
    let _ = writeln!(out, "\n|:--|{}", "--:|".repeat(matrix.lanes.len()));
    for (figure, cells) in facts(matrix) {
        let cells: Vec<String> = cells.iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "| {figure} | {} |", cells.join(" | "));
    }
    out.push('\n');
    for statement in statements(matrix) {
        let indent = if statement.is_detail { "  " } else { "" };
        let _ = writeln!(out, "{indent}- {}", escaped(&statement.text));
    }
    out
}

fn head(matrix: &Matrix) -> String {
    let calls: u64 = matrix.lanes.iter().map(|lane| lane.calls).sum();
    let prompts = counted(matrix.prompts as u64, "prompt");
    let models = counted(matrix.lanes.len() as u64, "model");
    let took = figures::duration(ms(matrix.wall));
    format!("{}: {prompts}, {models}, {} in {took}", line(&matrix.file), counted(calls, "call"))
}

fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", figures::count(count), if count == 1 { "" } else { "s" })
}

/// A column a lane, or, where the terminal is too narrow for that, the lanes
/// one below the other.
fn table(names: &[String], facts: &[(&'static str, Vec<String>)], output: &Output) -> String {
    let labels = || Column::new(facts.iter().map(|(name, _)| (*name).to_owned()).collect(), Place::Left);
    let mut columns = vec![labels()];
    columns[0].cells.insert(0, "model".to_owned());
    for (at, name) in names.iter().enumerate() {
        let cells = std::iter::once(name.clone()).chain(facts.iter().map(|(_, cells)| cells[at].clone()));
        columns.push(Column::new(cells.collect(), Place::Right));
    }
    if taken(&columns) <= output.width + GAP {
        let mut lines = rows(&columns, facts.len() + 1);
        lines[0] = output.paint_stdout(&lines[0], Paint::Bold);
        return lines.join("\n") + "\n";
    }
    let mut out = String::new();
    for (at, name) in names.iter().enumerate() {
        let _ = writeln!(out, "{}", output.paint_stdout(name, Paint::Bold));
        let cells = facts.iter().map(|(_, cells)| cells[at].clone()).collect();
        for fact in rows(&[labels(), Column::new(cells, Place::Left)], facts.len()) {
            let _ = writeln!(out, "  {fact}");
        }
    }
    out
}

/// The rows of the table: those that say something of some lane.
pub(super) fn facts(matrix: &Matrix) -> Vec<(&'static str, Vec<String>)> {
    type Cell = fn(&Tally) -> String;
    let all: [(&'static str, Cell); 11] = [
        ("answered", |lane| share(lane.ok, lane.measured)),
        ("first word", |lane| time(lane, |of| &of.ttfv_ms, |of| Some(of.median))),
        ("  p90", |lane| time(lane, |of| &of.ttfv_ms, |of| of.p90)),
        ("total", |lane| time(lane, |of| &of.e2e_ms, |of| Some(of.median))),
        ("  p90", |lane| time(lane, |of| &of.e2e_ms, |of| of.p90)),
        ("speed", |lane| {
            let speed = describe(&lane.samples().decode_tps).map(|of| figures::speed(of.median));
            speed.map_or(NOTHING.to_owned(), |speed| marked(lane, speed))
        }),
        ("tokens in", |lane| tokens(lane, lane.input)),
        ("tokens out", |lane| tokens(lane, lane.output)),
        ("cost", |lane| if lane.calls == 0 { NOTHING.to_owned() } else { total::short(&lane.total) }),
        ("per answer", |lane| match lane.per_answer() {
            Some(cost) => total::short(&Total { known: cost, ..lane.total }),
            None => if lane.ok > 0 { "?" } else { NOTHING }.to_owned(),
        }),
        ("checks", |lane| share(lane.passed, lane.passed + lane.wrong)),
    ];
    let rows = all.into_iter().map(|(name, cell)| (name, matrix.lanes.iter().map(cell).collect::<Vec<_>>()));
    let compared = matrix.concord.as_ref().map_or(0, |concord| concord.compared);
    let agrees = matrix.lanes.iter().map(|lane| share(lane.agreed, compared)).collect();
    let rows = rows.chain([("agrees", agrees)]);
    rows.filter(|(_, cells)| cells.iter().any(|cell| cell != NOTHING)).collect()
}

fn share(part: u64, all: u64) -> String {
    if all == 0 { NOTHING.to_owned() } else { format!("{}/{}", figures::count(part), figures::count(all)) }
}

fn time(lane: &Tally, of: fn(&Samples) -> &Vec<f64>, pick: fn(&Description) -> Option<f64>) -> String {
    let figure = describe(of(lane.samples())).as_ref().and_then(pick);
    figure.map_or(NOTHING.to_owned(), figures::duration)
}

fn tokens(lane: &Tally, tokens: u64) -> String {
    if lane.calls == 0 { NOTHING.to_owned() } else { marked(lane, figures::count(tokens)) }
}

/// The figure comes from tokens that nobody counted.
fn marked(lane: &Tally, figure: String) -> String {
    if lane.estimated { format!("~{figure}") } else { figure }
}

/// What the totals come to.
pub(super) fn statements(matrix: &Matrix) -> Vec<Statement> {
    let mut said = Said::default();
    fastest(matrix, &mut said);
    cheapest(matrix, &mut said);
    let (measured, ok) = matrix.answered();
    if matrix.failures.count > 0 {
        let of = figures::count(measured);
        said.bad(format!("{} of {of} calls failed", figures::count(measured - ok)));
        listed(&matrix.failures, &mut said);
    }
    if matrix.wrong.count > 0 {
        said.bad(format!("{} failed", counted(matrix.wrong.count, "check")));
        listed(&matrix.wrong, &mut said);
    }
    agreement(matrix, &mut said);
    if matrix.left > 0 {
        said.bad(format!("{} not made", counted(matrix.left as u64, "call")));
    }
    let calls: u64 = matrix.lanes.iter().map(|lane| lane.calls).sum();
    said.say(format!("cost of {}: {}", counted(calls, "call"), total::long(&matrix.total())));
    said.0
}

fn listed(few: &Few, said: &mut Said) {
    for note in &few.first {
        said.detail(format!("{}, prompt {}: {}", line(&note.lane), line(&note.prompt_id), line(&note.what)));
    }
    if few.more() > 0 {
        said.detail(format!("and {} more", figures::count(few.more())));
    }
}

/// Which lane was first, by how much, and whether that is more than chance.
fn fastest(matrix: &Matrix, said: &mut Said) {
    let by = |of: fn(&Samples) -> &Vec<f64>| -> Vec<Vec<f64>> {
        matrix.lanes.iter().map(|lane| thinned(of(lane.samples()))).collect()
    };
    let enough = |lanes: &[Vec<f64>]| lanes.iter().filter(|figures| !figures.is_empty()).count() >= 2;
    let mut what = ("was first", "to the first word");
    let mut lanes = by(|of| &of.ttfv_ms);
    if !enough(&lanes) {
        (what, lanes) = (("was fastest", "in all"), by(|of| &of.e2e_ms));
    }
    let slices: Vec<&[f64]> = lanes.iter().map(Vec::as_slice).collect();
    let standing = against_best(&slices, Better::Lower, MILLISECOND).filter(|_| enough(&lanes));
    let Some(standing) = standing else { return };
    let name = |lane: usize| line(&matrix.lanes[lane].name);
    let best = describe(&lanes[standing.best]).map_or(0.0, |of| of.median);
    let (was, until) = what;
    said.say(format!("{} {was}: {} {until} (median)", name(standing.best), figures::duration(best)));
    for (lane, contrast) in standing.others.iter().enumerate() {
        said.detail(match contrast {
            None => continue,
            Some(Contrast::Shown(ratio)) => format!(
                "{} times faster than {} (between {} and {})",
                times(ratio.ratio),
                name(lane),
                times(ratio.low),
                times(ratio.high)
            ),
            Some(Contrast::Open(_)) => format!("no difference shown to {}", name(lane)),
            Some(Contrast::TooFew { .. }) => format!("too few answers to tell from {}", name(lane)),
        });
    }
}

/// At most [`COMPARED`] figures, evenly spread over all.
fn thinned(figures: &[f64]) -> Vec<f64> {
    let step = figures.len().div_ceil(COMPARED).max(1);
    figures.iter().copied().step_by(step).collect()
}

/// Which lane's answers were cheapest, of those whose costs are all known.
fn cheapest(matrix: &Matrix, said: &mut Said) {
    let known = |lane: &&Tally| lane.total.unpriced == 0;
    let priced = matrix.lanes.iter().filter(known).filter_map(|lane| Some((lane, lane.per_answer()?)));
    let mut ranked: Vec<(&Tally, Cost)> = priced.collect();
    ranked.sort_by_key(|(_, cost)| *cost);
    let [(best, least), others @ ..] = ranked.as_slice() else { return };
    let Some((_, most)) = others.last() else { return };
    let unknown: Vec<String> =
        matrix.lanes.iter().filter(|lane| !known(lane)).map(|lane| line(&lane.name)).collect();
    // A failed call makes the others dearer by next to nothing.
    let alike = least.to_display() == most.to_display();
    if alike && *most == Cost::ZERO {
        said.say("no answer cost anything".to_owned());
    } else if alike {
        said.say(format!("all cost the same: {} an answer", least.to_display()));
    } else {
        let of = if unknown.is_empty() { "" } else { " of those whose costs are known" };
        said.say(format!("{} was cheapest{of}: {} an answer", line(&best.name), least.to_display()));
    }
    for (lane, cost) in others.iter().filter(|(_, cost)| !alike && cost > least && *least > Cost::ZERO) {
        said.detail(format!("{} times cheaper than {}", times(usd(*cost) / usd(*least)), line(&lane.name)));
    }
    if !unknown.is_empty() {
        said.detail(format!("not all costs of {} are known", unknown.join(", ")));
    }
}

fn agreement(matrix: &Matrix, said: &mut Said) {
    let Some(concord) = &matrix.concord else { return };
    if concord.compared == 0 {
        return said.say("no answers to compare".to_owned());
    }
    let compared = counted(concord.compared, "prompt");
    if concord.unanimous == concord.compared {
        return said.say(format!("all answers agree on {compared}"));
    }
    let differ = concord.compared - concord.unanimous;
    said.say(format!("answers differ on {} of {compared}", figures::count(differ)));
    let ids: Vec<String> = concord.split.iter().map(|id| line(id)).collect();
    let more = differ.saturating_sub(ids.len() as u64);
    let more = if more > 0 { format!(" and {} more", figures::count(more)) } else { String::new() };
    said.detail(format!("those: {}{more}", ids.join(", ")));
    for lane in matrix.lanes.iter().filter(|lane| lane.odd > 0) {
        said.detail(format!("{} is outvoted on {}", line(&lane.name), figures::count(lane.odd)));
    }
}

#[expect(clippy::cast_precision_loss, reason = "for ranking and ratios; sums stay exact")]
fn usd(cost: Cost) -> f64 {
    cost.atto() as f64 / 1e18
}

#[cfg(test)]
mod tests;
