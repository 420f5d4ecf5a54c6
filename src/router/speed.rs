//! How fast a model is to this user, said with the caution that few samples
//! call for.
//!
//! A sample is worth the time to a whole answer of the usual length: its own
//! time to the first visible word, and the usual tokens at its own speed. A
//! failed call stands for an answer after [`FAILED_MS`]. Their logarithms are
//! averaged, so that one outlier weighs little:
//!
//! - A sample loses half of its weight with each half-life of age, a failed
//!   one with each hour, and three quarters with each band of prompt sizes
//!   that lies between it and the request.
//! - Beside them stand two imaginary calls of [`DOUBT_MS`]: a bound from
//!   above that comes down as samples confirm it. Two lucky samples can't win
//!   against many good ones, and a model without samples stands at the bound.
//! - When the latest two answers are both half as slow again as nine tenths of
//!   those before, or as much faster, those before are forgotten.
//!
//! So a newest sample that is slower than the figure never brings it down.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

/// How long a failed call counts for.
pub const FAILED_MS: f64 = 300_000.0;

/// A failed call counts for half after this time.
const FAILED_HALF_LIFE: Duration = Duration::from_hours(1);

/// A failed call that weighs less is dropped, after some four hours: from then
/// on a model is taken for what it was before it failed.
const FORGOTTEN: f64 = 0.05;

/// Imaginary calls that stand beside the samples.
const DOUBT: f64 = 2.0;

/// How long each of them takes.
pub const DOUBT_MS: f64 = 5_000.0;

/// What a sample keeps of its weight for each band between its prompt and the request's.
const OTHER_BAND: f64 = 0.25;

/// By this factor an answer must leave the bulk of the others to be another pace.
const OTHER_PACE: f64 = 1.5;

/// So many samples make a bulk.
const BULK: usize = 3;

/// From so many samples on there is a ninetieth percentile.
const P90_LEAST: usize = 10;

/// Upper bounds in tokens of the bands of prompt sizes.
const BANDS: [u64; 4] = [1_000, 8_000, 32_000, 128_000];

/// One of the user's own calls.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// When it began.
    pub at: Timestamp,
    /// It failed, and not because of the request.
    pub failed: bool,
    /// Tokens of the prompt, approximately.
    pub input: u64,
    /// Tokens of the answer.
    pub output: Option<u64>,
    /// Until the connection stood; 0 where an open one was used again.
    pub connect_ms: Option<f64>,
    /// Until the first visible word; `None` where it did not stream.
    pub first_visible_ms: Option<f64>,
    /// Tokens a second after the first.
    pub decode_tps: Option<f64>,
    /// Until the end.
    pub end_ms: f64,
    /// Who served it behind a gateway.
    pub host: Option<String>,
}

/// How measurements fade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    /// By half with each of these times, and all at once where the pace changes.
    Fading(Duration),
    /// Not at all.
    Whole,
}

/// One host behind a gateway.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// As the gateway names it.
    pub name: String,
    /// How often it was measured.
    pub n: usize,
    /// The median time to its first visible word.
    pub ttfv_p50_ms: Option<f64>,
}

/// What the samples of one model say.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Answers measured, of the present pace.
    pub n: usize,
    /// Failed calls among the latest.
    pub failed: usize,
    /// The weighted median time to the first visible word; as if every call had to connect.
    pub ttfv_p50_ms: Option<f64>,
    /// Nine of ten are faster; known from ten on.
    pub ttfv_p90_ms: Option<f64>,
    /// The weighted median speed, in tokens a second.
    pub tps_p50: Option<f64>,
    /// When the newest call was made, whatever came of it.
    pub latest: Option<Timestamp>,
    /// The cautious time to a whole answer.
    pub answer_ms: f64,
    /// When the pace fell, if it has.
    pub slower_since: Option<Timestamp>,
    /// Hosts behind a gateway, the most used first.
    pub hosts: Vec<Host>,
}

/// The band that a prompt's size falls into.
fn band(input: u64) -> usize {
    BANDS.iter().filter(|bound| input >= **bound).count()
}

/// A sample in the common measure.
struct Point<'a> {
    sample: &'a Sample,
    weight: f64,
    /// Until the first word, as if it had to connect.
    first_ms: Option<f64>,
    answer_ms: f64,
    /// Its natural logarithm.
    log: f64,
}

/// Reads the samples of one model, newest first, for a request with a prompt
/// of `input` tokens and an answer of `output`.
pub fn figures(samples: &[Sample], now: Timestamp, memory: Memory, input: u64, output: u64) -> Figures {
    // A call over an open connection counts as if it had had to connect: so will the next one.
    let connecting = samples.iter().filter_map(|sample| sample.connect_ms.filter(|ms| *ms > 0.0));
    let connecting = median(connecting.map(|ms| (ms, 1.0)).collect()).unwrap_or(0.0);
    let point = |sample| point(sample, now, memory, input, output, connecting);
    // From here on the oldest comes first, as it happened.
    let points: Vec<Point<'_>> = samples.iter().rev().filter_map(point).collect();
    let (from, slower_since) = match memory {
        Memory::Fading(_) => pace(&points),
        Memory::Whole => (0, None),
    };
    let points = &points[from..];
    let measured: Vec<&Point<'_>> = points.iter().filter(|point| !point.sample.failed).collect();
    let first: Vec<_> = measured.iter().filter_map(|point| Some((point.first_ms?, point.weight))).collect();
    let speeds = measured.iter().filter_map(|point| Some((point.sample.decode_tps?, point.weight)));
    Figures {
        n: measured.len(),
        failed: points.len() - measured.len(),
        ttfv_p90_ms: if measured.len() >= P90_LEAST { quantile(first.clone(), 0.9) } else { None },
        tps_p50: median(speeds.collect()),
        latest: samples.first().map(|sample| sample.at),
        answer_ms: cautious(points),
        slower_since,
        hosts: hosts(&measured),
        ttfv_p50_ms: median(first),
    }
}

