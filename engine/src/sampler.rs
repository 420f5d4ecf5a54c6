//! Which token comes next, and when a model only repeats itself.

use super::Request;
use super::math::exp;

/// Picks tokens. The same seed and the same scores give the same tokens.
pub(super) struct Sampler {
    /// Zero for the best token always.
    temperature: f32,
    /// Share of the likeliest tokens to pick from.
    top_p: f64,
    state: u64,
    candidates: Vec<(f32, u32)>,
}

impl Sampler {
    /// A sampler as the user asked for it; by default the best token always,
    /// with which so small a model gets most facts right.
    pub(super) fn new(request: &Request) -> Self {
        let temperature = request.temperature.unwrap_or(0.0) as f32;
        let top_p = request.top_p.unwrap_or(1.0);
        Self {
            temperature: if temperature.is_finite() { temperature.max(0.0) } else { 0.0 },
            top_p: if top_p.is_nan() { 1.0 } else { top_p.clamp(0.0, 1.0) },
            state: request.seed.unwrap_or_else(|| fastrand::u64(..)),
            candidates: Vec::new(),
        }
    }

    /// The next token, or `None` where no score is a number.
    pub(super) fn pick(&mut self, scores: &[f32]) -> Option<u32> {
        let (best, highest) = best(scores)?;
        if self.temperature == 0.0 {
            return Some(best);
        }
        let weight = |score: f32| exp((score - highest) / self.temperature);
        let mut total: f64 = scores.iter().map(|score| f64::from(weight(*score))).sum();
        self.candidates.clear();
        // All that are lighter than this weigh too little together to reach into
        // the share, so they need no sorting.
        let lightest = (1.0 - self.top_p) * total / scores.len() as f64;
        let weighed = scores.iter().map(|score| weight(*score)).zip(0..);
        self.candidates.extend(weighed.filter(|(weight, _)| f64::from(*weight) >= lightest));
        if self.top_p < 1.0 {
            self.candidates.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let (mut sum, mut kept) = (0.0, 0);
            while kept < self.candidates.len() && (kept == 0 || sum < self.top_p * total) {
                sum += f64::from(self.candidates[kept].0);
                kept += 1;
            }
            self.candidates.truncate(kept);
            total = sum;
        }
        let mut left = self.random() * total;
        for (weight, token) in &self.candidates {
            left -= f64::from(*weight);
            if left < 0.0 {
                return Some(*token);
            }
        }
        self.candidates.last().map(|(_, token)| *token)
    }

    /// A number from 0 up to but not including 1. `SplitMix64`, written out so that
    /// a seed means the same in every release.
    fn random(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// The first token with the highest score.
fn best(scores: &[f32]) -> Option<(u32, f32)> {
    let mut best = None;
    for (token, score) in (0..).zip(scores) {
        if score.is_finite() && best.is_none_or(|(_, highest)| *score > highest) {
            best = Some((token, *score));
        }
    }
    best
}

/// The longest piece whose repetition is noticed, in tokens.
const LONGEST_PERIOD: usize = 128;
/// How often a piece must come in a row.
const REPETITIONS: usize = 4;
/// How many tokens the repetitions must make up: short ones, such as the ruler
/// of a table, may come more often.
const LEAST_REPEATED: usize = 64;

/// Notices that an answer has become a loop. Models this small often end up in
/// one, and only a limit would end it.
#[derive(Default)]
pub(super) struct LoopDetector {
    tokens: Vec<u32>,
    /// For each period, how many of the last tokens equal the one a period before.
    repeated: Vec<usize>,
}

impl LoopDetector {
    /// Takes the next token; says whether the answer repeats itself now.
    pub(super) fn push(&mut self, token: u32) -> bool {
        self.repeated.resize(LONGEST_PERIOD, 0);
        let mut looping = false;
        let before = self.tokens.iter().rev();
        for ((period, repeated), earlier) in (1..).zip(&mut self.repeated).zip(before) {
            *repeated = if *earlier == token { *repeated + 1 } else { 0 };
            looping |= *repeated + period >= LEAST_REPEATED.max(REPETITIONS * period);
        }
        self.tokens.push(token);
        looping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(temperature: f64, top_p: f64, seed: u64) -> Sampler {
        Sampler::new(&Request {
            temperature: Some(temperature),
            top_p: Some(top_p),
            seed: Some(seed),
            ..Request::default()
        })
    }

    #[test]
    fn without_temperature_the_first_of_the_best_is_picked() {
        let mut greedy = Sampler::new(&Request::default());
        assert_eq!(greedy.pick(&[0.5, 2.0, -1.0, 2.0]), Some(1));
        assert_eq!(greedy.pick(&[f32::NAN, f32::NEG_INFINITY, -3.0]), Some(2));
        assert_eq!(greedy.pick(&[f32::NAN, f32::INFINITY]), None);
        assert_eq!(sampler(f64::NAN, f64::NAN, 1).pick(&[0.0, 1.0]), Some(1));
    }

    #[test]
    fn picks_follow_the_weights() {
        // Weights 1, 2 and 4.
        let scores = [0.0, 2_f32.ln(), 4_f32.ln()];
        let mut sampler = sampler(1.0, 1.0, 9);
        let mut counts = [0_i32; 3];
        for _ in 0..7_000 {
            counts[sampler.pick(&scores).unwrap() as usize] += 1;
        }
        for (count, expected) in counts.into_iter().zip([1_000, 2_000, 4_000]) {
            assert!((count - expected).abs() < 150, "{counts:?}");
        }
    }

    #[test]
    fn a_share_leaves_out_the_unlikely() {
        // Shares 1/15, 2/15, 4/15 and 8/15.
        let scores = [0.0, 2_f32.ln(), 4_f32.ln(), 8_f32.ln()];
        for (top_p, least) in [(0.0, 3), (0.5, 3), (0.6, 2), (0.79, 2), (0.81, 1), (1.0, 0)] {
            let mut sampler = sampler(1.0, top_p, 4);
            let lowest = (0..500).filter_map(|_| sampler.pick(&scores)).min();
            assert_eq!(lowest, Some(least), "top_p {top_p}");
        }
    }

    #[test]
    fn a_seed_means_the_same_in_every_release() {
        let mut sampler = sampler(1.0, 1.0, 42);
        let picks: Vec<_> = (0..8).filter_map(|_| sampler.pick(&[0.0; 100])).collect();
        // Numbers of SplitMix64 with the state 42, times a hundred.
        assert_eq!(picks, [74, 15, 27, 34, 3, 86, 21, 80]);
    }

    fn looping_after(tokens: impl Iterator<Item = u32>) -> Option<usize> {
        let mut detector = LoopDetector::default();
        tokens.take(2_000).position(|token| detector.push(token)).map(|place| place + 1)
    }

    #[test]
    fn loops_are_noticed_and_lists_are_not() {
        assert_eq!(looping_after(std::iter::repeat(5)), Some(64));
        assert_eq!(looping_after((0..10).cycle()), Some(64));
        assert_eq!(looping_after((0..100).cycle()), Some(400));
        assert_eq!(looping_after((0..500).chain((0..30).cycle())), Some(500 + 120));
        // A numbered list: the same words, another number.
        assert_eq!(looping_after((0..).map(|i| if i % 6 == 0 { 1_000 + i } else { i % 6 })), None);
        assert_eq!(looping_after(0..), None);
    }
}
