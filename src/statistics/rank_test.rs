//! Two tests of whether one of two samples tends to be larger: the exact one of
//! Mann and Whitney, and that of Brunner and Munzel for unequal spreads.

use super::count;

/// Additions that the exact distribution may cost: some 10 ms. Samples of 60
/// and 60 are within it; beyond, the normal distribution is as good.
const EXACT: f64 = 1.5e7;

/// How many of the ordered differences of two samples may be cut off at either
/// end: the largest `k` such that fewer than `k` of the m × n pairs go against
/// the rest by chance in at most half of `level` of all cases. 0 where the
/// samples are too small for the level.
pub(super) fn cut(m: usize, n: usize, level: f64) -> usize {
    let (m, n) = (m.min(n), m.max(n));
    let half = m * n / 2;
    if count(m + n) * count(m) * count(half) > EXACT {
        return approximate_cut(m, n, level);
    }
    let allowed = level / 2.0 * arrangements(m, n);
    let mut so_far = 0.0;
    for (pairs, ways) in lower_half(m, n).into_iter().enumerate() {
        so_far += ways;
        if so_far > allowed {
            return pairs;
        }
    }
    half
}

/// The same by the normal distribution, with correction for continuity.
fn approximate_cut(m: usize, n: usize, level: f64) -> usize {
    let pairs = count(m) * count(n);
    let deviation = (pairs * count(m + n + 1) / 12.0).sqrt();
    let cut = (pairs / 2.0 - deviations(level) * deviation + 0.5).floor();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to m × n")]
    let cut = cut.max(0.0) as usize;
    cut
}

/// In how many orders of m + n different figures exactly u of the m × n pairs
/// go against the rest, for u from 0 to half of them.
///
/// Figures are taken in rising order. The j-th of the first sample, standing at
/// place r, has r − (j − 1) of the second before it.
fn lower_half(m: usize, n: usize) -> Vec<f64> {
    let width = m * n / 2 + 1;
    let mut ways = vec![vec![0.0; width]; m + 1];
    ways[0][0] = 1.0;
    for place in 0..m + n {
        for j in (1..=m.min(place + 1)).rev() {
            let before = place + 1 - j;
            if before < width {
                let (fewer, more) = ways.split_at_mut(j);
                let taken = more[0][before..].iter_mut().zip(&fewer[j - 1]);
                taken.for_each(|(ways, without)| *ways += without);
            }
        }
    }
    ways.swap_remove(m)
}

/// In how many orders two samples can lie: m + n over m.
fn arrangements(m: usize, n: usize) -> f64 {
    (1..=m).map(|i| count(n + i) / count(i)).product()
}

/// The fewest runs of each of two lanes with which anything can be shown: then
/// all runs of the one are faster than all of the other.
pub(super) fn least(level: f64) -> usize {
    (1..512).find(|n| 2.0 / arrangements(*n, *n) <= level).unwrap_or(512)
}

/// The standard deviations beyond which, on both sides together, `level` of a
/// normal distribution lies.
pub(super) fn deviations(level: f64) -> f64 {
    let (mut near, mut far) = (0.0, 40.0);
    for _ in 0..64 {
        let middle = f64::midpoint(near, far);
        if libm::erfc(middle / std::f64::consts::SQRT_2) > level {
            near = middle;
        } else {
            far = middle;
        }
    }
    far
}

/// Brunner and Munzel (Biometrical Journal 42, 2000): whether `b`, moved down
/// by `shift`, may be as large as `a`. Both in rising order, of two or more.
/// `z` is what [`deviations`] gives.
pub(super) fn may_be_equal(a: &[f64], b: &[f64], shift: f64, z: f64) -> bool {
    let (m, n) = (count(a.len()), count(b.len()));
    let below_b = placements(b, -shift, a);
    let below_a = placements(a, shift, b);
    let effect = below_b.iter().sum::<f64>() / n - 0.5;
    let (of_a, of_b) = (variance(&below_a) / m, variance(&below_b) / n);
    if of_a + of_b <= 0.0 {
        return effect == 0.0;
    }
    let freedom = (of_a + of_b).powi(2) / (of_a.powi(2) / (m - 1.0) + of_b.powi(2) / (n - 1.0));
    effect.abs() <= student(z, freedom) * (of_a + of_b).sqrt()
}