fn point(
    sample: &Sample,
    now: Timestamp,
    memory: Memory,
    input: u64,
    output: u64,
    connecting: f64,
) -> Option<Point<'_>> {
    let half_life = match memory {
        Memory::Fading(_) if sample.failed => FAILED_HALF_LIFE,
        Memory::Fading(half_life) => half_life,
        Memory::Whole => Duration::MAX,
    };
    let age = now.duration_since(sample.at).as_secs_f64().max(0.0);
    let bands = i32::try_from(band(input).abs_diff(band(sample.input))).unwrap_or(0);
    let weight = 0.5_f64.powf(age / half_life.as_secs_f64().max(1.0)) * OTHER_BAND.powi(bands);
    if sample.failed {
        let counts = weight >= FORGOTTEN || memory == Memory::Whole;
        return counts.then(|| Point {
            sample,
            weight,
            first_ms: None,
            answer_ms: FAILED_MS,
            log: FAILED_MS.ln(),
        });
    }
    let cold = if sample.connect_ms.is_none_or(|ms| ms > 0.0) { 0.0 } else { connecting };
    let first_ms = sample.first_visible_ms? + cold;
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    let rest_ms = match sample.decode_tps {
        Some(speed) if speed > 0.0 => 1_000.0 * output as f64 / speed,
        // It came in one piece: what was left to wait for was its end.
        _ => (sample.end_ms - sample.first_visible_ms?).max(0.0),
    };
    // A logarithm wants something above zero.
    let answer_ms = (first_ms + rest_ms).max(0.1);
    Some(Point { sample, weight, first_ms: Some(first_ms), answer_ms, log: answer_ms.ln() })
}

/// The weighted mean of the logarithms, with the doubt beside it, in milliseconds.
fn cautious(points: &[Point<'_>]) -> f64 {
    let doubt = (DOUBT, DOUBT * DOUBT_MS.ln());
    let add = |(weight, sum), point: &Point<'_>| (weight + point.weight, sum + point.weight * point.log);
    let (weight, sum) = points.iter().fold(doubt, add);
    (sum / weight).exp()
}

/// Where the present pace begins, and since when it is slower than before.
///
/// Neither kind of change may make a newest sample that is slower than the
/// figure look good: what came before a fall is forgotten only where that does
/// not flatter, and a rise must be faster than the figure itself.
fn pace(points: &[Point<'_>]) -> (usize, Option<Timestamp>) {
    let (mut from, mut slower_since) = (0, None);
    // The answers of this pace but for the latest two, in rising order.
    let mut bulk: Vec<f64> = Vec::new();
    for end in 2..=points.len() {
        let two = &points[end - 2..end];
        let (least, most) = match (two[0].answer_ms, two[1].answer_ms) {
            (a, b) if a < b => (a, b),
            (a, b) => (b, a),
        };
        if bulk.len() >= BULK {
            let slower = least > OTHER_PACE * nearest_rank(&bulk, 0.9)
                && cautious(two) >= cautious(&points[from..end]);
            let faster = OTHER_PACE * most < nearest_rank(&bulk, 0.1)
                && two[1].answer_ms < cautious(&points[from..end - 1]);
            if slower || faster {
                from = end - 2;
                slower_since = slower.then_some(two[0].sample.at);
                bulk.clear();
            }
        }
        let at = bulk.partition_point(|known| *known <= two[0].answer_ms);
        bulk.insert(at, two[0].answer_ms);
    }
    (from, slower_since)
}

/// The nearest rank among figures in rising order, of which there are some.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there are a few figures"
)]
fn nearest_rank(rising: &[f64], share: f64) -> f64 {
    let rank = (rising.len() as f64 * share).ceil() as usize;
    rising[rank.clamp(1, rising.len()) - 1]
}

/// The nearest rank among weighted figures.
fn quantile(mut figures: Vec<(f64, f64)>, share: f64) -> Option<f64> {
    figures.sort_by(|a, b| a.0.total_cmp(&b.0));
    let whole: f64 = figures.iter().map(|(_, weight)| weight).sum();
    let mut passed = 0.0;
    let reached = figures.iter().find(|(_, weight)| {
        passed += weight;
        // Weights are sums of fractions: what is short by an error of rounding is there.
        passed >= share * whole * (1.0 - 1e-9)
    });
    reached.or(figures.last()).map(|(figure, _)| *figure)
}

fn median(figures: Vec<(f64, f64)>) -> Option<f64> {
    quantile(figures, 0.5)
}

fn hosts(measured: &[&Point<'_>]) -> Vec<Host> {
    let mut by_name: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    for point in measured {
        if let (Some(host), Some(first)) = (&point.sample.host, point.first_ms) {
            by_name.entry(host).or_default().push((first, point.weight));
        }
    }
    let mut hosts: Vec<Host> = by_name
        .into_iter()
        .map(|(name, first)| Host { name: name.to_owned(), n: first.len(), ttfv_p50_ms: median(first) })
        .collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.n));
    hosts
}
