use insta::assert_snapshot;

use super::order::Lead;
use super::speed::{DOUBT_MS, Memory, figures};
use super::*;
use crate::catalog::{Abilities, Billing, Catalog, Modality, Part, PriceRow, Prices};
use crate::money::Tokens;

mod properties;
mod simulated;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

/// A good call of so many seconds ago.
fn sample(ago: i64, first_ms: f64) -> Sample {
    Sample {
        at: now() - jiff::SignedDuration::from_secs(ago),
        failed: false,
        input: 10,
        output: Some(100),
        connect_ms: Some(5.0),
        first_visible_ms: Some(first_ms),
        decode_tps: None,
        end_ms: first_ms,
        host: None,
    }
}

fn failure(ago: i64) -> Sample {
    Sample { failed: true, first_visible_ms: None, output: None, ..sample(ago, 1.0) }
}

/// A candidate as the catalog knows it.
fn candidate(name: &str, samples: Vec<Sample>) -> Candidate {
    let row = Catalog::embedded().model(&ModelRef::split(name).unwrap());
    Candidate { row, ..priced(name, "1", "1", samples) }
}

/// A candidate that costs so much a million tokens.
fn priced(name: &str, input: &str, output: &str, samples: Vec<Sample>) -> Candidate {
    let mut prices = Prices::default();
    prices.set(Part::Input, Some(Price::per_million(input).unwrap()));
    prices.set(Part::Output, Some(Price::per_million(output).unwrap()));
    let rows = vec![PriceRow { prices, ..PriceRow::default() }];
    let model = ModelRef::split(name).unwrap();
    let row = Some(Model { prices: rows, ..Model::unknown(model.clone()) });
    Candidate { samples, ..Candidate::new(name.into(), model, row) }
}

/// The settings without any exploring.
fn settled() -> Settings {
    Settings { explore: 0.0, ..Settings::default() }
}

fn question<'a>(
    policy: Policy,
    settings: &'a Settings,
    need: &'a Need,
    candidates: &'a [Candidate],
) -> Question<'a> {
    Question {
        policy,
        settings,
        need,
        candidates,
        order: Order::Named,
        usual_output: None,
        max_cost: None,
        cooling: &[],
        now: now(),
        seed: 7,
        turn: 0,
    }
}

