use std::f64::consts::TAU;

use proptest::prelude::*;

use super::*;

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

#[test]
fn a_few_runs_are_described_without_percentiles() {
    let few = describe(&[410.0, 395.0, 405.0, 400.0]).unwrap();
    assert_eq!((few.n, few.median, few.min, few.max, few.mad), (4, 402.5, 395.0, 410.0, 5.0));
    assert_eq!((few.p90, few.p95, few.p99), (None, None, None));
    assert_eq!(describe(&[7.0]).unwrap().median, 7.0);
    assert_eq!(describe(&[]), None);
    assert_eq!(describe(&[f64::NAN, f64::INFINITY]), None);
}

#[test]
fn percentiles_are_figures_that_were_seen_and_need_enough_of_them() {
    let of = |n: u32| describe(&(1..=n).rev().map(f64::from).collect::<Vec<_>>()).unwrap();
    assert_eq!((of(9).p90, of(10).p90, of(11).p90), (None, Some(9.0), Some(10.0)));
    assert_eq!((of(19).p95, of(20).p95, of(21).p95), (None, Some(19.0), Some(20.0)));
    assert_eq!((of(99).p99, of(100).p99, of(101).p99), (None, Some(99.0), Some(100.0)));
}

#[test]
fn outliers_are_named_and_a_cold_first_run_is_told_apart() {
    let cold = describe(&[1200.0, 400.0, 410.0, 395.0, 405.0]).unwrap();
    assert_eq!((cold.outliers.as_slice(), cold.first_is_slow), (&[0][..], true));
    let quick = describe(&[100.0, 400.0, 410.0, 395.0, 405.0]).unwrap();
    assert_eq!((quick.outliers.as_slice(), quick.first_is_slow), (&[0][..], false));
    let later = describe(&[400.0, f64::NAN, 410.0, 1200.0, 395.0, 405.0]).unwrap();
    assert_eq!((later.n, later.outliers.as_slice(), later.first_is_slow), (5, &[3][..], false));
    let few = describe(&[1200.0, 400.0, 401.0, 402.0]).unwrap();
    assert_eq!((few.outliers.len(), few.first_is_slow), (0, false));
}

#[test]
fn where_most_runs_are_alike_a_small_step_is_no_outlier() {
    let rounded = describe(&[40.0, 40.0, 40.0, 40.0, 41.0, 40.0, 39.0, 40.0]).unwrap();
    assert_eq!((rounded.mad, rounded.outliers.len()), (0.0, 0));
    let mut straggler = vec![40.0; 30];
    straggler[7] = 90.0;
    assert_eq!(describe(&straggler).unwrap().outliers, [7]);
    assert!(describe(&[5.0; 12]).unwrap().outliers.is_empty());
}

#[test]
fn with_too_few_runs_nothing_is_shown() {
    let (fast, slow) = ([1.0, 1.1, 1.2], [100.0, 110.0, 120.0]);
    assert_eq!(contrast(&fast, &slow), Contrast::TooFew { least: 4 });
    assert_eq!(contrast(&[], &[]), Contrast::TooFew { least: 4 });
    // Three are too few however many the other lane has.
    assert_eq!(contrast(&fast, &[100.0; 50]), Contrast::TooFew { least: 4 });
    let strict = Test { level: 0.003, resolution: 0.0 };
    let (fast, slow) = ([1.0, 1.1, 1.2, 1.3, 1.4], [2.0, 2.1, 2.2, 2.3, 2.4]);
    assert_eq!(contrast_at(&fast, &slow, strict), Contrast::TooFew { least: 6 });
    assert!(contrast(&fast, &slow).shown().is_some());
}

/// Five and five, worked by hand: at 3 % two ratios of the twenty-five may be
/// cut off at either end, so the limits are the second from each.
#[test]
fn the_interval_is_made_of_the_ratios_of_single_runs() {
    let (a, b) = ([100.0, 101.0, 102.0, 103.0, 104.0], [200.0, 202.0, 204.0, 206.0, 208.0]);
    let Contrast::Shown(ratio) = contrast(&a, &b) else { panic!() };
    assert!(close(ratio.ratio, 2.0));
    // Least: 200/104, 200/103 and 202/104; most: 208/100, 206/100 and 208/101.
    assert!(close(ratio.low, 200.0 / 103.0) && close(ratio.high, 206.0 / 100.0), "{ratio:?}");
}

