//! The receipt: one line that says who answered, how fast, and for how much.

use std::time::Duration;

use unicode_width::UnicodeWidthStr as _;

use super::filter::clean_line;
use super::output::{Output, Paint};
use super::{figures, money};
use crate::catalog::is_same_model;
use crate::chat::Finish;
use crate::money::{Cost, UsageSource};
use crate::outcome::{CountedUsage, Outcome, Status, ms};

/// The most characters of a server's name that are shown.
const LONGEST_NAME: usize = 100;

/// One fact: in the line as it is, or under a name for screen readers.
struct Fact {
    line: String,
    named: Vec<(&'static str, String)>,
}

impl Fact {
    /// A fact with the same words in both forms.
    fn new(name: &'static str, value: impl Into<String>) -> Self {
        let value = value.into();
        Self { line: value.clone(), named: vec![(name, value)] }
    }

    /// A fact whose words in the line say all; `yes` under its name.
    fn yes(name: &'static str) -> Self {
        Self { line: name.to_owned(), named: vec![(name, "yes".to_owned())] }
    }
}

/// The receipt of a call for stderr, without a final newline: one dim line, or
/// under [`Output::accessible`] one `name: value` line a fact. What is not
/// known is said to be unknown or left out, and never shown as zero.
///
/// `before` are those who were asked for the same answer and failed, or were
/// too late; `took` is the time that all of them needed together.
pub fn receipt(outcome: &Outcome, before: &[Outcome], took: Duration, output: &Output) -> String {
    let mut facts = facts(outcome);
    facts.extend(in_vain(outcome, before, took));
    if output.accessible {
        let named = facts.iter().flat_map(|fact| &fact.named);
        return named.map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n");
    }
    let line = facts.iter().map(|fact| fact.line.as_str()).collect::<Vec<_>>().join(" · ");
    output.paint_stderr(&line, Paint::Dim)
}

fn facts(outcome: &Outcome) -> Vec<Fact> {
    let asked = if outcome.lane.is_empty() { outcome.model.to_string() } else { outcome.lane.clone() };
    let mut facts = vec![Fact::new("model", clean_line(&asked))];
    facts.extend(times(outcome));
    // A call that failed before any answer has no tokens to speak of.
    let counts = outcome.usage.is_some() || !matches!(outcome.status, Status::Error | Status::Skipped);
    if counts {
        facts.push(tokens(outcome.usage.as_ref()));
        facts.extend(speed(outcome));
    }
    if counts || outcome.bill.cost.is_some() {
        let (line, named) = (money::bill(&outcome.bill), money::bill_in_words(&outcome.bill));
        facts.push(Fact { line, named: vec![("cost", named)] });
    }
    facts.extend(outcome.possibly_billed.then(|| Fact::yes("possibly billed")));
    facts.extend(outcome.cached.then(|| Fact::yes("cached")));
    facts.extend(retries(outcome));
    facts.extend(served(outcome));
    facts.extend(ending(outcome).map(|word| Fact::new("ending", word)));
    facts
}

fn times(outcome: &Outcome) -> Option<Fact> {
    let timing = outcome.timing();
    let total = figures::duration(timing.e2e_ms?);
    Some(match timing.ttfv_ms.map(figures::duration) {
        Some(first) => Fact {
            line: format!("{first} to first word, {total}"),
            named: vec![("first word", first), ("total", total)],
        },
        None => Fact::new("total", total),
    })
}

fn tokens(counted: Option<&CountedUsage>) -> Fact {
    let Some(CountedUsage { usage, source }) = counted else {
        return Fact { line: "? tokens".to_owned(), named: vec![("tokens", "unknown".to_owned())] };
    };
    let (mark, words) = match source {
        UsageSource::Reported => ("", ""),
        UsageSource::Estimated => ("~", " (estimated)"),
    };
    let [input, output, reasoning] =
        [usage.input(), usage.output, usage.reasoning].map(|tokens| figures::count(tokens.0));
    let mut line = format!("{mark}{input} → {mark}{output} tokens");
    let mut named =
        vec![("tokens in", format!("{input}{words}")), ("tokens out", format!("{output}{words}"))];
    if usage.reasoning.0 > 0 {
        line.push_str(&format!(" ({mark}{reasoning} reasoning)"));
        named.push(("reasoning tokens", format!("{reasoning}{words}")));
    }
    Fact { line, named }
}

/// An answer from a cache has no speed that says anything of the model.
fn speed(outcome: &Outcome) -> Option<Fact> {
    let speed = figures::speed(outcome.timing().decode_tps.filter(|_| !outcome.cached)?);
    Some(match outcome.usage?.source {
        UsageSource::Reported => Fact::new("speed", speed),
        UsageSource::Estimated => {
            Fact { line: format!("~{speed}"), named: vec![("speed", format!("{speed} (estimated)"))] }
        }
    })
}

/// The times above are those of the last attempt; here is what all took.
fn retries(outcome: &Outcome) -> Option<Fact> {
    let retries = outcome.attempts.len().checked_sub(1).filter(|retries| *retries > 0)?;
    let wall = figures::duration(outcome.timing().wall_ms?);
    let word = if retries == 1 { "retry" } else { "retries" };
    Some(Fact {
        line: format!("{retries} {word}, {wall} in all"),
        named: vec![("retries", retries.to_string()), ("total with retries", wall)],
    })
}

/// Who else was asked, what that may have cost, and what all took.
fn in_vain(outcome: &Outcome, before: &[Outcome], took: Duration) -> Vec<Fact> {
    if before.is_empty() {
        return Vec::new();
    }
    let of = |is_meant: &dyn Fn(&Outcome) -> bool, name: &'static str, word: &str| {
        let lanes: Vec<String> = before
            .iter()
            .filter(|outcome| is_meant(outcome))
            .map(|outcome| clean_line(&outcome.lane).into_owned())
            .collect();
        let line = format!("{} {word}", lanes.join(" and "));
        (!lanes.is_empty()).then(|| Fact { line, named: vec![(name, lanes.join(", "))] })
    };
    let is_late = |outcome: &Outcome| outcome.status == Status::Cancelled;
    let attempts: usize = before.iter().chain([outcome]).map(|outcome| outcome.attempts.len()).sum();
    let took = figures::duration(ms(took));
    let mut facts = vec![Fact {
        line: format!("{attempts} attempts, {took} in all"),
        named: vec![("attempts in all", attempts.to_string()), ("total of all", took)],
    }];
    facts.extend(of(&|outcome| !is_late(outcome), "failed before", "failed"));
    facts.extend(of(&is_late, "stopped", "stopped"));
    let mut paid =
        before.iter().filter(|outcome| outcome.possibly_billed || outcome.bill.cost != Some(Cost::ZERO));
    if let Some(first) = paid.next() {
        let sum = paid.fold(first.bill.clone(), |sum, outcome| sum.and(&outcome.bill));
        let amount = sum.cost.map_or_else(|| "an unknown amount".to_owned(), |_| money::bill(&sum));
        let line = format!("{amount} more possibly billed");
        facts.push(Fact { line, named: vec![("possibly billed before", money::bill_in_words(&sum))] });
    }
    facts
}

