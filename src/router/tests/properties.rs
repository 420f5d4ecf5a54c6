//! What holds for any question.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::budget::Unknown;

fn any_sample() -> impl Strategy<Value = Sample> {
    (0..1_000_000_i64, 1.0..60_000.0_f64, any::<bool>(), 0..200_000_u64, 0..9_000_u64, 1.0..500.0_f64)
        .prop_map(|(ago, ms, failed, input, output, tps)| Sample {
            failed: failed && output % 4 == 0,
            input,
            output: Some(output),
            decode_tps: (output % 3 > 0).then_some(tps),
            ..sample(ago, ms)
        })
}

/// Samples as the ledger gives them, the newest first.
fn any_samples(most: usize) -> impl Strategy<Value = Vec<Sample>> {
    vec(any_sample(), 0..most).prop_map(|mut samples| {
        samples.sort_by_key(|sample| std::cmp::Reverse(sample.at));
        samples
    })
}

/// A hundred-thousandth of a cent, so many times.
fn small(amount: i128) -> Cost {
    Cost::from_atto(amount * 1_000_000_000_000_000)
}

fn any_worst() -> impl Strategy<Value = Option<Worst>> {
    let unknown = Unknown::Field("tools".to_owned());
    prop_oneof![
        4 => (0..1_000_i128).prop_map(|amount| Some(Worst::AtMost(small(amount)))),
        1 => select(vec![None, Some(Worst::Nothing), Some(Worst::Unknown(unknown))]),
    ]
}

/// What the user's own calls and words say of a candidate.
fn any_known() -> impl Strategy<Value = (Option<u64>, Option<u64>, Option<u64>)> {
    (option::of(0..150_000_u64), option::of(1..9_000_u64), option::of(1..9_000_u64))
}

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let provider = select(&["a", "b", "c"][..]);
    let parts = (provider, any_samples(12), 0..2_000_u32, any::<u8>(), any_known(), any_worst());
    parts.prop_map(|(provider, samples, price, facts, known, worst)| {
        let price = format!("{}.{}", price / 100, price % 100);
        let mut of = priced(&format!("{provider}/{facts}"), &price, &price, samples);
        if let Some(row) = of.row.as_mut().filter(|_| facts % 2 == 0) {
            row.context = Some(u64::from(facts) * 500);
            row.input = vec![Modality::Text];
            row.abilities = Some(Abilities { tools: facts % 4 == 0, ..Abilities::default() });
        }
        of.row = of.row.filter(|_| facts % 5 > 0);
        (of.input, of.typical_output, of.max_tokens) = known;
        of.worst = worst;
        of.obstacle = (facts % 7 == 0).then(|| "no key".to_owned());
        of
    })
}

fn any_need() -> impl Strategy<Value = Need> {
    (0..100_000_u64, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(input, image, schema, tools)| {
        Need { input, media: if image { vec![MediaKind::Image] } else { vec![] }, schema, tools }
    })
}

fn any_cooling() -> impl Strategy<Value = Vec<Cooling>> {
    let one = (select(&["a", "b", "c"][..]), option::of(any::<u8>()), -60..600_i64);
    let one = one.prop_map(|(provider, facts, seconds)| Cooling {
        provider: ProviderId::new(provider),
        model: facts.map(|facts| facts.to_string()),
        until: now() + jiff::SignedDuration::from_secs(seconds),
        failures: 3,
        reason: crate::wire::FailureKind::RateLimit,
    });
    vec(one, 0..4)
}