#[test]
fn what_the_clock_cannot_resolve_is_not_shown() {
    // Steady to a tenth of a millisecond, and half a one apart.
    let a: Vec<f64> = (0..12).map(|run| 50.0 + f64::from(run) * 0.01).collect();
    let b: Vec<f64> = a.iter().map(|ms| ms + 0.5).collect();
    assert!(contrast(&a, &b).shown().is_some());
    let measured = Test { level: LEVEL, resolution: MILLISECOND };
    assert!(matches!(contrast_at(&a, &b, measured), Contrast::Open(_)));
    let c: Vec<f64> = a.iter().map(|ms| ms + 1.5).collect();
    assert!(contrast_at(&a, &c, measured).shown().is_some());
}

#[test]
fn the_best_of_several_lanes_is_found_whichever_way_is_better() {
    let lane = |base: f64| (0..12).map(|run| base + f64::from(run)).collect::<Vec<_>>();
    let (a, b, c, few) = (lane(500.0), lane(400.0), lane(402.0), [390.0, f64::NAN]);
    let standing = against_best(&[&a, &b, &c, &[]], Better::Lower, MILLISECOND).unwrap();
    assert_eq!(standing.best, 1);
    assert!(close(standing.others[0].unwrap().shown().unwrap().ratio, 505.5 / 405.5));
    assert!(matches!(standing.others[2], Some(Contrast::Open(_))));
    assert_eq!((standing.others[1], standing.others[3], standing.is_shown()), (None, None, false));

    let speeds = against_best(&[&a, &b], Better::Higher, 0.0).unwrap();
    assert_eq!((speeds.best, speeds.is_shown()), (0, true));
    assert!(close(speeds.others[1].unwrap().ratio().unwrap().ratio, 505.5 / 405.5));

    let standing = against_best(&[&a, &few], Better::Lower, 0.0).unwrap();
    assert_eq!((standing.best, standing.others[0]), (1, Some(Contrast::TooFew { least: 4 })));
    assert_eq!(against_best(&[&[], &[]], Better::Lower, 0.0), None);
    assert!(!against_best(&[&a], Better::Lower, 0.0).unwrap().is_shown());
}

#[test]
fn each_of_several_comparisons_gets_its_share_of_the_level() {
    let (a, b) = ([1.0, 1.1, 1.2, 1.3], [2.0, 2.1, 2.2, 2.3]);
    assert!(against_best(&[&a, &b], Better::Lower, 0.0).unwrap().is_shown());
    let three = against_best(&[&a, &b, &b], Better::Lower, 0.0).unwrap();
    assert_eq!(three.others[1], Some(Contrast::TooFew { least: 5 }));
    // A lane that can't be compared at all takes no share.
    let three = against_best(&[&a, &b, &[3.0]], Better::Lower, 0.0).unwrap();
    assert!(three.others[1].unwrap().shown().is_some());
}

/// Random figures as runs give them.
struct Source(fastrand::Rng);

impl Source {
    fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    fn normal(&mut self) -> f64 {
        (-2.0 * (1.0 - self.0.f64()).ln()).sqrt() * (TAU * self.0.f64()).cos()
    }

    fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        median * (sigma * self.normal()).exp()
    }

    fn lane(&mut self, n: usize, figure: impl Fn(&mut Self) -> f64) -> Vec<f64> {
        (0..n).map(|_| figure(self)).collect()
    }
}

type Figure = fn(&mut Source) -> f64;

/// What runs of one lane may look like.
const SHAPES: [(&str, Figure); 6] = [
    ("normal", |source| 400.0 + 40.0 * source.normal()),
    ("lognormal", |source| source.lognormal(400.0, 0.3)),
    ("stragglers", |source| {
        let factor = if source.0.f64() < 0.08 { 5.0 } else { 1.0 };
        factor * source.lognormal(400.0, 0.15)
    }),
    ("Cauchy", |source| 400.0 + 20.0 * (std::f64::consts::PI * (source.0.f64() - 0.5)).tan().abs()),
    ("rounded", |source| (source.lognormal(400.0, 0.1) / 50.0).round() * 50.0),
    ("two values", |source| if source.0.bool() { 400.0 } else { 500.0 }),
];

/// In how many of `of` comparisons of two lanes a difference is shown.
fn claims(n: usize, of: usize, a: impl Fn(&mut Source) -> f64, b: impl Fn(&mut Source) -> f64) -> usize {
    let mut source = Source::new(7);
    let mut differs = || {
        let (a, b) = (source.lane(n, &a), source.lane(n, &b));
        contrast(&a, &b).shown().is_some()
    };
    (0..of).filter(|_| differs()).count()
}

