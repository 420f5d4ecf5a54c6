//! Token counts and costs where nobody has counted yet: a stated
//! approximation, always marked.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::catalog::{Model, Pricing};
use crate::chat::{Effort, Part, Request};
use crate::money::{Cost, Tokens, Usage, UsageSource};

/// Characters a token, the usual rule of thumb for English text.
const CHARS_A_TOKEN: u64 = 4;

/// Tokens that an image or a document costs at least; what it really costs
/// depends on its size and on the provider.
const TOKENS_A_MEDIUM: u64 = 1_000;

/// Tokens of a text, rounded up.
pub fn tokens(text: &str) -> u64 {
    tokens_of_chars(text.chars().count())
}

/// Tokens of a text of so many characters, rounded up.
pub fn tokens_of_chars(chars: usize) -> u64 {
    u64::try_from(chars).unwrap_or(u64::MAX).div_ceil(CHARS_A_TOKEN)
}

/// Tokens of a whole request.
pub fn input(request: &Request) -> u64 {
    let system = request.system.as_deref().map_or(0, tokens);
    let schema = request.schema.as_ref().map_or(0, |schema| tokens(&schema.to_string()));
    let parts = request.messages.iter().flat_map(|message| &message.parts);
    let turns: u64 = parts
        .map(|part| match part {
            Part::Text(text) => tokens(text),
            Part::Media(_) => TOKENS_A_MEDIUM,
        })
        .sum();
    system + schema + turns
}

/// Usage of an exchange; counts that the provider did give are kept.
pub fn usage(request: &Request, text: &str, reasoning: &str, reported: Option<Usage>) -> Usage {
    let base = reported
        .filter(|usage| usage.input().0 > 0)
        .unwrap_or_else(|| Usage { input_uncached: Tokens(input(request)), ..Usage::default() });
    let reasoning = Tokens(tokens(reasoning));
    Usage { output: Tokens(tokens(text)) + reasoning, reasoning, ..base }
}

/// What a request may cost before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Estimate {
    /// Tokens of the prompt, approximately.
    pub input: u64,
    /// The most tokens that the answer can have, where that is known.
    pub most_output: Option<u64>,
    /// The cost of the prompt alone; `None` where no price is known.
    pub least: Option<Cost>,
    /// The cost with the longest answer.
    pub most: Option<Cost>,
    /// The model runs on this machine.
    pub local: bool,
}

/// Estimates a request to a model.
pub fn of(request: &Request, row: Option<&Model>) -> Estimate {
    let input = input(request);
    let limit = request.params.max_tokens.map(u64::from);
    let most_output = limit.or_else(|| row.and_then(|row| row.max_output));
    let thinking = request.params.effort.is_some_and(|effort| effort != Effort::None);
    let cost = |output: u64| {
        let usage = Usage { input_uncached: Tokens(input), output: Tokens(output), ..Usage::default() };
        let how = Pricing { thinking, batch: false, ceiling: true };
        row?.bill(&usage, UsageSource::Estimated, Timestamp::now(), how).cost
    };
    Estimate {
        input,
        most_output,
        least: cost(0),
        most: most_output.and_then(cost),
        local: row.is_some_and(|row| row.billing == crate::catalog::Billing::Local),
    }
}

impl Estimate {
    /// One line for people.
    pub fn in_words(&self) -> String {
        let prompt = format!("~{} tokens in the prompt", self.input);
        if self.local {
            return format!("{prompt}, no cost: it runs on this machine");
        }
        match (self.least, self.most, self.most_output) {
            (None, _, _) => format!("{prompt}, cost unknown"),
            (Some(least), Some(most), Some(tokens)) => format!(
                "{prompt}, estimated cost ~{} to ~{} (with {tokens} tokens out)",
                least.to_display(),
                most.to_display()
            ),
            (Some(least), _, _) => format!("{prompt}, estimated cost ~{} and the answer", least.to_display()),
        }
    }

    /// As data; `null` is unknown.
    pub fn to_json(&self) -> Value {
        let usd = |cost: Option<Cost>| cost.map(Cost::to_usd);
        json!({"input": self.input, "max_output": self.most_output, "usd_min": usd(self.least),
            "usd_max": usd(self.most), "source": "estimated"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Message, Role};

    #[test]
    fn an_estimate_keeps_what_was_reported() {
        let request = Request { messages: vec![Message::text(Role::User, "12345678")], ..Request::default() };
        let guessed = usage(&request, "123456789", "1234", None);
        assert_eq!((guessed.input().0, guessed.output.0, guessed.reasoning.0), (2, 4, 1));
        let reported = Usage { input_uncached: Tokens(50), cache_read: Tokens(9), ..Usage::default() };
        assert_eq!(usage(&request, "x", "", Some(reported)).input().0, 59);
    }
}
