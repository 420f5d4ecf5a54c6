//! The arithmetic between the matrix products, written so that compilers turn
//! it into SIMD and so that every instruction set gives the same bits: sums
//! run in eight fixed lanes, and nothing is fused.

/// Lanes in which sums run.
const LANES: usize = 8;

/// Sums `term` over the pairs of two slices in fixed lanes.
#[inline(always)]
fn sum_of(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0_f32; LANES];
    let (a_lanes, a_rest) = a.as_chunks::<LANES>();
    let (b_lanes, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_lanes.iter().zip(b_lanes) {
        for i in 0..LANES {
            lanes[i] += term(a[i], b[i]);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    let halves = [lanes[0] + lanes[4], lanes[1] + lanes[5], lanes[2] + lanes[6], lanes[3] + lanes[7]];
    (halves[0] + halves[2]) + (halves[1] + halves[3]) + rest
}

/// The scalar product.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_of(a, b, |a, b| a * b)
}

/// e to the power of `x`, within two units of the last place; below -87 about 0.
/// The polynomial is that of Cephes' `expf`.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    const ROUND: f32 = 12_582_912.0;
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x > -87.0 { x } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let n = shifted - ROUND;
    // ln 2 in two parts, the first exact in few bits, so that little is lost.
    let r = x - n * (355.0 / 512.0) - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4_f32;
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1] {
        p = p * r + c;
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23));
    (p * r * r + r + 1.0) * power
}

/// Divides by the root of the mean square, then multiplies by the weights.
#[inline(always)]
pub(super) fn norm(x: &[f32], weights: &[f32], epsilon: f32, out: &mut [f32]) {
    let scale = 1.0 / (dot(x, x) / x.len() as f32 + epsilon).sqrt();
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weights) {
        *out = x * scale * weight;
    }
}

/// The gated activation: `gate / (1 + exp(-gate)) × up`, into `gate`.
#[inline(always)]
pub(super) fn swiglu(gate: &mut [f32], up: &[f32]) {
    for (gate, up) in gate.iter_mut().zip(up) {
        *gate = *gate / (1.0 + exp(-*gate)) * up;
    }
}

/// Turns scores into shares that add up to one.
#[inline(always)]
pub(super) fn softmax(scores: &mut [f32]) {
    let mut lanes = [f32::MIN; LANES];
    for eight in scores.as_chunks::<LANES>().0 {
        for (lane, score) in lanes.iter_mut().zip(eight) {
            *lane = if *score > *lane { *score } else { *lane };
        }
    }
    let rest = scores.as_chunks::<LANES>().1;
    let largest = lanes.iter().chain(rest).copied().fold(f32::MIN, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let scale = 1.0 / sum_of(scores, scores, |a, _| a);
    for score in scores {
        *score *= scale;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_two_units_of_the_last_place() {
        for i in -86_000..88_000 {
            let x = i as f32 / 1_000.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error < 2.0 * f64::from(f32::EPSILON), "exp({x}) is off by {error}");
        }
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
        assert!(exp(f32::INFINITY).is_finite());
    }

    #[test]
    fn shares_add_up_to_one_whatever_the_scores() {
        for count in [1, 7, 8, 19] {
            let mut scores: Vec<f32> = (0..count).map(|i| i as f32 * 30.0 - 200.0).collect();
            softmax(&mut scores);
            assert!((scores.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            assert!(scores.is_sorted());
        }
    }

    #[test]
    fn sums_count_every_number_once() {
        let numbers: Vec<f32> = (1..=21).map(|i| i as f32).collect();
        assert_eq!(dot(&numbers, &[1.0; 21]), 231.0);
    }

    #[test]
    fn a_normed_row_has_mean_square_one() {
        let mut out = [0.0; 4];
        norm(&[3.0, -3.0, 3.0, -3.0], &[1.0, 1.0, 2.0, 1.0], 0.0, &mut out);
        assert_eq!(out, [1.0, -1.0, 2.0, -1.0]);
    }
}