#[test]
fn lanes_that_are_alike_are_seldom_said_to_differ() {
    for (name, shape) in SHAPES {
        assert_eq!(claims(3, 200, shape, shape), 0, "{name}");
        for n in [4, 5, 8, 12, 20, 30] {
            let claims = claims(n, 200, shape, shape);
            assert!(claims <= 10, "{name} at {n} runs: {claims} of 200");
        }
    }
}

/// Medians alike, spreads far from it: the ranks' own test claims 9 of 100.
#[test]
fn a_steady_lane_and_an_unsteady_one_are_not_said_to_differ() {
    let steady: Figure = |source| source.lognormal(400.0, 0.05);
    let unsteady: Figure = |source| source.lognormal(400.0, 0.4);
    for n in [10, 12, 20, 30] {
        let claims = claims(n, 600, steady, unsteady);
        assert!(claims <= 30, "{n} runs: {claims} of 600");
    }
}

#[test]
fn a_quarter_more_is_found_in_twelve_runs() {
    for (sigma, least) in [(0.10, 196), (0.125, 188), (0.15, 168)] {
        let lane = |median| move |source: &mut Source| source.lognormal(median, sigma);
        let found = claims(12, 200, lane(400.0), lane(500.0));
        assert!(found >= least, "at a spread of {sigma}: {found} of 200");
    }
}

#[test]
fn the_best_of_lanes_that_are_alike_is_seldom_called_so() {
    for lanes in [3, 5] {
        let mut source = Source::new(5);
        let mut any_claim = || {
            let figures: Vec<Vec<f64>> = (0..lanes).map(|_| source.lane(12, SHAPES[1].1)).collect();
            let figures: Vec<&[f64]> = figures.iter().map(Vec::as_slice).collect();
            let standing = against_best(&figures, Better::Lower, 0.0).unwrap();
            standing.others.iter().flatten().any(|contrast| contrast.shown().is_some())
        };
        let claims = (0..200).filter(|_| any_claim()).count();
        assert!(claims <= 10, "{lanes} lanes: {claims} of 200");
    }
}

fn figures() -> impl Strategy<Value = Vec<f64>> {
    let figure = prop_oneof![4 => 1.0..1000.0, 3 => (1..9_u8).prop_map(f64::from), 1 => 1e-3..1e9];
    prop::collection::vec(figure, 0..16)
}

proptest! {
    #[test]
    fn the_claim_and_the_interval_say_the_same(a in figures(), b in figures()) {
        let result = contrast(&a, &b);
        if let Some(ratio) = result.ratio() {
            prop_assert!(ratio.low <= ratio.ratio && ratio.ratio <= ratio.high, "{ratio:?}");
            prop_assert_eq!(result.shown().is_some(), ratio.low > 1.0 || ratio.high < 1.0);
        }
    }

    #[test]
    fn neither_order_nor_unit_nor_side_changes_the_verdict(a in figures(), b in figures(), unit in 1..1000_u32) {
        let result = contrast(&a, &b);
        let reversed: Vec<f64> = a.iter().rev().copied().collect();
        prop_assert_eq!(contrast(&reversed, &b), result);
        // Powers of two are exact, so ties stay ties.
        let unit = f64::from(1_u32 << (unit % 20));
        let scaled = |lane: &[f64]| lane.iter().map(|figure| figure * unit).collect::<Vec<_>>();
        prop_assert_eq!(contrast(&scaled(&a), &scaled(&b)).shown().is_some(), result.shown().is_some());
        let swapped = contrast(&b, &a);
        prop_assert_eq!(swapped.shown().is_some(), result.shown().is_some());
        if let (Some(there), Some(back)) = (result.ratio(), swapped.ratio()) {
            prop_assert!((there.ratio * back.ratio - 1.0).abs() < 1e-9);
            prop_assert!((there.low * back.high - 1.0).abs() < 1e-6, "{there:?} {back:?}");
        }
    }

    #[test]
    fn any_figures_at_all_are_borne(
        a in prop::collection::vec(any::<f64>(), 0..12),
        b in prop::collection::vec(any::<f64>(), 0..12),
    ) {
        if let Some(description) = describe(&a) {
            prop_assert!(description.min <= description.max);
        }
        let _ = against_best(&[&a, &b], Better::Higher, 1.0);
    }
}
