//! A line a group, with a bar; and what the sum is made of.

use super::{cost, facts, in_words, share, tokens};
use crate::render::columns::{Column, Place, one_line, rows, taken};
use crate::render::figures::count;
use crate::render::output::{Output, Paint};
use crate::spending::{Spending, Sums};

/// The widest bar; where there is less room for it than [`LEAST_BAR`], there is none.
const MOST_BAR: usize = 24;
const LEAST_BAR: usize = 6;

/// The room that a name may be cut down to.
const LEAST_NAME: usize = 10;

const NAME: usize = 0;
const IN: usize = 2;
const CACHED: usize = 3;
const OUT: usize = 4;
const REASONING: usize = 5;
const SHARE: usize = 7;

/// The table and the facts beneath it, none of its lines wider than `width`
/// unless names alone fill it.
pub fn text(spending: &Spending, width: usize, output: &Output) -> String {
    let clean = |name: &str| one_line(&output.clean(name));
    if output.accessible {
        return accessible(spending, &clean);
    }
    let mut columns = columns(spending, &clean);
    fit(&mut columns, width);
    let room = width.saturating_sub(taken(&columns)).min(MOST_BAR);
    if room >= LEAST_BAR && spending.all.total.known.atto() > 0 {
        columns.push(bars(spending, room));
    }
    let lines = rows(&columns, spending.groups.len() + 2);
    let last = lines.len() - 1;
    let mut text = String::new();
    for (at, line) in lines.into_iter().enumerate() {
        let bold = at == 0 || at == last;
        text += &if bold { output.paint_stdout(&line, Paint::Bold) } else { line };
        text.push('\n');
    }
    text.push('\n');
    let facts = facts(spending);
    let widest = facts.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in facts {
        text += &format!("{name:widest$}  {value}\n");
    }
    text
}

pub(super) fn columns(spending: &Spending, clean: &dyn Fn(&str) -> String) -> Vec<Column> {
    let column = |head: &str, place, cell: &dyn Fn(&Sums) -> String| {
        let groups = spending.groups.iter().map(|(_, sums)| cell(sums));
        let cells = std::iter::once(head.to_owned()).chain(groups).chain([cell(&spending.all)]);
        Column::new(cells.collect(), place)
    };
    let names = spending.groups.iter().map(|(name, _)| clean(name));
    let names = std::iter::once(spending.by.as_str().to_owned()).chain(names).chain(["total".to_owned()]);
    vec![
        Column::new(names.collect(), Place::End),
        column("calls", Place::Right, &|sums| count(sums.calls)),
        column("in", Place::Right, &|sums| tokens(sums.input, sums)),
        column("cached", Place::Right, &|sums| tokens(sums.cached, sums)),
        column("out", Place::Right, &|sums| tokens(sums.output, sums)),
        column("reasoning", Place::Right, &|sums| tokens(sums.reasoning, sums)),
        column("cost", Place::Right, &cost),
        column("share", Place::Right, &|sums| share(spending, sums)),
    ]
}

/// Narrows the table: reasoning and cached tokens go first, then the share,
/// all tokens, and the beginnings of names.
fn fit(columns: &mut [Column], width: usize) {
    // There is no gap behind the last column.
    let excess = |columns: &[Column]| taken(columns).saturating_sub(width.saturating_add(2));
    for which in [REASONING, CACHED, SHARE, IN, OUT] {
        if excess(columns) > 0 {
            columns[which].width = 0;
        }
    }
    let now = columns[NAME].width;
    columns[NAME].width = now.saturating_sub(excess(columns)).max(now.min(LEAST_NAME));
}

/// Bars as long as the groups are dear, the dearest filling the room.
fn bars(spending: &Spending, room: usize) -> Column {
    let known = |sums: &Sums| sums.total.known.atto();
    let most = spending.groups.iter().map(|(_, sums)| known(sums)).max().unwrap_or(0).max(1);
    let bar = |sums: &Sums| {
        let room = i128::try_from(room * 8).unwrap_or(0);
        let eighths = known(sums).max(0).saturating_mul(room) / most;
        bar(usize::try_from(eighths).unwrap_or(0), known(sums) > 0)
    };
    let cells = spending.groups.iter().map(|(_, sums)| bar(sums));
    Column::new([String::new()].into_iter().chain(cells).chain([String::new()]).collect(), Place::Left)
}

/// A bar of so many eighths of a column; what is not nothing is seen.
fn bar(eighths: usize, is_something: bool) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = if is_something { eighths.max(1) } else { eighths };
    "█".repeat(eighths / 8) + PARTS[eighths % 8]
}

/// One `name: value` line a fact.
fn accessible(spending: &Spending, clean: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    for (name, sums) in &spending.groups {
        text += &format!("{}: {}\n", spending.by.as_str(), clean(name));
        text += &format!("calls: {}\n", count(sums.calls));
        for (name, number) in [
            ("tokens in", sums.input),
            ("tokens cached", sums.cached),
            ("tokens out", sums.output),
            ("tokens of reasoning", sums.reasoning),
        ] {
            text += &format!("{name}: {}\n", in_words(&tokens(number, sums)));
        }
        text += &format!("cost: {}\n", in_words(&cost(sums)));
        let share = share(spending, sums);
        if !share.is_empty() {
            text += &format!("share: {}\n", in_words(&share));
        }
        text.push('\n');
    }
    for (name, value) in facts(spending) {
        text += &format!("{name}: {}\n", in_words(&value));
    }
    text
}
