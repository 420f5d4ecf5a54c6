//! Token counts and costs where nobody has counted yet: a stated
//! approximation, always marked.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use crate::budget::{answers_in, limit_in};
use crate::catalog::{Billing, Model, Pricing};
use crate::chat::{Effort, Part, Request};
use crate::money::{Bill, Cost, Tokens, Usage, UsageSource};

mod media;
mod tokens;

pub use tokens::tokens;

/// So many calls make a measurement of what is typical for a model.
pub const LEAST_CALLS: u64 = 5;

/// Tokens of an answer where the user has none to go by: half a page.
pub const DEFAULT_OUTPUT: u64 = 500;

/// How large a prompt is, counted once for all models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters of its texts, as the ledger counts them.
    pub chars: u64,
    /// Tokens of its texts by the general rule.
    texts: u64,
    /// Tokens of what goes with them.
    besides: u64,
}

impl Size {
    /// Of a request.
    pub fn of(request: &Request) -> Self {
        Self { chars: chars(request), texts: texts(request), besides: besides(request) }
    }

    /// Of a text of so many tokens, four characters each.
    pub const fn of_text(tokens: u64) -> Self {
        Self { chars: tokens.saturating_mul(4), texts: tokens, besides: 0 }
    }

    /// Tokens by the general rule.
    pub const fn by_rule(self) -> u64 {
        self.texts.saturating_add(self.besides)
    }

    /// Tokens for a model. What was measured of other texts says nothing of
    /// one that is nothing like them, in another script for example.
    pub fn tokens(self, history: Option<&Known>) -> (u64, Counted) {
        let Self { chars, texts, besides } = self;
        let measured = history.and_then(|known| known.tokens_per_1000_chars).map(|measured| {
            let tokens = chars.saturating_mul(measured.median).div_ceil(1_000);
            (tokens, Counted::Measured { calls: measured.calls })
        });
        let is_alike = |tokens: u64| tokens <= texts.saturating_mul(2) && tokens.saturating_mul(2) >= texts;
        match measured {
            // Short prompts have more tokens around them than in them.
            Some((tokens, counted)) if texts < 50 || is_alike(tokens) => (tokens + besides, counted),
            _ => (self.by_rule(), Counted::ByRule),
        }
    }
}

/// Tokens of a whole request by the general rule.
pub fn input(request: &Request) -> u64 {
    Size::of(request).by_rule()
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
    /// The median answer to such prompts on whatever model.
    pub usual_output: Option<u64>,
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
    /// Tokens of the answer that routes count with: those of a typical one,
    /// else of the user's usual one on whatever model, else [`DEFAULT_OUTPUT`].
    pub expected_output: u64,
    /// The cost with such an answer, now.
    pub expected: Option<Cost>,
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
    let (input, counted) = Size::of(request).tokens(history);
    let extra = &request.params.extra;
    let allowed = [request.params.max_tokens.map(u64::from), limit_in(extra)].into_iter().flatten().max();
    let most_output = most_output(allowed, row, input);
    let answers = answers_in(extra);
    let typical_output = history
        .and_then(|known| known.output)
        .map(|typical| Measured { median: typical.median.min(most_output.unwrap_or(u64::MAX)), ..typical });
    let thinking = request.params.effort.is_some_and(|effort| effort != Effort::None);
    let bill = |output: u64, ceiling: bool| {
        let how = Pricing { thinking, batch: false, ceiling };
        bill(row, (input, output.saturating_mul(answers)), how, now)
    };
    let with_answer = bill(1, true);
    let expected_output = expected_output(
        history.and_then(|known| known.output).map(|typical| typical.median),
        history.and_then(|known| known.usual_output),
        most_output,
    );
    Estimate {
        input,
        counted,
        typical_output,
        most_output,
        least: bill(0, false).cost,
        typical: typical_output.and_then(|typical| bill(typical.median, false).cost),
        most: most_output.and_then(|output| bill(output, true).cost),
        expected_output,
        expected: bill(expected_output, false).cost,
        local: row.is_some_and(|row| row.billing == Billing::Local),
        approximate: with_answer.approximate,
        note: row.and_then(|row| change_ahead(row, now)),
    }
}

/// What tokens in and out cost at a moment.
pub fn bill(row: Option<&Model>, (input, output): (u64, u64), how: Pricing, at: Timestamp) -> Bill {
    let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
    row.map_or(Bill::UNKNOWN, |row| row.bill(&usage, UsageSource::Estimated, at, how))
}

/// Tokens of an answer: of the model's typical one, else of the user's usual
/// one, and no more than it can have.
pub fn expected_output(typical: Option<u64>, usual: Option<u64>, most: Option<u64>) -> u64 {
    typical.or(usual).unwrap_or(DEFAULT_OUTPUT).min(most.unwrap_or(u64::MAX))
}

/// What the user allows, else what the model can, else what is left of its context.
pub fn most_output(allowed: Option<u64>, row: Option<&Model>, input: u64) -> Option<u64> {
    allowed.or_else(|| row?.max_output).or_else(|| Some(row?.context?.saturating_sub(input)))
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
            "expected_output": self.expected_output, "usd_expected": usd(self.expected),
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
            Self::Measured { calls } => format!("as measured in {calls} of your calls"),
        }
    }
}

#[cfg(test)]
mod tests;
