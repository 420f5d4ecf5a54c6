//! Whether two lanes differ, and which of several is the best.

use super::rank_test::{cut, deviations, least, may_be_equal};
use super::{count, middle, sorted};

/// How often two lanes that are alike may be said to differ: at most in 3 of
/// 100 comparisons. Stricter than the usual 5, since a claim costs its reader
/// money; with four runs a lane it is what can be reached at all.
pub const LEVEL: f64 = 0.03;

/// What latencies can't be told apart below, in milliseconds. Lanes are started
/// one after the other and their bytes read by one thread, so the order alone
/// can make up such a difference, and steadily so: a test of chance alone would
/// call it real.
pub const MILLISECOND: f64 = 1.0;

/// With fewer runs a lane says too little of its own spread, however many the
/// other has.
const FEWEST: usize = 4;

/// Runs of a lane that are looked at; of more, ones evenly spread over time.
/// All pairs of them are put in order.
const MOST: usize = 1_000;

/// How to compare.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Test {
    /// How often lanes that are alike may be said to differ: between 0 and 1.
    pub level: f64,
    /// What figures can't be told apart below, in their own unit.
    pub resolution: f64,
}

/// One lane's figures in relation to another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The second median divided by the first.
    pub ratio: f64,
    /// The least that it may truly be. Not below 0.
    pub low: f64,
    /// The most that it may truly be.
    pub high: f64,
}

/// What a comparison of two lanes says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contrast {
    /// Nothing could be shown, however far apart they are.
    TooFew {
        /// Runs that each lane needs.
        least: usize,
    },
    /// They may be alike: the interval holds 1.
    Open(Ratio),
    /// They differ: the interval leaves out 1.
    Shown(Ratio),
}

impl Contrast {
    /// The ratio, where the difference is shown.
    pub const fn shown(&self) -> Option<&Ratio> {
        match self {
            Self::Shown(ratio) => Some(ratio),
            Self::TooFew { .. } | Self::Open(_) => None,
        }
    }

    /// The ratio, shown or not; `None` with too few runs.
    pub const fn ratio(&self) -> Option<&Ratio> {
        match self {
            Self::Shown(ratio) | Self::Open(ratio) => Some(ratio),
            Self::TooFew { .. } => None,
        }
    }
}

/// How many times as large the figures of `b` are as those of `a`: for
/// latencies, how much slower `b` is. Two lanes, chosen before looking, at
/// [`LEVEL`]; the figures are taken as exact.
pub fn contrast(a: &[f64], b: &[f64]) -> Contrast {
    contrast_at(a, b, Test { level: LEVEL, resolution: 0.0 })
}

/// [`contrast`] at another level and with a clock's resolution. Figures that
/// are no positive, finite number are left out. The same figures always give
/// the same result.
pub fn contrast_at(a: &[f64], b: &[f64], test: Test) -> Contrast {
    let (a, b) = (usable(a), usable(b));
    let cut = cut(a.len(), b.len(), test.level);
    if cut == 0 || a.len().min(b.len()) < FEWEST {
        return Contrast::TooFew { least: least(test.level).max(FEWEST) };
    }
    let (a_median, b_median) = (middle(&a), middle(&b));
    let ratio = b_median / a_median;
    let (low, high) = limits(&logarithms(&a), &logarithms(&b), cut, deviations(test.level));
    let unresolved = test.resolution / a_median;
    let ratio = Ratio {
        ratio,
        low: (low.exp().min(ratio) - unresolved).max(0.0),
        high: high.exp().max(ratio) + unresolved,
    };
    if ratio.low > 1.0 || ratio.high < 1.0 { Contrast::Shown(ratio) } else { Contrast::Open(ratio) }
}

/// What can be compared, in rising order.
fn usable(figures: &[f64]) -> Vec<f64> {
    let usable = || figures.iter().copied().filter(|figure| figure.is_finite() && *figure > 0.0);
    let step = usable().count().div_ceil(MOST).max(1);
    sorted(usable().step_by(step))
}

fn logarithms(sorted: &[f64]) -> Vec<f64> {
    sorted.iter().map(|figure| figure.ln()).collect()
}

/// The interval for how far `b` lies above `a`; both in rising order.
fn limits(a: &[f64], b: &[f64], cut: usize, z: f64) -> (f64, f64) {
    let rising = sorted(b.iter().flat_map(|b| a.iter().map(move |a| b - a)));
    let falling: Vec<f64> = rising.iter().rev().map(|difference| -difference).collect();
    (lower_limit(a, b, &rising, cut, z), -lower_limit(b, a, &falling, cut, z))
}

/// The least shift of `b` against `a` that one of the two tests accepts.
/// `differences` are all those between them, in rising order.
fn lower_limit(a: &[f64], b: &[f64], differences: &[f64], cut: usize, z: f64) -> f64 {
    let is_accepted_below =
        |place: usize| may_be_equal(a, b, f64::midpoint(differences[place - 1], differences[place]), z);
    let (mut rejected, mut limit) = (0, cut - 1);
    if limit == 0 || !is_accepted_below(limit) {
        return differences[limit];
    }
    // Below the first of them the samples lie wholly apart.
    while limit - rejected > 1 {
        let middle = usize::midpoint(rejected, limit);
        if is_accepted_below(middle) {
            limit = middle;
        } else {
            rejected = middle;
        }
    }
    differences[rejected]
}

/// Which way figures are better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Latencies.
    Lower,
    /// Speeds.
    Higher,
}

/// Several lanes and the best of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The place of the lane with the best median, the first of equals.
    pub best: usize,
    /// For each lane how many times better the best one is, which is never below
    /// 1; `None` for the best itself and for lanes without figures.
    pub others: Vec<Option<Contrast>>,
}

impl Standing {
    /// Whether the best lane is shown to be better than every other that has
    /// figures, of which there must be one.
    pub fn is_shown(&self) -> bool {
        let mut others = self.others.iter().flatten().peekable();
        others.peek().is_some() && others.all(|contrast| contrast.shown().is_some())
    }
}

/// Finds the best lane and compares all the others with it. `None` where no
/// lane has figures.
///
/// Which lane is the best is not known before looking, so in effect every pair
/// has been looked at, and each comparison gets its share of [`LEVEL`]: the
/// level divided by the number of pairs (Bonferroni). So at most 3 of 100 whole
/// comparisons of lanes that are alike make any claim.
pub fn against_best(lanes: &[&[f64]], better: Better, resolution: f64) -> Option<Standing> {
    let samples: Vec<Vec<f64>> = lanes.iter().map(|figures| usable(figures)).collect();
    let medians = samples.iter().map(|sample| middle(sample)).enumerate();
    let with_figures = medians.filter(|(lane, _)| !samples[*lane].is_empty());
    let (best, _) = with_figures.min_by(|(_, a), (_, b)| match better {
        Better::Lower => a.total_cmp(b),
        Better::Higher => b.total_cmp(a),
    })?;
    // Lanes of too few runs make no claims, so they take no share.
    let compared = samples.iter().filter(|sample| sample.len() >= FEWEST).count();
    let pairs = (compared * compared.saturating_sub(1) / 2).max(1);
    let test = Test { level: LEVEL / count(pairs), resolution };
    let contrast = |(lane, sample): (usize, &Vec<f64>)| {
        if lane == best || sample.is_empty() {
            return None;
        }
        Some(match better {
            Better::Lower => contrast_at(&samples[best], sample, test),
            Better::Higher => contrast_at(sample, &samples[best], test),
        })
    };
    Some(Standing { best, others: samples.iter().enumerate().map(contrast).collect() })
}