/// Nothing that is filtered for its size, its cost or a pause may be ranked.
fn is_kept_to(asked: &Question<'_>, ranking: &Ranking) -> Result<(), TestCaseError> {
    let rests = |at: usize| {
        let model = &asked.candidates[at].model;
        asked.cooling.iter().any(|of| of.covers(model) && of.until > asked.now)
    };
    let resting = ranking.ranked.iter().filter(|of| rests(of.candidate)).count();
    prop_assert!(resting == 0 || resting == ranking.ranked.len(), "all of them or none");
    let cold = ranking.rejected.iter().filter(|of| of.bar == Bar::Cooling);
    for of in cold {
        prop_assert!(rests(of.candidate) && resting == 0 && !ranking.ranked.is_empty());
    }
    for of in ranking.ranked.iter().chain(&ranking.baseline) {
        let candidate = &asked.candidates[of.candidate];
        let input = candidate.input.unwrap_or(asked.need.input);
        if let Some(context) = candidate.row.as_ref().and_then(|row| row.context) {
            prop_assert!(input + candidate.max_tokens.unwrap_or(0) <= context);
        }
        let is_within = |cap| match &candidate.worst {
            Some(Worst::Nothing) => true,
            Some(Worst::AtMost(cost)) => *cost <= cap,
            Some(Worst::Unknown(_)) | None => false,
        };
        prop_assert!(asked.max_cost.is_none_or(is_within), "{:?}", candidate.worst);
        prop_assert_eq!(of.expected.input, input);
        prop_assert!(candidate.max_tokens.is_none_or(|most| of.expected.output <= most));
        let own = candidate.typical_output.filter(|_| candidate.max_tokens.is_none());
        let own = own.filter(|_| candidate.row.as_ref().is_none_or(|row| row.context.is_none()));
        prop_assert!(own.is_none_or(|typical| of.expected.output == typical), "one's own calls count");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_same_question_has_the_same_answer_and_the_filtered_never_win(
        candidates in vec(any_candidate(), 1..8), need in any_need(), seed: u64, turn in 0..100_u64,
        policy in select(&Policy::ALL[..]), named: bool, cap in option::of(0..1_000_i128),
        cooling in any_cooling(), usual_output in option::of(1..9_000_u64),
    ) {
        let settings = Settings {
            explore: 0.5, only: vec![ProviderId::new("a"), ProviderId::new("b")], ..Settings::default()
        };
        let asked = Question {
            order: if named { Order::Named } else { Order::Found },
            max_cost: cap.map(small),
            cooling: &cooling,
            usual_output,
            seed,
            turn,
            ..question(policy, &settings, &need, &candidates)
        };
        let ranking = rank(&asked);
        prop_assert_eq!(&ranking, &rank(&asked));
        prop_assert_eq!(ranking.ranked.len() + ranking.rejected.len(), candidates.len());
        for of in ranking.ranked.iter().chain(&ranking.baseline) {
            let fit = &candidates[of.candidate];
            prop_assert!(fit.obstacle.is_none() && fit.model.provider.as_str() != "c");
            prop_assert!(ranking.rejected.iter().all(|rejected| rejected.candidate != of.candidate));
            if let Some(row) = &fit.row {
                prop_assert!(row.abilities.is_none_or(|can| can.tools || !need.tools));
                prop_assert!(need.media.iter().all(|kind| row.takes(*kind)));
            }
            prop_assert!(!of.reason.is_empty() || ranking.baseline.as_ref() == Some(of));
        }
        is_kept_to(&asked, &ranking)?;
    }

    #[test]
    fn more_money_is_never_the_cheapest(candidates in vec(any_candidate(), 1..8), need in any_need()) {
        let settings = Settings::default();
        let ranking = rank(&question(Policy::Cheapest, &settings, &need, &candidates));
        let costs: Vec<_> = ranking.ranked.iter().map(|of| of.expected.cost).collect();
        let known: Vec<_> = costs.iter().flatten().collect();
        prop_assert!(known.is_sorted(), "{:?}", costs);
        prop_assert!(costs.iter().skip(known.len()).all(Option::is_none));
    }

    /// However a model's samples came about, a new one that is slower than its
    /// figure moves it no place up; nor does a failure.
    #[test]
    fn slower_answers_never_help(
        mut candidates in vec(any_candidate(), 2..6), more in 0.0..50_000.0_f64, failed: bool, input in 0..50_000_u64,
    ) {
        for of in &mut candidates {
            (of.row, of.obstacle) = (None, None);
            of.model.provider = ProviderId::new("a");
        }
        let (settings, need) = (settled(), Need { input, ..Need::default() });
        let place = |candidates: &[Candidate]| {
            let ranking = rank(&question(Policy::Fastest, &settings, &need, candidates));
            let place = ranking.ranked.iter().position(|of| of.candidate == 0).unwrap();
            (place, ranking.ranked[place].figures.answer_ms)
        };
        let (before, figure) = place(&candidates);
        let slower = Sample { input: 10, ..sample(0, figure + more + 0.001) };
        candidates[0].samples.insert(0, if failed { failure(0) } else { slower });
        let (after, figure_after) = place(&candidates);
        prop_assert!(figure_after >= figure * (1.0 - 1e-9) || (failed && figure > speed::FAILED_MS), "{} → {}", figure, figure_after);
        prop_assert!(after >= before || (figure_after - figure).abs() < 1e-6 * figure);
    }
}
