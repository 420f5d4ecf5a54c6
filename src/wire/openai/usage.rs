//! Token counts and amounts of money, in the shapes of both protocols and of
//! all servers that imitate them.

use serde_json::value::RawValue;

use crate::chat::Event;
use crate::money::{Cost, Tokens, Usage};
use crate::wire::count::Count;

/// The parts of the prompt's tokens. Chat names them `prompt_tokens_details`,
/// Responses `input_tokens_details`.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct InputDetails {
    cached_tokens: Count,
    /// From gpt-5.6 on, and `OpenRouter`.
    cache_write_tokens: Count,
    cache_write_tokens_details: Option<WriteDetails>,
    audio_tokens: Count,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct WriteDetails {
    ttl_12h_tokens: Count,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct OutputDetails {
    reasoning_tokens: Count,
    audio_tokens: Count,
}

#[derive(serde::Deserialize)]
struct CostDetails<'a> {
    #[serde(borrow)]
    upstream_inference_cost: Option<&'a RawValue>,
}

/// Perplexity breaks its cost down.
#[derive(serde::Deserialize)]
struct CostObject<'a> {
    #[serde(borrow)]
    total_cost: Option<&'a RawValue>,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Report<'a> {
    prompt_tokens: Count,
    input_tokens: Count,
    completion_tokens: Count,
    output_tokens: Count,
    total_tokens: Count,
    prompt_tokens_details: Option<InputDetails>,
    input_tokens_details: Option<InputDetails>,
    completion_tokens_details: Option<OutputDetails>,
    output_tokens_details: Option<OutputDetails>,
    /// Together and Moonshot.
    cached_tokens: Count,
    /// `DeepSeek`.
    prompt_cache_hit_tokens: Count,
    reasoning_tokens: Count,
    #[serde(borrow)]
    cost: Option<&'a RawValue>,
    #[serde(borrow)]
    is_byok: Option<&'a RawValue>,
    #[serde(borrow)]
    cost_details: Option<&'a RawValue>,
    /// xAI: ten thousand million ticks are one USD.
    cost_in_usd_ticks: Count,
}

/// What a `usage` object says, where it says anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::wire) struct Reported {
    /// The counts in the common form.
    pub(in crate::wire) usage: Option<Usage>,
    /// The amount that is charged.
    pub(in crate::wire) billed: Option<Cost>,
}

impl Reported {
    /// Reads a `usage` object. One that can't be read says nothing: it must not
    /// take the text beside it down with it.
    pub(in crate::wire) fn read(raw: &RawValue) -> Self {
        let Ok(report) = serde_json::from_str::<Report<'_>>(raw.get()) else {
            return Self::default();
        };
        Self { usage: report.usage(), billed: report.billed() }
    }

    /// Emits what is new against an earlier report. Some servers repeat the
    /// same usage on every event; the last one counts and none is added up.
    pub(in crate::wire) fn replace(&mut self, new: Self, emit: &mut dyn FnMut(Event)) {
        if let Some(usage) = new.usage
            && self.usage.replace(usage) != Some(usage)
        {
            emit(Event::Usage(usage));
        }
        if let Some(billed) = new.billed
            && self.billed.replace(billed) != Some(billed)
        {
            emit(Event::Billed(billed));
        }
    }
}

impl Report<'_> {
    fn usage(&self) -> Option<Usage> {
        let input = self.prompt_tokens.0.or(self.input_tokens.0);
        let output = self.completion_tokens.0.or(self.output_tokens.0);
        if input.is_none() && output.is_none() {
            return None;
        }
        let (input, mut output) = (input.unwrap_or(0), output.unwrap_or(0));
        let details = self.prompt_tokens_details.as_ref().or(self.input_tokens_details.as_ref());
        let of_input = |count: fn(&InputDetails) -> Count| details.and_then(|details| count(details).0);
        let read = of_input(|d| d.cached_tokens)
            .or(self.cached_tokens.0)
            .or(self.prompt_cache_hit_tokens.0)
            .unwrap_or(0)
            .min(input);
        let written = of_input(|d| d.cache_write_tokens).unwrap_or(0).min(input - read);
        // A write that is kept for 12 hours has its own, higher price. The
        // common form has one bucket for writes of an hour or longer.
        let long =
            of_input(|d| d.cache_write_tokens_details.as_ref().map_or(Count(None), |w| w.ttl_12h_tokens))
                .unwrap_or(0)
                .min(written);
        // xAI and Gemini's imitation leave reasoning out of the completion but
        // not out of the total.
        let left_out = self.total_tokens.0.unwrap_or(0).saturating_sub(input.saturating_add(output));
        output = output.saturating_add(left_out);
        let details = self.completion_tokens_details.as_ref().or(self.output_tokens_details.as_ref());
        let reasoning = details.and_then(|d| d.reasoning_tokens.0).or(self.reasoning_tokens.0);
        let mut usage =
            Usage::from_inclusive_input(Tokens(input), Tokens(read), Tokens(written - long), Tokens(long));
        usage.input_audio = Tokens(of_input(|d| d.audio_tokens).unwrap_or(0)).min(usage.input_uncached);
        usage.output = Tokens(output);
        // A report of 11 reasoning tokens among 10 was recorded.
        usage.reasoning = Tokens(reasoning.unwrap_or(left_out).min(output));
        usage.output_audio = Tokens(details.and_then(|d| d.audio_tokens.0).unwrap_or(0).min(output));
        Some(usage)
    }

    fn billed(&self) -> Option<Cost> {
        if let Some(ticks) = self.cost_in_usd_ticks.0 {
            return Some(Cost::from_atto(i128::from(ticks) * 100_000_000));
        }
        let cost = self.cost?;
        let own = amount(cost).or_else(|| {
            let object: CostObject<'_> = serde_json::from_str(cost.get()).ok()?;
            amount(object.total_cost?)
        })?;
        if self.is_byok.is_none_or(|byok| byok.get() != "true") {
            return Some(own);
        }
        // With the user's own key the gateway charges only its fee, and the
        // provider behind it sends its own bill.
        let details: CostDetails<'_> = serde_json::from_str(self.cost_details?.get()).ok()?;
        Some(own + amount(details.upstream_inference_cost?)?)
    }
}

