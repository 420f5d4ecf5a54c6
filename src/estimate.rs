//! Token counts and costs where nobody has counted yet: a stated
//! approximation, always marked.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::catalog::{Billing, Model, Pricing};
use crate::chat::{Effort, Part, Request};
use crate::money::{Bill, Cost, Tokens, Usage, UsageSource};

mod media;
mod tokens;

pub use tokens::tokens;

/// So many calls make a measurement of what is typical for a model.
pub const LEAST_CALLS: u64 = 5;

/// Tokens of a whole request by the general rule.
pub fn input(request: &Request) -> u64 {
    texts(request) + besides(request)
}

/// Tokens of the texts that the ledger counts the characters of. Around each
/// message a model sees at least one token that says whose it is.
fn texts(request: &Request) -> u64 {
    let system = request.system.as_deref().map_or(0, |system| tokens(system) + 1);
    request.messages.iter().fold(system, |sum, message| {
        let texts = message.parts.iter().map(|part| match part {
            Part::Text(text) => tokens(text),
            Part::Media(_) => 0,
        });
        sum + texts.sum::<u64>() + 1
    })
}

/// Tokens of what goes with them.
fn besides(request: &Request) -> u64 {
    let schema = request.schema.as_ref().map_or(0, |schema| tokens(&schema.to_string()));
    request.media().fold(schema, |sum, media| sum + media::tokens(media))
}

/// Characters of the texts of a request, as the ledger counts them.
pub fn chars(request: &Request) -> u64 {
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let texts = parts.filter_map(|part| match part {
        Part::Text(text) => Some(text),
        Part::Media(_) => None,
    });
    let count = texts.chain(&request.system).map(|text| text.chars().count()).sum::<usize>();
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Usage of an exchange; counts that the provider did give are kept.
pub fn usage(request: &Request, text: &str, reasoning: &str, reported: Option<Usage>) -> Usage {
    let base = reported
        .filter(|usage| usage.input().0 > 0)
        .unwrap_or_else(|| Usage { input_uncached: Tokens(input(request)), ..Usage::default() });
    let reasoning = Tokens(tokens(reasoning));
    Usage { output: Tokens(tokens(text)) + reasoning, reasoning, ..base }
}

/// A median over calls of the user's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The median.
    pub median: u64,
    /// How many calls it is of, at least [`LEAST_CALLS`].
    pub calls: u64,
}

impl Measured {
    /// The median of figures; `None` where they are too few.
    pub fn of(mut figures: Vec<u64>) -> Option<Self> {
        let calls = u64::try_from(figures.len()).ok().filter(|calls| *calls >= LEAST_CALLS)?;
        figures.sort_unstable();
        let middle = figures.len() / 2;
        let median = if figures.len().is_multiple_of(2) {
            u64::midpoint(figures[middle - 1], figures[middle])
        } else {
            figures[middle]
        };
        Some(Self { median, calls })
    }
}

/// What the user's own calls of a model say about a prompt of some size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Reported prompt tokens a thousand characters.
    pub tokens_per_1000_chars: Option<Measured>,
    /// Tokens of the answers.
    pub output: Option<Measured>,
}

/// How the tokens of a prompt were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// By the general rule of [`tokens()`].
    ByRule,
    /// By what the provider reported of so many earlier calls of this model.
    Measured {
        /// The calls.
        calls: u64,
    },
}

/// What a request may cost before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the prompt, approximately.
    pub input: u64,
    /// How they were counted.
    pub counted: Counted,
    /// Tokens of the user's own answers of this model to prompts of such a size.
    pub typical_output: Option<Measured>,
    /// The most tokens that the answer can have, where that is known.
    pub most_output: Option<u64>,
    /// The cost of the prompt alone, now; `None` where no price is known.
    pub least: Option<Cost>,
    /// The cost with a typical answer, now.
    pub typical: Option<Cost>,
    /// The cost with the longest answer, in the dearest hour.
    pub most: Option<Cost>,
    /// The model runs on this machine.
    pub local: bool,
    /// The price itself depends on the route, stands in for another or may have lapsed.
    pub approximate: bool,
    /// When the price changes, where that is near.
    pub note: Option<String>,
}