/// For each figure, moved by `shift`, the part of the others that it exceeds.
fn placements(figures: &[f64], shift: f64, others: &[f64]) -> Vec<f64> {
    let (mut below, mut up_to) = (0, 0);
    let place = |figure: &f64| {
        let figure = figure + shift;
        while others.get(below).is_some_and(|other| *other < figure) {
            below += 1;
        }
        while others.get(up_to).is_some_and(|other| *other <= figure) {
            up_to += 1;
        }
        count(below + up_to) / 2.0 / count(others.len())
    };
    figures.iter().map(place).collect()
}

fn variance(figures: &[f64]) -> f64 {
    let mean = figures.iter().sum::<f64>() / count(figures.len());
    figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count(figures.len()) - 1.0)
}

/// The quantile of Student's distribution where the normal one's is `z`, by the
/// first terms of its expansion (Abramowitz and Stegun, 26.7.5).
fn student(z: f64, freedom: f64) -> f64 {
    let first = (z.powi(3) + z) / 4.0;
    let second = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    z + first / freedom + second / freedom.powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every order of m and n figures, counted one by one.
    fn counted(m: usize, n: usize) -> Vec<f64> {
        let mut ways = vec![0.0; m * n + 1];
        for order in 0_u32..1 << (m + n) {
            if order.count_ones() as usize == m {
                let pairs: u32 = (0..m + n)
                    .filter(|place| order >> place & 1 == 1)
                    .map(|place| (!order & ((1 << place) - 1)).count_ones())
                    .sum();
                ways[pairs as usize] += 1.0;
            }
        }
        ways.truncate(m * n / 2 + 1);
        ways
    }

    #[test]
    fn the_distribution_is_that_of_all_orders() {
        for (m, n) in [(1, 1), (1, 5), (2, 2), (3, 4), (4, 4), (5, 5), (3, 9), (6, 7), (8, 8)] {
            assert_eq!(lower_half(m, n), counted(m, n), "{m} and {n}");
            let all: f64 = counted(m, n).iter().sum();
            assert!(arrangements(m, n) <= 2.0 * all, "{m} and {n}");
        }
        assert_eq!((arrangements(4, 4), arrangements(2, 3)), (70.0, 10.0));
    }

    /// The critical values of the two-sided test at 5 % that textbooks print
    /// (there: the largest number of pairs that rejects, so one less).
    #[test]
    fn cuts_are_those_of_the_tables() {
        let table = [(4, 4, 0), (5, 5, 2), (6, 6, 5), (8, 8, 13), (10, 10, 23), (12, 12, 37), (20, 20, 127)];
        for (m, n, critical) in table {
            assert_eq!(cut(m, n, 0.05), critical + 1, "{m} and {n}");
        }
        assert_eq!((cut(5, 9, 0.05), cut(9, 5, 0.05)), (8, 8));
        assert_eq!((cut(3, 3, 0.05), cut(3, 3, 0.1), cut(4, 4, 0.028)), (0, 1, 0));
    }

    #[test]
    fn beyond_the_exact_distribution_the_normal_one_goes_on() {
        for level in [0.05, 0.03, 0.001] {
            for (m, n) in [(30, 30), (50, 50), (20, 80)] {
                let exact = cut(m, n, level);
                assert!(
                    exact.abs_diff(approximate_cut(m, n, level)) <= 1 + exact / 50,
                    "{m} and {n} at {level}"
                );
            }
        }
        assert!(cut(1_000, 1_000, 0.03) > 400_000);
    }

    #[test]
    fn the_fewest_runs_follow_from_the_level() {
        assert_eq!([0.1, 0.05, 0.03, 0.01, 0.003, 0.000_6].map(least), [3, 4, 4, 5, 6, 7]);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        let near = |value: f64, expected: f64, by: f64| assert!((value - expected).abs() < by, "{value}");
        near(deviations(0.05), 1.959_964, 1e-6);
        near(deviations(0.003), 2.967_738, 1e-6);
        near(student(1.959_964, 10.0), 2.228, 3e-3);
        near(student(1.959_964, 30.0), 2.042, 1e-3);
    }
}