/// An amount of USD from its literal text. One with more digits than a cost can
/// hold (sums of binary floats have them: `0.00026250000000000004`) is rounded
/// at 1e-18 USD.
pub(crate) fn amount(raw: &RawValue) -> Option<Cost> {
    let text = raw.get().trim_matches('"');
    Cost::parse_usd(text).ok().or_else(|| {
        let value: f64 = text.parse().ok()?;
        Cost::parse_usd(&format!("{value:.18}")).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Reported {
        Reported::read(serde_json::from_str(json).unwrap())
    }

    fn counts(json: &str) -> [u64; 6] {
        let usage = read(json).usage.unwrap();
        [
            usage.input_uncached.0,
            usage.cache_read.0,
            usage.cache_write_5m.0,
            usage.cache_write_1h.0,
            usage.output.0,
            usage.reasoning.0,
        ]
    }

    #[test]
    fn cached_and_written_tokens_are_taken_out_of_the_prompt() {
        let openai = r#"{"prompt_tokens":4020,"completion_tokens":9,"total_tokens":4029,
            "prompt_tokens_details":{"cached_tokens":1000,"cache_write_tokens":3000},
            "completion_tokens_details":{"reasoning_tokens":4}}"#;
        assert_eq!(counts(openai), [20, 1000, 3000, 0, 9, 4]);
        let responses = r#"{"input_tokens":100,"output_tokens":5,"input_tokens_details":{"cached_tokens":0,
            "cache_write_tokens":90,"cache_write_tokens_details":{"ttl_30m_tokens":60,"ttl_12h_tokens":30}}}"#;
        assert_eq!(counts(responses), [10, 0, 60, 30, 5, 0]);
        assert_eq!(
            counts(r#"{"prompt_tokens":10,"completion_tokens":1,"cached_tokens":4}"#),
            [6, 4, 0, 0, 1, 0]
        );
        let deepseek = r#"{"prompt_tokens":8,"completion_tokens":3,"total_tokens":11,"prompt_cache_hit_tokens":6,
            "prompt_cache_miss_tokens":2}"#;
        assert_eq!(counts(deepseek), [2, 6, 0, 0, 3, 0]);
    }

    #[test]
    fn reasoning_that_only_the_total_counts_is_output() {
        assert_eq!(
            counts(r#"{"prompt_tokens":66,"completion_tokens":6,"total_tokens":100}"#),
            [66, 0, 0, 0, 34, 28]
        );
        let xai = r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,
            "completion_tokens_details":{"reasoning_tokens":20}}"#;
        assert_eq!(counts(xai), [10, 0, 0, 0, 25, 20]);
    }

    #[test]
    fn nonsense_is_bounded_and_never_fatal() {
        assert_eq!(
            counts(
                r#"{"prompt_tokens":10,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":99},
                "completion_tokens_details":{"reasoning_tokens":11}}"#
            ),
            [0, 10, 0, 0, 10, 10]
        );
        assert_eq!(
            counts(r#"{"prompt_tokens":12.0,"completion_tokens":"7","total_tokens":[1]}"#),
            [12, 0, 0, 0, 7, 0]
        );
        assert_eq!(counts(r#"{"prompt_tokens":-1,"completion_tokens":18446744073709551615}"#)[4], u64::MAX);
        for empty in ["{}", "[]", "7", r#"{"prompt_tokens":null}"#, r#"{"prompt_tokens":{"a":1}}"#] {
            assert_eq!(read(empty), Reported::default(), "{empty}");
        }
    }

    #[test]
    fn amounts_are_read_from_their_text() {
        let usd = |json: &str| read(json).billed.map(Cost::to_usd);
        assert_eq!(usd(r#"{"cost":1.2e-05}"#).as_deref(), Some("0.000012"));
        assert_eq!(usd(r#"{"cost":0}"#).as_deref(), Some("0"));
        assert_eq!(usd(r#"{"cost":0.00026250000000000004}"#).as_deref(), Some("0.0002625"));
        assert_eq!(usd(r#"{"cost":{"total_cost":0.0061}}"#).as_deref(), Some("0.0061"));
        assert_eq!(usd(r#"{"cost_in_usd_ticks":37756000}"#).as_deref(), Some("0.0037756"));
        let byok = r#"{"cost":0.0001,"is_byok":true,"cost_details":{"upstream_inference_cost":0.002}}"#;
        assert_eq!(usd(byok).as_deref(), Some("0.0021"));
        for unknown in [
            r#"{"cost":null}"#,
            r#"{"cost":-1}"#,
            r#"{"cost":"free"}"#,
            r#"{"cost":0.1,"is_byok":true}"#,
            r#"{"cost":0.1,"is_byok":true,"cost_details":{"upstream_inference_cost":null}}"#,
        ] {
            assert_eq!(usd(unknown), None, "{unknown}");
        }
    }
}
