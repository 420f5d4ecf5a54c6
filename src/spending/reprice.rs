//! What a past call costs by prices that are known today.

use jiff::Timestamp;

use crate::catalog::{Catalog, Model, Pricing, is_same_model};
use crate::estimate::Measured;
use crate::ledger::Spent;
use crate::model::ModelRef;
use crate::money::{Bill, Tokens, Usage, UsageSource};

/// What a usage costs by a model's prices of the moment at which a call was
/// made; by those of now where none of that time are known, which is approximate.
pub fn bill(model: &Model, call: &Spent<'_>, usage: &Usage, source: UsageSource) -> Bill {
    let thinking = match call.effort {
        Some(effort) => effort != "none",
        None => usage.reasoning > Tokens(0),
    };
    let how = Pricing { thinking, batch: false, ceiling: false };
    let then = Timestamp::from_nanosecond(i128::from(call.started_ns)).unwrap_or(Timestamp::UNIX_EPOCH);
    let of_then = model.bill(usage, source, then, how);
    if of_then.cost.is_some() || model.prices_at(then).is_some() {
        return of_then;
    }
    Bill { approximate: true, ..model.bill(usage, source, Timestamp::now(), how) }
}

/// How token counts are carried from one model's tokenizer to another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// The models are one: its own counts.
    Same,
    /// By what both counted for a thousand characters of the user's own prompts.
    Scaled {
        /// Tokens of the model that was asked.
        from: u64,
        /// Tokens of the other one.
        to: u64,
    },
    /// As they are, since too little is known of one of the two.
    AsCounted,
}

impl Carried {
    /// The best way there is from one model to another.
    pub fn between(
        (from, from_measured): (&ModelRef, Option<Measured>),
        (to, to_measured): (&ModelRef, Option<Measured>),
        catalog: &Catalog,
    ) -> Self {
        let at_lab = |model: &ModelRef| {
            catalog.model(model).and_then(|row| row.canonical).unwrap_or_else(|| model.to_string())
        };
        let tail = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
        let (a, b) = (at_lab(from), at_lab(to));
        if from == to || a == b || is_same_model(&tail(&a), &tail(&b)) {
            return Self::Same;
        }
        match (from_measured, to_measured) {
            (Some(from), Some(to)) if from.median > 0 && to.median > 0 => {
                Self::Scaled { from: from.median, to: to.median }
            }
            _ => Self::AsCounted,
        }
    }

    /// The usage as the other model would count it.
    pub fn usage(self, usage: &Usage) -> Usage {
        let Self::Scaled { from, to } = self else { return *usage };
        let scale = |tokens: Tokens| {
            let scaled = u128::from(tokens.0) * u128::from(to) / u128::from(from).max(1);
            Tokens(u64::try_from(scaled).unwrap_or(u64::MAX))
        };
        Usage {
            input_uncached: scale(usage.input_uncached),
            cache_read: scale(usage.cache_read),
            cache_write_5m: scale(usage.cache_write_5m),
            cache_write_1h: scale(usage.cache_write_1h),
            // A second of sound is so many tokens, whatever the vocabulary.
            input_audio: usage.input_audio,
            output: scale(usage.output),
            reasoning: scale(usage.reasoning),
            output_audio: usage.output_audio,
        }
    }

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same model",
            Self::Scaled { .. } => "scaled",
            Self::AsCounted => "as counted",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Part, PriceRow};
    use crate::money::Price;

    #[test]
    fn counts_are_carried_by_what_both_were_seen_to_count() {
        let catalog = Catalog::embedded();
        let (a, b) = (ModelRef::new("openai", "gpt-6-sol"), ModelRef::new("anthropic", "claude-opus-5-5"));
        let measured = |median| Some(Measured { median, calls: 5 });
        let carried = Carried::between((&a, measured(250)), (&b, measured(300)), &catalog);
        let usage = Usage { input_uncached: Tokens(1_000), output: Tokens(u64::MAX), ..Usage::default() };
        assert_eq!(carried.usage(&usage).input_uncached, Tokens(1_200));
        assert_eq!(carried.usage(&usage).output, Tokens(u64::MAX));
        assert_eq!(Carried::between((&a, None), (&b, measured(300)), &catalog), Carried::AsCounted);
        assert_eq!(Carried::between((&a, None), (&a, None), &catalog), Carried::Same);
        let elsewhere = ModelRef::new("openrouter", "openai/gpt-6-sol");
        assert_eq!(Carried::between((&elsewhere, None), (&a, None), &catalog), Carried::Same);
    }

    /// A model that came later had no price then: those of now stand in.
    #[test]
    fn a_call_older_than_all_prices_is_priced_as_now_and_approximate() {
        let price = |usd| Some(Price::per_million(usd).unwrap());
        let mut row = PriceRow { since: Some("2026-01-02".parse().unwrap()), ..PriceRow::default() };
        row.prices.set(Part::Input, price("3"));
        row.prices.set(Part::Output, price("9"));
        let model = Model { prices: vec![row], ..Model::unknown(ModelRef::new("lab", "new")) };
        let usage = Usage { input_uncached: Tokens(1_000_000), ..Usage::default() };
        let bill_at = |moment: &str| {
            let at = moment.parse::<Timestamp>().unwrap();
            let call = Spent {
                started_ns: i64::try_from(at.as_nanosecond()).unwrap(),
                provider: "lab",
                model: "one",
                command: "ask",
                usage: None,
                bill: Bill::UNKNOWN,
                possibly_billed: false,
                effort: None,
                request_id: None,
            };
            let bill = bill(&model, &call, &usage, UsageSource::Reported);
            (bill.cost.map(|cost| cost.to_usd()), bill.approximate)
        };
        assert_eq!(bill_at("2026-01-02T00:00:00Z"), (Some("3".to_owned()), false));
        assert_eq!(bill_at("2026-01-01T23:59:59Z"), (Some("3".to_owned()), true));
    }
}
