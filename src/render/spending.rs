//! What calls cost together, as text, JSON, CSV, Markdown and a page.

mod csv;
mod html;
mod json;
mod markdown;
mod text;

pub use csv::csv;
pub use html::html;
pub use json::{json, lines};
pub use markdown::markdown;
pub use text::text;

use super::figures::count;
use crate::comparison::Total;
use crate::money::Cost;
use crate::spending::{Loose, Spending, Sums};

/// An amount in a few characters: `$1.23`, `~$1.23` where some of it is
/// approximate, `≥ $1.23` where some calls have no price, `?` where none has, or
/// none but those that cost nothing.
pub fn amount(known: Option<Cost>, unpriced: u64, approximate: bool) -> String {
    let Some(known) = known.filter(|known| unpriced == 0 || *known != Cost::ZERO) else {
        return "?".to_owned();
    };
    let about = if approximate { "~" } else { "" };
    let least = if unpriced > 0 { "≥ " } else { "" };
    format!("{least}{about}{}", known.to_display())
}

/// As [`amount`], with what is missing: `≥ $1.23 (2 calls unpriced)`.
pub fn total_in_words(total: &Total, known: Option<Cost>, approximate: bool) -> String {
    let amount = amount(known, total.unpriced, approximate);
    if total.unpriced == 0 { amount } else { format!("{amount} ({} unpriced)", calls(total.unpriced)) }
}

/// Signs that screen readers pass over, as words.
pub fn in_words(value: &str) -> String {
    if value == "?" {
        return "unknown".to_owned();
    }
    value.replace("≥ ", "at least ").replace('≥', "at least ").replace(['~', '≈'], "about ")
}

/// `1 call`, `2 calls`.
pub fn calls(number: u64) -> String {
    format!("{} {}", count(number), if number == 1 { "call" } else { "calls" })
}

/// The cost of a group in a cell.
fn cost(sums: &Sums) -> String {
    amount(sums.known(), sums.missing(), sums.is_approximate())
}

/// A count in a cell: `~` where some of it is estimated, `≥` where some is unknown.
fn tokens(number: u64, sums: &Sums) -> String {
    if sums.uncounted == sums.calls {
        return "?".to_owned();
    }
    let about = if sums.tokens_estimated { "~" } else { "" };
    let least = if sums.uncounted > 0 { "≥" } else { "" };
    format!("{least}{about}{}", count(number))
}

/// `45%`; `<1%` for what is not nothing, `?` for what nobody knows.
fn share(spending: &Spending, sums: &Sums) -> String {
    match spending.share(sums, 100) {
        None if spending.all.total.known > Cost::ZERO => "?".to_owned(),
        None => String::new(),
        Some(0) if sums.total.known > Cost::ZERO => "<1%".to_owned(),
        Some(percent) => format!("{percent}%"),
    }
}

/// What the sum is made of and what it leaves out: names and values.
pub fn facts(spending: &Spending) -> Vec<(&'static str, String)> {
    let all = &spending.all;
    let mut facts = vec![("span", span(spending)), ("calls", count(all.calls)), ("total", all_in_words(all))];
    let parts = [
        ("billed by the provider", all.billed, ""),
        ("computed from its counts", all.computed, ""),
        ("estimated", all.estimated, "~"),
    ];
    for (name, part, about) in parts {
        if part.calls > 0 {
            facts.push((name, format!("{about}{} in {}", part.cost.to_display(), calls(part.calls))));
        }
    }
    if all.free > 0 {
        facts.push(("free or on this machine", calls(all.free)));
    }
    if all.unserved > 0 {
        facts.push(("failed at no cost", calls(all.unserved)));
    }
    if all.total.possibly_billed > 0 {
        let number = calls(all.total.possibly_billed);
        facts.push(("possibly billed", format!("{number} whose end is unknown; counted as far as known")));
    }
    facts.extend(without_an_end(all));
    facts
}

/// The sum over all calls, with what is missing: `≥ $1.23 (2 calls unpriced, 1 call possibly billed)`.
fn all_in_words(all: &Sums) -> String {
    let missing = [
        (all.total.unpriced, "unpriced"),
        (all.lost.calls, "possibly billed besides"),
        (all.under_way.calls, "under way"),
    ];
    let missing = missing.iter().filter(|(number, _)| *number > 0);
    let missing: Vec<String> = missing.map(|(number, what)| format!("{} {what}", calls(*number))).collect();
    let amount = cost(all);
    if missing.is_empty() { amount } else { format!("{amount} ({})", missing.join(", ")) }
}

/// Calls that were killed or are under way: names and values.
pub fn without_an_end(sums: &Sums) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if sums.lost.calls > 0 {
        let number = calls(sums.lost.calls);
        let words = format!("{number} whose process was killed: {}", most_in_words(&sums.lost));
        facts.push(("possibly billed besides", words));
    }
    if sums.under_way.calls > 0 {
        let number = calls(sums.under_way.calls);
        facts.push(("under way", format!("{number}: {}", most_in_words(&sums.under_way))));
    }
    facts
}

fn most_in_words(loose: &Loose) -> String {
    match loose.unpriced {
        0 => format!("at most {} more", loose.most.to_display()),
        unpriced if unpriced == loose.calls => "what may be billed is unknown".to_owned(),
        unpriced => format!("at most {} more, and {unpriced} unpriced", loose.most.to_display()),
    }
}

fn span(spending: &Spending) -> String {
    let moment = |at: &jiff::Zoned| at.strftime("%Y-%m-%d %H:%M").to_string();
    match (&spending.since, &spending.until) {
        (None, None) => "all calls".to_owned(),
        (Some(since), None) => format!("since {}", moment(since)),
        (None, Some(until)) => format!("before {}", moment(until)),
        (Some(since), Some(until)) => format!("from {} to {}", moment(since), moment(until)),
    }
}

#[cfg(test)]
mod tests;