/// The names in their order, each with its reason, and who is left out.
fn told(question: &Question<'_>) -> String {
    let ranking = rank(question);
    let name = |candidate: usize| &question.candidates[candidate].name;
    let ranked = ranking.ranked.iter().map(|of| format!("{}: {}", name(of.candidate), of.reason));
    let rejected = ranking.rejected.iter().map(|of| format!("not {}: {}", name(of.candidate), of.reason));
    ranked.chain(rejected).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_cheapest_is_so_for_this_very_prompt_and_hour() {
    // A thousand tokens more make the first one dear, and nights make the second one cheap.
    let candidates = [
        candidate("openai/gpt-6-sol", vec![]),
        candidate("xai/grok-4.7", vec![]),
        candidate("deepseek/deepseek-flash", vec![]),
        candidate("openai/no-such-model", vec![]),
    ];
    let (settings, mut need) = (settled(), Need { input: 1_000, ..Need::default() });
    assert_snapshot!(told(&question(Policy::Cheapest, &settings, &need, &candidates)), @"
    deepseek/deepseek-flash: ~$0.00045 for 1000 tokens in and ~500 out
    xai/grok-4.7: ~$0.005 for 1000 tokens in and ~500 out
    openai/gpt-6-sol: ~$0.007 for 1000 tokens in and ~500 out
    openai/no-such-model: what it costs is unknown
    ");
    for input in [1_000, 199_999, 200_001, 272_000, 272_001] {
        for moment in ["2026-11-22T02:30:00Z", "2026-11-23T02:30:00Z"] {
            need.input = input;
            let question =
                Question { now: at(moment), ..question(Policy::Cheapest, &settings, &need, &candidates) };
            let usage = crate::money::Usage {
                input_uncached: Tokens(input),
                output: Tokens(crate::estimate::DEFAULT_OUTPUT),
                ..crate::money::Usage::default()
            };
            let price = |of: &Candidate| {
                let listed =
                    of.row.as_ref()?.list_cost(&usage, at(moment), crate::catalog::Pricing::default());
                Some((listed?.cost, of.name.clone()))
            };
            let (cost, name) = candidates.iter().filter_map(price).min().unwrap();
            let first = &rank(&question).ranked[0];
            assert_eq!((first.expected.cost, &candidates[first.candidate].name), (Some(cost), &name));
        }
    }
}

#[test]
fn an_answer_is_expected_to_be_as_long_as_the_user_s_own_are() {
    let wordy = Candidate { typical_output: Some(4_000), ..priced("a/wordy", "1", "1", vec![]) };
    let terse = priced("a/terse", "1", "2", vec![]);
    let candidates = [wordy, terse];
    let (settings, need) = (settled(), Need { input: 100, ..Need::default() });
    assert_snapshot!(told(&question(Policy::Cheapest, &settings, &need, &candidates)), @"
    a/terse: ~$0.0011 for 100 tokens in and ~500 out
    a/wordy: ~$0.0041 for 100 tokens in and ~4000 out
    ");
    let usual =
        Question { usual_output: Some(3_000), ..question(Policy::Cheapest, &settings, &need, &candidates) };
    assert_snapshot!(told(&usual), @"
    a/wordy: ~$0.0041 for 100 tokens in and ~4000 out
    a/terse: ~$0.0061 for 100 tokens in and ~3000 out
    ");
}

#[test]
fn two_lucky_samples_do_not_win_and_failures_do_not_either() {
    let many = |ms: f64| (0..30).map(|n| sample(n * 60, ms)).collect::<Vec<_>>();
    let flaky = (0..20).map(|n| if n % 2 == 0 { failure(n) } else { sample(n, 50.0) }).collect();
    let candidates = [
        candidate("a/flaky", flaky),
        candidate("a/lucky", vec![sample(60, 100.0), sample(120, 100.0)]),
        candidate("a/unknown", vec![]),
        candidate("a/steady", many(400.0)),
    ];
    let (settings, need) = (settled(), Need::default());
    assert_snapshot!(told(&question(Policy::Fastest, &settings, &need, &candidates)), @"
    a/steady: 0.40 s to first word, cautiously 0.47 s to the end (n 30)
    a/lucky: 0.10 s to first word, cautiously 0.71 s to the end (n 2)
    a/flaky: 50 ms to first word, cautiously 3.95 s to the end (n 10, 10 failed)
    a/unknown: not measured (n 0): taken for 5.00 s
    ");
    let nothing: Vec<Candidate> =
        candidates.iter().map(|of| Candidate { samples: vec![], ..of.clone() }).collect();
    assert_snapshot!(told(&question(Policy::Fastest, &settings, &need, &nothing)), @"
    a/flaky: nothing is measured yet: in the order given
    a/lucky: nothing is measured yet: in the order given
    a/unknown: nothing is measured yet: in the order given
    a/steady: nothing is measured yet: in the order given
    ");
}

#[test]
fn old_measurements_and_those_of_other_prompts_weigh_less() {
    let fading = |samples: &[Sample]| {
        figures(samples, now(), Memory::Fading(Duration::from_hours(72)), 10, 100).answer_ms
    };
    let day = 24 * 3_600;
    let recent = [sample(60, 100.0), sample(60, 100.0), sample(60, 100.0)];
    let old = recent.clone().map(|of| Sample { at: of.at - jiff::SignedDuration::from_hours(24 * 30), ..of });
    let long = recent.clone().map(|of| Sample { input: 100_000, ..of });
    assert!(fading(&recent) < 600.0 && fading(&recent) < fading(&long) && fading(&long) < fading(&old));
    assert!(fading(&old) > 0.9 * DOUBT_MS);
    // An hour halves a failure, three days a measurement.
    let failed = |ago| fading(&[failure(ago)]);
    assert!(failed(60) > 15_000.0 && failed(day) < 1.01 * DOUBT_MS);
}

#[test]
fn percentiles_are_weighted_and_name_their_number() {
    let mut samples: Vec<Sample> = (1..=10).map(|n| sample(60, f64::from(n) * 100.0)).collect();
    let read = |samples: &[Sample]| figures(samples, now(), Memory::Whole, 10, 100);
    let known = read(&samples);
    assert_eq!((known.n, known.ttfv_p50_ms, known.ttfv_p90_ms), (10, Some(500.0), Some(900.0)));
    assert_eq!(read(&samples[..9]).ttfv_p90_ms, None);
    // A call over an open connection counts as if it had had to connect.
    samples.truncate(2);
    samples[0] = Sample { connect_ms: Some(0.0), ..samples[0].clone() };
    assert_eq!(read(&samples).ttfv_p50_ms, Some(105.0));
    // What did not stream measures nothing, but its length is known.
    samples[0].first_visible_ms = None;
    assert_eq!((read(&samples).n, read(&[]).answer_ms.round()), (1, DOUBT_MS));
}

#[test]
fn a_change_of_pace_is_noticed_with_the_second_answer() {
    let paced = |latest: &[f64]| {
        let rest = (10..30).map(|n| sample(n, 100.0));
        let samples: Vec<_> = latest.iter().map(|ms| sample(1, *ms)).chain(rest).collect();
        let read = figures(&samples, now(), Memory::Fading(Duration::from_hours(72)), 10, 100);
        (read.n, read.slower_since.is_some())
    };
    assert_eq!(paced(&[800.0]), (21, false));
    assert_eq!(paced(&[800.0, 800.0]), (2, true));
    assert_eq!(paced(&[800.0, 110.0, 800.0]), (23, false));
    assert_eq!(paced(&[140.0, 140.0]), (22, false));
    assert_eq!(paced(&[20.0, 20.0]), (2, false));
}

#[test]
fn what_cannot_serve_the_request_is_left_out_with_the_reason() {
    let mut candidates: Vec<Candidate> = [
        "anthropic/claude-opus-5-5",
        "groq/llama-3.3-70b-versatile",
        "openai/gpt-4",
        "openai/gpt-6-sol",
        "local/smollm2-135m",
    ]
    .map(|name| candidate(name, vec![]))
    .into();
    candidates[0].obstacle = Some("there is no API key for anthropic".to_owned());
    let settings = Settings { max_price: Some(Price::per_million("12").unwrap()), ..settled() };
    let mut need = Need { input: 9_000, media: vec![MediaKind::Image], schema: true, tools: true };
    assert_snapshot!(told(&question(Policy::Best, &settings, &need, &candidates)), @"
    openai/gpt-6-sol: the first in your order that can serve this
    not anthropic/claude-opus-5-5: there is no API key for anthropic
    not groq/llama-3.3-70b-versatile: it does not take image attachments
    not openai/gpt-4: it was retired on 2026-10-23
    not local/smollm2-135m: it does not take image attachments
    ");
    need = Need { input: 9_000, ..Need::default() };
    candidates[1].worst = Some(Worst::Nothing);
    candidates[3].worst = Some(Worst::AtMost(Cost::parse_usd("1.298").unwrap()));
    let cooling = [Cooling {
        provider: ProviderId::new("openai"),
        model: None,
        until: at("2026-11-22T12:00:30Z"),
        failures: 1,
        reason: crate::wire::FailureKind::RateLimit,
    }];
    let asked = Question {
        cooling: &cooling,
        max_cost: Some(Cost::parse_usd("0.05").unwrap()),
        ..question(Policy::Best, &settings, &need, &candidates)
    };
    assert_snapshot!(told(&asked), @"
    groq/llama-3.3-70b-versatile: the first in your order that can serve this
    not anthropic/claude-opus-5-5: there is no API key for anthropic
    not openai/gpt-4: it was retired on 2026-10-23
    not openai/gpt-6-sol: it may cost $1.298, more than the cap of $0.05
    not local/smollm2-135m: ~9000 tokens of prompt do not fit into its context of 8192
    ");
    let only = Settings { only: vec![ProviderId::new("openai")], ..settings.clone() };
    assert_snapshot!(told(&Question { max_cost: None, settings: &only, ..asked }), @"
    openai/gpt-6-sol: the first in your order that can serve this
    not anthropic/claude-opus-5-5: the provider anthropic is not allowed here
    not groq/llama-3.3-70b-versatile: the provider groq is not allowed here
    not openai/gpt-4: it was retired on 2026-10-23
    not local/smollm2-135m: the provider local is not allowed here
    ");
}

/// What is unknown is nothing that a bound could let through, but for what is free.
#[test]
fn an_unknown_price_passes_no_bound() {
    let mut candidates: Vec<Candidate> =
        ["a/small", "a/unknown", "a/free", "a/unbounded"].map(|name| priced(name, "0", "0", vec![])).into();
    let row = |candidate: &mut Candidate, change: fn(&mut Model)| change(candidate.row.as_mut().unwrap());
    row(&mut candidates[0], |small| small.max_input = Some(8_000));
    row(&mut candidates[1], |unknown| unknown.prices.clear());
    row(&mut candidates[2], |free| free.billing = Billing::Free);
    candidates[2].worst = Some(Worst::Nothing);
    let settings = Settings { max_price: Some(Price::per_million("12").unwrap()), ..settled() };
    let need = Need { input: 9_000, ..Need::default() };
    let asked = question(Policy::Cheapest, &settings, &need, &candidates);
    assert_snapshot!(told(&asked), @"
    a/free: it is free
    a/unbounded: it is free
    not a/small: ~9000 tokens of prompt, and it takes 8000
    not a/unknown: its price is unknown, and `max_price` is $12
    ");
    let no_price = crate::budget::Unknown::Price(candidates[1].model.clone());
    let bounded = Candidate { worst: Some(Worst::Unknown(no_price)), ..candidates[1].clone() };
    let candidates = [bounded, candidates[2].clone(), candidates[3].clone()];
    let cap = Some(Cost::parse_usd("1").unwrap());
    let asked = Question { max_cost: cap, candidates: &candidates, settings: &settled(), ..asked };
    assert_snapshot!(told(&asked), @"
    a/free: it is free
    not a/unknown: no price of a/unknown is known, and the cap is $1.00
    not a/unbounded: what it may cost is unknown, and the cap is $1.00
    ");
}

#[test]
fn who_fails_the_users_checks_goes_behind() {
    let checked = |name: &str, passed, of| Candidate {
        checks: Checks { passed, of },
        ..priced(name, "1", "1", vec![])
    };
    let (settings, need) = (settled(), Need { input: 1_000, ..Need::default() });
    let order = |candidates: &[Candidate]| told(&question(Policy::Best, &settings, &need, candidates));
    let candidates = [checked("a/one", 4, 10), checked("b/one", 9, 10), checked("c/one", 0, 4)];
    assert_snapshot!(order(&candidates), @"
    b/one: the first in your order that can serve this; 9 of 10 checks passed
    c/one: by your order
    a/one: by your order; 4 of 10 checks passed
    ");
    // A fifth of all is clear, less is not.
    let near = |passed| order(&[checked("a/one", passed, 10), checked("b/one", 9, 10)]);
    assert!(near(8).starts_with("a/one"), "{}", near(8));
    assert!(near(7).starts_with("b/one"), "{}", near(7));
}

#[test]
fn without_an_order_the_newest_of_the_dearest_family_is_best() {
    let candidates =
        ["gpt-6-luna", "gpt-5.6-sol", "gpt-5.4-pro", "gpt-6.1-sol", "gpt-5.5-pro", "gpt-6.1-terra"]
            .map(|model| candidate(&format!("openai/{model}"), vec![]));
    let (settings, need) = (settled(), Need { input: 1_000, ..Need::default() });
    let found = Question { order: Order::Found, ..question(Policy::Best, &settings, &need, &candidates) };
    assert_snapshot!(told(&found), @"
    openai/gpt-5.5-pro: newest of the dearest families: gpt-pro, 2026-04-23, ~$0.12 for 1000 tokens in and ~500 out
    openai/gpt-6.1-sol: newest of the dearest families: gpt-sol, 2026-09-29, ~$0.007 for 1000 tokens in and ~500 out
    openai/gpt-6.1-terra: newest of the dearest families: no family, no date known, ~$0.0035 for 1000 tokens in and ~500 out
    openai/gpt-6-luna: newest of the dearest families: gpt-luna, 2026-09-22, ~$0.00035 for 1000 tokens in and ~500 out
    openai/gpt-5.4-pro: newest of the dearest families: gpt-pro, 2026-03-05, ~$0.12 for 1000 tokens in and ~500 out
    openai/gpt-5.6-sol: newest of the dearest families: gpt-sol, 2026-07-09, ~$0.014 for 1000 tokens in and ~500 out
    ");
    assert_snapshot!(told(&question(Policy::Best, &settings, &need, &candidates[..2])), @"
    openai/gpt-6-luna: the first in your order that can serve this
    openai/gpt-5.6-sol: by your order
    ");
}

#[test]
fn balance_is_a_matter_of_weights() {
    let slow_and_cheap = priced("a/cheap", "0.1", "0.1", (0..20).map(|n| sample(n, 4_000.0)).collect());
    let fast_and_dear = priced("a/fast", "10", "10", (0..20).map(|n| sample(n, 200.0)).collect());
    let typical = |of| Candidate { typical_output: Some(100), ..of };
    let candidates = [slow_and_cheap, fast_and_dear].map(typical);
    let need = Need { input: 1_000, ..Need::default() };
    let first = |cost, speed, best| {
        let settings = Settings { weights: Weights { cost, speed, best }, ..settled() };
        let ranking = rank(&question(Policy::Balanced, &settings, &need, &candidates));
        candidates[ranking.ranked[0].candidate].name.clone()
    };
    assert_eq!(first(3.0, 1.0, 0.0), "a/cheap");
    assert_eq!(first(1.0, 3.0, 0.0), "a/fast");
    assert_eq!(first(0.0, 0.0, 1.0), "a/cheap");
    assert_snapshot!(told(&question(Policy::Balanced, &settled(), &need, &candidates)), @"
    a/cheap: 0.29 between best (0) and worst (1): ~$0.00011 for 1000 tokens in and ~100 out; 4.00 s to first word, cautiously 4.26 s to the end (n 20)
    a/fast: 0.66 between best (0) and worst (1): ~$0.011 for 1000 tokens in and ~100 out; 0.20 s to first word, cautiously 0.50 s to the end (n 20)
    ");
}

#[test]
fn one_call_in_twenty_explores() {
    let known = |ms: f64| (0..20).map(|n| sample(n, ms)).collect();
    let candidates = [candidate("a/fast", known(100.0)), candidate("a/slow", known(900.0))];
    let (settings, need) = (Settings::default(), Need::default());
    for seed in 0..50 {
        let explores = |turn: &u64| {
            let asked = question(Policy::Fastest, &settings, &need, &candidates);
            rank(&Question { seed, turn: *turn, ..asked }).ranked[0].candidate == 1
        };
        let count = (0..200).filter(explores).count();
        assert!((9..=11).contains(&count), "{count}");
    }
}

#[test]
fn why_the_first_one_is_first_is_said() {
    let known = |ms: f64| (0..20).map(|n| sample(n, ms)).collect::<Vec<_>>();
    let mut slowed = known(100.0);
    slowed.splice(0..0, [sample(0, 900.0), sample(0, 900.0)]);
    let (settings, need) = (Settings::default(), Need::default());
    let lead = |candidates: &[Candidate]| {
        let asked = question(Policy::Fastest, &settings, &need, candidates);
        let mut ranked = rank(&Question { settings: &settled(), ..asked.clone() }).ranked;
        order::learn(&asked, &mut ranked)
    };
    let measured = [candidate("a/x", known(100.0)), candidate("a/y", known(200.0))];
    assert_eq!(lead(&measured), Lead::Rank);
    assert_eq!(lead(&[measured[0].clone(), candidate("a/new", vec![])]), Lead::Untried);
    let stale =
        known(5_000.0).into_iter().map(|of| Sample { at: of.at - jiff::SignedDuration::from_hours(1), ..of });
    assert_eq!(lead(&[candidate("a/x", slowed), candidate("a/y", stale.collect())]), Lead::LookRound);
}