/// Who answered, where it is another one than was asked.
fn served(outcome: &Outcome) -> Vec<Fact> {
    let mut facts = Vec::new();
    let model = outcome.served_model.as_deref().map(name).unwrap_or_default();
    if !model.is_empty() && !is_same_model(&outcome.model.model, &model) {
        let line = format!("answered by {model}");
        facts.push(Fact { line, named: vec![("answered by", model)] });
    }
    let by = outcome.served_by.as_deref().map(name).unwrap_or_default();
    if !by.is_empty() {
        facts.push(Fact { line: format!("via {by}"), named: vec![("via", by)] });
    }
    facts
}

/// A name that a server gave, harmless and of a bearable length.
pub(super) fn name(text: &str) -> String {
    let text = clean_line(text);
    match text.char_indices().nth(LONGEST_NAME) {
        Some(_) => text.chars().take(LONGEST_NAME - 1).chain(['…']).collect(),
        None => text.into_owned(),
    }
}

/// How the answer ended, where it did not end well.
pub(super) fn ending(outcome: &Outcome) -> Option<&'static str> {
    match (outcome.status, outcome.finish) {
        (Status::Ok, None | Some(Finish::Stop)) => None,
        (Status::Ok | Status::Partial, Some(finish)) if finish != Finish::Stop => Some(match finish {
            Finish::ContentFilter => "content filter",
            Finish::ToolCalls => "tool calls",
            other => other.as_str(),
        }),
        (status, _) => Some(status.as_str()),
    }
}

/// A receipt broken between its facts where it is wider than the terminal.
pub fn fitted(receipt: &str, width: usize) -> String {
    const BETWEEN: &str = " · ";
    let mut out = String::with_capacity(receipt.len());
    let mut column = 0;
    for fact in receipt.split(BETWEEN) {
        let wide = fact.width();
        if column > 0 && column + BETWEEN.width() + wide > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push_str(BETWEEN);
            column += BETWEEN.width();
        }
        out.push_str(fact);
        column += wide;
    }
    out
}

#[cfg(test)]
mod tests;