/// Estimates a request to a model, with the user's own calls in mind where
/// there are enough of them.
pub fn of(request: &Request, row: Option<&Model>, history: Option<&Known>) -> Estimate {
    let now = Timestamp::now();
    let (input, counted) = prompt(request, history);
    let most_output = most_output(request, row, input);
    let typical_output = history
        .and_then(|known| known.output)
        .map(|typical| Measured { median: typical.median.min(most_output.unwrap_or(u64::MAX)), ..typical });
    let thinking = request.params.effort.is_some_and(|effort| effort != Effort::None);
    let bill = |output: u64, ceiling: bool| {
        let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
        let how = Pricing { thinking, batch: false, ceiling };
        row.map_or(Bill::UNKNOWN, |row| row.bill(&usage, UsageSource::Estimated, now, how))
    };
    let with_answer = bill(1, true);
    Estimate {
        input,
        counted,
        typical_output,
        most_output,
        least: bill(0, false).cost,
        typical: typical_output.and_then(|typical| bill(typical.median, false).cost),
        most: most_output.and_then(|output| bill(output, true).cost),
        local: row.is_some_and(|row| row.billing == Billing::Local),
        approximate: with_answer.approximate,
        note: row.and_then(|row| change_ahead(row, now)),
    }
}

/// The tokens of a prompt. What was measured of other texts says nothing of
/// one that is nothing like them, in another script for example.
fn prompt(request: &Request, history: Option<&Known>) -> (u64, Counted) {
    let (by_rule, besides) = (texts(request), besides(request));
    let measured = history.and_then(|known| known.tokens_per_1000_chars).map(|measured| {
        let tokens = chars(request).saturating_mul(measured.median).div_ceil(1_000);
        (tokens, Counted::Measured { calls: measured.calls })
    });
    let is_alike = |tokens: u64| tokens <= by_rule.saturating_mul(2) && tokens.saturating_mul(2) >= by_rule;
    match measured {
        // Short prompts have more tokens around them than in them.
        Some((tokens, counted)) if by_rule < 50 || is_alike(tokens) => (tokens + besides, counted),
        _ => (by_rule + besides, Counted::ByRule),
    }
}

/// What the user allows, else what the model can, else what is left of its context.
fn most_output(request: &Request, row: Option<&Model>, input: u64) -> Option<u64> {
    let limit = request.params.max_tokens.map(u64::from);
    limit.or_else(|| row?.max_output).or_else(|| Some(row?.context?.saturating_sub(input)))
}

/// A change of the price within a day.
fn change_ahead(row: &Model, now: Timestamp) -> Option<String> {
    let prices = row.prices_at(now)?;
    if let Some(phase) = prices.phase {
        let (now_is, then) = if phase.peak { ("peak", "off-peak") } else { ("off-peak", "peak") };
        let until = phase.until?.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M UTC").to_string();
        return Some(format!("{now_is} price; {then} from {until}"));
    }
    let since = prices.next?.since?;
    let tomorrow = now.to_zoned(TimeZone::UTC).date().checked_add(1.day()).ok()?;
    (since <= tomorrow).then(|| format!("prices change on {since} (UTC)"))
}

impl Estimate {
    /// One line for people.
    pub fn in_words(&self) -> String {
        let prompt = format!("~{} tokens in the prompt", self.input);
        if self.local {
            return format!("{prompt}, no cost: it runs on this machine");
        }
        let mut words = match (self.least, self.most, self.most_output) {
            (None, _, _) => format!("{prompt}, cost unknown"),
            (Some(least), Some(most), Some(tokens)) => format!(
                "{prompt}, estimated cost ~{} to ~{} (with {tokens} tokens out)",
                least.to_display(),
                most.to_display()
            ),
            (Some(least), _, _) => format!("{prompt}, estimated cost ~{} and the answer", least.to_display()),
        };
        if let (Some(typical), Some(measured)) = (self.typical, self.typical_output) {
            words += &format!(", typically ~{} ({})", typical.to_display(), measured.in_words());
        }
        if let Some(note) = &self.note {
            words += &format!("; {note}");
        }
        words
    }

    /// As data; `null` is unknown.
    pub fn to_json(&self) -> Value {
        let usd = |cost: Option<Cost>| cost.map(Cost::to_usd);
        let measured_of = match self.counted {
            Counted::ByRule => None,
            Counted::Measured { calls } => Some(calls),
        };
        json!({"input": self.input, "max_output": self.most_output, "usd_min": usd(self.least),
            "usd_max": usd(self.most), "source": "estimated", "input_source": self.counted.as_str(),
            "input_calls": measured_of, "typical_output": self.typical_output.map(|output| output.median),
            "typical_calls": self.typical_output.map(|output| output.calls), "usd_typical": usd(self.typical),
            "approximate_price": self.approximate, "note": self.note})
    }
}

impl Measured {
    fn in_words(self) -> String {
        format!("{} tokens, the median of {} of your calls", self.median, self.calls)
    }
}

impl Counted {
    /// The word in JSON and CSV.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ByRule => "rule",
            Self::Measured { .. } => "measured",
        }
    }

    /// For people.
    pub fn in_words(self) -> String {
        match self {
            Self::ByRule => "by a rule of thumb".to_owned(),
            Self::Measured { calls } => format!("measured from {calls} of your calls"),
        }
    }
}

#[cfg(test)]
mod tests;
