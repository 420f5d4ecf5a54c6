//! The rules one by one, and what holds for all usages.

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::catalog::price::Tier;
use crate::catalog::{Catalog, Schedule};
use crate::model::ModelRef;

/// Prompt tokens in all, then those read, written, written for an hour, and
/// audio; output tokens, then those of reasoning.
pub(super) fn usage(prompt: [u64; 5], output: [u64; 2]) -> Usage {
    let [input, read, written, written_1h, audio] = prompt.map(Tokens);
    Usage {
        input_audio: audio,
        output: Tokens(output[0]),
        reasoning: Tokens(output[1]),
        ..Usage::from_inclusive_input(input, read, written, written_1h)
    }
}

pub(super) fn model(name: &str) -> Model {
    Catalog::embedded().model(&ModelRef::split(name).unwrap()).unwrap()
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn local_is_zero_and_unlisted_is_unknown() {
    let used = usage([5_000, 0, 0, 0, 0], [5_000, 0]);
    let now = at("2026-11-22T12:00:00Z");
    let bill = |name| model(name).bill(&used, UsageSource::Reported, now, Pricing::default());
    assert_eq!(bill("ollama/anything:7b"), Bill::LOCAL);
    assert_eq!(bill("local/smollm2-135m"), Bill::LOCAL);
    assert!(Catalog::embedded().model(&ModelRef::new("openai", "gpt-99")).is_none());
    assert_eq!(bill("openrouter/google/gemma-4-26b-a4b-it:free").source, CostSource::Free);
    assert_eq!(
        Model::unknown(ModelRef::new("a", "b")).bill(
            &Usage::default(),
            UsageSource::Reported,
            now,
            Pricing::default()
        ),
        Bill::UNKNOWN
    );
}

#[test]
fn subscriptions_are_not_metered_but_have_a_list_price() {
    let used = usage([1_000, 0, 0, 0, 0], [100, 0]);
    let now = at("2026-11-22T12:00:00Z");
    let model = model("github-copilot/claude-fable-5");
    assert_eq!(model.bill(&used, UsageSource::Reported, now, Pricing::default()), Bill::UNKNOWN);
    let listed = model.list_cost(&used, now, Pricing::default()).unwrap();
    assert_eq!((model.billing, listed.cost.to_usd().as_str()), (Billing::Subscription, "0.015"));
}

#[test]
fn estimated_tokens_make_estimated_costs() {
    let used = usage([1_000, 0, 0, 0, 0], [0, 0]);
    let bill = model("openai/gpt-6.1-sol").bill(
        &used,
        UsageSource::Estimated,
        at("2026-11-22T12:00:00Z"),
        Pricing::default(),
    );
    assert_eq!((bill.source, bill.cost.unwrap().to_usd().as_str()), (CostSource::Estimated, "0.002"));
}

/// Whether the bill of this usage is approximate, or unknown.
fn approximate(model: &Model, used: Usage, time: &str, how: Pricing) -> Option<bool> {
    model.list_cost(&used, at(time), how).map(|listed| listed.approximate)
}

#[test]
fn prices_that_stand_in_make_a_bill_approximate() {
    let time = "2026-11-22T12:00:00Z";
    let plain = Pricing::default();
    let read = usage([10, 5, 0, 0, 0], [1, 0]);
    let hour = usage([10, 0, 0, 5, 0], [1, 0]);
    let audio = usage([10, 0, 0, 0, 5], [1, 0]);
    let sol = model("openai/gpt-6.1-sol");
    assert_eq!(approximate(&sol, read, time, plain), Some(false));
    assert_eq!(approximate(&sol, hour, time, plain), Some(true));
    assert_eq!(approximate(&sol, audio, time, plain), Some(true));
    assert_eq!(
        approximate(&model("together/moonshotai/Kimi-K3"), usage([10, 0, 0, 0, 0], [1, 0]), time, plain),
        Some(false)
    );
    // A write for an hour without a price of its own costs what a usual write costs.
    assert_eq!(sol.list_cost(&hour, at(time), plain).unwrap().cost.to_usd(), "0.0000325");
    // No batch price is known: the usual one stands in.
    let cohere = model("cohere/command-a-03-2025");
    let batch = Pricing { batch: true, ..plain };
    assert_eq!(approximate(&cohere, read, time, batch), Some(true));
    // Routes have prices of their own.
    assert_eq!(
        approximate(&model("openrouter/meta-llama/llama-3.3-70b-instruct"), read, time, plain),
        Some(true)
    );
    // Images are not counted apart.
    assert_eq!(
        approximate(&model("google/gemini-3-pro-image"), usage([1, 0, 0, 0, 0], [1, 0]), time, plain),
        Some(true)
    );
    // The tier prices everything anew but the writes for an hour.
    let azure = model("azure/claude-opus-4-8");
    assert_eq!(approximate(&azure, usage([200_000, 0, 0, 5, 0], [1, 0]), time, plain), Some(false));
    assert_eq!(approximate(&azure, usage([200_001, 0, 0, 5, 0], [1, 0]), time, plain), Some(true));
}

#[test]
fn promotions_lapse_on_the_day_after_their_last() {
    let sol = model("openai/gpt-5.6-sol");
    let used = usage([10, 0, 0, 0, 0], [1, 0]);
    assert_eq!(approximate(&sol, used, "2026-11-21T23:59:59Z", Pricing::default()), Some(false));
    assert_eq!(approximate(&sol, used, "2026-11-22T00:00:00Z", Pricing::default()), Some(true));
    let now = sol.prices_at(at("2026-11-22T00:00:00Z")).unwrap();
    assert_eq!((now.lapsed, now.until), (true, "2026-11-21".parse().ok()));
}

#[test]
fn what_holds_says_until_when_and_what_comes() {
    let argon = model("google/gemini-4-argon");
    let before = argon.prices_at(at("2026-11-30T12:00:00Z")).unwrap();
    assert_eq!((before.row.since, before.until), (None, "2026-11-30".parse().ok()));
    assert_eq!(before.next.unwrap().prices.get(Part::Input), Price::per_million("4").ok());
    let after = argon.prices_at(at("2026-12-01T00:00:00Z")).unwrap();
    assert_eq!((after.row.since, after.until, after.next), ("2026-12-01".parse().ok(), None, None));
    let flash = model("deepseek/deepseek-flash");
    let phase = flash.prices_at(at("2026-11-23T02:30:00Z")).unwrap().phase.unwrap();
    assert_eq!((phase.peak, phase.until.unwrap()), (true, at("2026-11-23T04:00:00Z")));
}

#[test]
fn a_cap_counts_the_dearest_hour() {
    let flash = model("deepseek/deepseek-flash");
    let used = usage([30_000, 20_000, 0, 0, 0], [4_000, 0]);
    let most = Pricing { ceiling: true, ..Pricing::default() };
    let cost = |time| flash.list_cost(&used, at(time), most).unwrap().cost.to_usd();
    assert_eq!(cost("2026-11-22T02:30:00Z"), "0.00792");
    assert_eq!(cost("2026-11-23T02:30:00Z"), "0.00792");
}

fn priced(rows: Vec<PriceRow>) -> Model {
    Model { prices: rows, ..Model::unknown(ModelRef::new("a", "b")) }
}

fn row(prices: &[(Part, &str)]) -> PriceRow {
    let mut row = PriceRow::default();
    for (part, price) in prices {
        row.prices.set(*part, Some(Price::per_million(price).unwrap()));
    }
    row
}

#[test]
fn an_unknown_price_is_needed_only_where_it_has_tokens() {
    let model = priced(vec![row(&[(Part::Input, "1")])]);
    let cost = |used| {
        model.list_cost(&used, at("2026-11-22T12:00:00Z"), Pricing::default()).map(|c| c.cost.to_usd())
    };
    assert_eq!(cost(usage([1_000, 0, 0, 0, 0], [0, 0])).as_deref(), Some("0.001"));
    assert_eq!(cost(usage([1_000, 0, 0, 0, 0], [1, 0])), None);
    assert_eq!(cost(Usage::default()).as_deref(), Some("0"));
    let unpriced = priced(vec![row(&[])]);
    let used = usage([1, 0, 0, 0, 0], [1, 0]);
    assert_eq!(
        unpriced.bill(&used, UsageSource::Reported, at("2026-11-22T12:00:00Z"), Pricing::default()),
        Bill::UNKNOWN
    );
}

#[test]
fn before_the_first_row_nothing_is_known() {
    let later =
        PriceRow { since: "2027-01-01".parse().ok(), ..row(&[(Part::Input, "1"), (Part::Output, "1")]) };
    let model = priced(vec![later]);
    let used = usage([1, 0, 0, 0, 0], [1, 0]);
    let cost = |time| model.list_cost(&used, at(time), Pricing::default());
    assert_eq!(cost("2026-12-31T23:59:59Z"), None);
    assert_eq!(cost("2027-01-01T00:00:00Z").unwrap().cost.to_usd(), "0.000002");
}

#[test]
fn parts_larger_than_their_whole_are_cut_to_it() {
    let model = priced(vec![row(&[
        (Part::Input, "1"),
        (Part::Output, "10"),
        (Part::Reasoning, "20"),
        (Part::InputAudio, "3"),
        (Part::OutputAudio, "5"),
    ])]);
    let used = Usage {
        input_uncached: Tokens(10),
        input_audio: Tokens(99),
        output: Tokens(10),
        reasoning: Tokens(8),
        output_audio: Tokens(7),
        ..Usage::default()
    };
    let cost = model.list_cost(&used, at("2026-11-22T12:00:00Z"), Pricing::default()).unwrap().cost;
    assert_eq!(cost.to_usd(), "0.0002"); // 10×3 + 8×20 + 2×5
}

/// Every kind of price at once.
fn elaborate() -> Model {
    let parts = [
        (Part::Input, "2"),
        (Part::Output, "10.5"),
        (Part::CacheRead, "0.000000001"),
        (Part::CacheWrite, "2.5"),
        (Part::CacheWrite1h, "4"),
        (Part::Reasoning, "11"),
        (Part::InputAudio, "7"),
        (Part::OutputAudio, "70"),
    ];
    let mut base = row(&parts);
    base.tiers = vec![Tier { above: Tokens(1_000), prices: row(&[(Part::Input, "9223372036")]).prices }];
    base.batch = Some(Batch::Factor(Factor::parse("0.4667").unwrap()));
    base.per_request = Cost::parse_usd("0.01").ok();
    base.schedule = Some(Schedule {
        off_peak: Factor::parse("0.5").unwrap(),
        windows: Vec::new(),
        weekdays: Vec::new(),
        not_on: Vec::new(),
        known_through: None,
        note: None,
    });
    priced(vec![base])
}

fn any_usage() -> impl Strategy<Value = [u64; 8]> {
    proptest::array::uniform8(prop_oneof![0..2_000_u64, any::<u64>(), Just(u64::MAX)])
}

fn buckets(counts: [u64; 8]) -> Usage {
    let [uncached, read, written, hour, audio, output, reasoning, output_audio] = counts.map(Tokens);
    Usage {
        input_uncached: uncached,
        cache_read: read,
        cache_write_5m: written,
        cache_write_1h: hour,
        input_audio: audio,
        output,
        reasoning,
        output_audio,
    }
}

proptest! {
    #[test]
    fn no_usage_makes_a_bill_fail(counts in any_usage(), thinking: bool, batch: bool, ceiling: bool, second in -99_999_999_999_i64..199_999_999_999) {
        let how = Pricing { thinking, batch, ceiling };
        let now = Timestamp::from_second(second).unwrap();
        let bill = elaborate().bill(&buckets(counts), UsageSource::Reported, now, how);
        prop_assert!(bill.cost.unwrap() >= Cost::parse_usd("0.01").unwrap());
    }

    /// In one band, a token more in any bucket never makes the bill smaller.
    /// Audio and reasoning are parts: here they are dearer than what they are part of.
    #[test]
    fn more_tokens_never_cost_less(counts in proptest::array::uniform8(0..200_u64), bucket in 0..8_usize, more in 1..100_u64, batch: bool) {
        let how = Pricing { batch, ..Pricing::default() };
        let now = Timestamp::UNIX_EPOCH;
        let cost = |counts| elaborate().list_cost(&buckets(counts), now, how).unwrap().cost;
        let mut larger = counts;
        larger[bucket] += more;
        // Output is billed at the dearest part first, so a part's growth may displace another part.
        prop_assume!(bucket != 6 || larger[6] + larger[7] <= larger[5]);
        prop_assert!(cost(larger) >= cost(counts), "{counts:?} {larger:?}");
    }
}
