//! What holds for any question.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

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

fn any_candidate() -> impl Strategy<Value = Candidate> {
    let provider = select(&["a", "b", "c"][..]);
    (provider, any_samples(12), 0..2_000_u32, any::<u8>()).prop_map(|(provider, samples, price, facts)| {
        let price = format!("{}.{}", price / 100, price % 100);
        let mut of = priced(&format!("{provider}/{facts}"), &price, &price, samples);
        if let Some(row) = of.row.as_mut().filter(|_| facts % 2 == 0) {
            row.context = Some(u64::from(facts) * 500);
            row.input = vec![Modality::Text];
            row.abilities = Some(Abilities { tools: facts % 4 == 0, ..Abilities::default() });
        }
        of.row = of.row.filter(|_| facts % 5 > 0);
        of.obstacle = (facts % 7 == 0).then(|| "no key".to_owned());
        of
    })
}

fn any_need() -> impl Strategy<Value = Need> {
    (0..100_000_u64, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(input, image, schema, tools)| {
        Need { input, media: if image { vec![MediaKind::Image] } else { vec![] }, schema, tools }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_same_question_has_the_same_answer_and_the_filtered_never_win(
        candidates in vec(any_candidate(), 1..8), need in any_need(), seed: u64, turn in 0..100_u64,
        policy in select(&Policy::ALL[..]), named: bool, cap in proptest::option::of(0..1_000_i128),
    ) {
        let settings = Settings {
            explore: 0.5, only: vec![ProviderId::new("a"), ProviderId::new("b")], ..Settings::default()
        };
        let asked = Question {
            order: if named { Order::Named } else { Order::Found },
            max_cost: cap.map(|cap| Cost::from_atto(cap * 1_000_000_000_000_000)),
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
                prop_assert!(row.context.is_none_or(|context| need.input <= context));
                prop_assert!(row.abilities.is_none_or(|can| can.tools || !need.tools));
                prop_assert!(need.media.iter().all(|kind| row.takes(*kind)));
            }
            prop_assert!(!of.reason.is_empty() || ranking.baseline.as_ref() == Some(of));
        }
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
