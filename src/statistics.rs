//! What repeated runs say: a lane's figures in a few numbers, and whether two
//! lanes differ or only seem to.
//!
//! Latencies are skewed and have stragglers, so everything here goes by ranks:
//! medians, the median absolute deviation (MAD), percentiles by nearest rank.
//!
//! A difference is *shown* where an interval for the ratio of two lanes leaves
//! out 1. The interval is the one that belongs to the Mann–Whitney test, with
//! its exact distribution for small samples, taken on logarithms: all ratios of
//! a run of the one lane to a run of the other are put in order and as many are
//! cut off at either end as the level allows. It is then widened in four cases:
//!
//! - Ties count against a difference, so rounded figures make fewer claims.
//! - Where one lane is steady and the other is not, the exact test says too
//!   often that they differ. So the test of Brunner and Munzel, which allows for
//!   unequal spreads, must agree.
//! - The interval always holds the ratio of the medians, the figure shown.
//! - What the clock can't resolve is added at both ends ([`Test::resolution`]).
//!
//! Runs of one round are neighbours in time, and what slows both lanes slows
//! them together. The test does not look at pairs, which costs some power then
//! and makes claims rarer, never more frequent. Pairs would need seven runs before
//! anything could be shown, and a failed run would take its neighbour with it.

mod contrast;
mod rank_test;

pub use contrast::{
    Better, Contrast, LEVEL, MILLISECOND, Ratio, Standing, Test, against_best, contrast, contrast_at,
};

/// How far from the median a run must be to be an outlier, in MADs: ten
/// standard deviations of a normal distribution, as hyperfine has it.
const OUTLIER: f64 = 14.826;

/// The mean absolute deviation of a normal distribution is so much more than
/// its MAD (Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993).
const MEAN_TO_MEDIAN: f64 = 1.182_9;

/// With fewer runs than this the MAD is too uncertain to call any an outlier.
const LEAST_FOR_OUTLIERS: usize = 5;

/// One lane's figures of one kind, in their unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// How many figures there are.
    pub n: usize,
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// The median absolute deviation from the median.
    pub mad: f64,
    /// The 90th percentile by nearest rank; `None` below 10 runs.
    pub p90: Option<f64>,
    /// The 95th percentile by nearest rank; `None` below 20 runs.
    pub p95: Option<f64>,
    /// The 99th percentile by nearest rank; `None` below 100 runs.
    pub p99: Option<f64>,
    /// Places of runs in the input that lie more than 14.826 MADs from the
    /// median. None below five runs. They stay in all the other figures.
    pub outliers: Vec<usize>,
    /// The first run is an outlier and the figure is larger than the median: for
    /// latencies, something was cold.
    pub first_is_slow: bool,
}

/// Describes figures in the order they were taken. Those that are no finite
/// number are left out; `None` where nothing is left.
pub fn describe(figures: &[f64]) -> Option<Description> {
    let sorted = sorted(figures.iter().copied().filter(|figure| figure.is_finite()));
    let (min, max) = (*sorted.first()?, *sorted.last()?);
    let median = middle(&sorted);
    let mad = middle(&self::sorted(sorted.iter().map(|figure| (figure - median).abs())));
    let outliers = outliers(figures, sorted.len(), median, mad);
    let first_is_slow = outliers.first() == Some(&0) && figures.first().is_some_and(|first| *first > median);
    Some(Description {
        n: sorted.len(),
        median,
        min,
        max,
        mad,
        p90: percentile(&sorted, 90, 10),
        p95: percentile(&sorted, 95, 20),
        p99: percentile(&sorted, 99, 100),
        outliers,
        first_is_slow,
    })
}

fn sorted(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The median of figures in rising order; 0 where there are none.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.get(half) {
        Some(upper) if sorted.len().is_multiple_of(2) => f64::midpoint(sorted[half - 1], *upper),
        Some(middle) => *middle,
        None => 0.0,
    }
}

/// The smallest figure that at least `percent` of all do not exceed.
fn percentile(sorted: &[f64], percent: usize, least: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    if sorted.len() < least { None } else { sorted.get(rank - 1).copied() }
}

fn outliers(figures: &[f64], n: usize, median: f64, mad: f64) -> Vec<usize> {
    if n < LEAST_FOR_OUTLIERS {
        return Vec::new();
    }
    let finite = || figures.iter().enumerate().filter(|(_, figure)| figure.is_finite());
    // More than half are alike: then everything else would be infinitely far off.
    let unit = if mad > 0.0 {
        mad
    } else {
        let deviations: f64 = finite().map(|(_, figure)| (figure - median).abs()).sum();
        deviations / count(n) / MEAN_TO_MEDIAN
    };
    finite().filter(|(_, figure)| (*figure - median).abs() > OUTLIER * unit).map(|(place, _)| place).collect()
}

/// A number of runs, or of pairs of them, as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
const fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests;
