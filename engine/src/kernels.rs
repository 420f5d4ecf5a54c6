//! The inner loops, chosen at run time for the processor at hand: AVX-512 VNNI,
//! AVX2, or plain code that compilers turn into whatever SIMD is always there.
//!
//! The one file with `unsafe`, for three reasons: instructions that not every
//! processor has, loads into vector registers, and the memory map of the
//! weights. A loop's arithmetic does not depend on how many tokens run at once,
//! so the same prompt gives the same bits however it is cut.
#![expect(unsafe_code, reason = "SIMD instructions chosen at run time, and the memory map of the weights")]

use std::fs::File;
use std::io;

use memmap2::Mmap;

use super::blocks::{self, Quantization, Tile};
use super::math;

/// Sixteen half floats side by side, as the attention's cache keeps them.
pub(super) type Halves = [u16; 16];

/// Which instructions may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Vnni,
}

/// The kernels of one instruction set.
///
/// Invariant: a level other than the portable one is held only where the
/// processor was seen to have all its instructions. The field is private, and
/// [`Self::detect`] and [`Self::every`] are the only places that make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernels(Level);

/// Runs a kernel at the level of `$self`.
macro_rules! at_level {
    ($self:ident, $portable:expr, $avx2:expr) => {
        at_level!($self, $portable, $avx2, $avx2)
    };
    ($self:ident, $portable:expr, $avx2:expr, $vnni:expr) => {
        match $self.0 {
            Level::Portable => $portable,
            // SAFETY: by the type's invariant the processor has the instructions.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { $avx2 },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Vnni => unsafe { $vnni },
        }
    };
}

impl Kernels {
    /// Plain code.
    pub(super) const PORTABLE: Self = Self(Level::Portable);

    /// The fastest that this processor can run.
    pub(super) fn detect() -> Self {
        Self::every().last().unwrap_or(Self::PORTABLE)
    }

    /// All that this processor can run, the fastest last.
    pub(super) fn every() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let (avx2, vnni) = {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let vnni = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            (avx2.then_some(Level::Avx2), vnni.then_some(Level::Vnni))
        };
        #[cfg(not(target_arch = "x86_64"))]
        let (avx2, vnni) = (None, None);
        [Some(Level::Portable), avx2, vnni].into_iter().flatten().map(Self)
    }

    /// The products of some whole rows of a quantised matrix with `N` tokens.
    /// One [`Tile`] covers one block of the columns.
    pub(super) fn products<const N: usize>(
        self,
        quantization: Quantization,
        rows: &[u8],
        tiles: &[Tile<N>],
        out: &mut [[f32; N]],
    ) {
        match quantization {
            // Such rows hold no blocks; their products are plain scalar ones.
            Quantization::F32 => {}
            Quantization::Q4_0 => at_level!(
                self,
                portable(rows, tiles, out, blocks::unpack_q4_0),
                x86::avx2::q4_0(rows, tiles, out),
                x86::vnni::q4_0(rows, tiles, out)
            ),
            Quantization::Q4_1 => at_level!(
                self,
                portable(rows, tiles, out, blocks::unpack_q4_1),
                x86::avx2::q4_1(rows, tiles, out),
                x86::vnni::q4_1(rows, tiles, out)
            ),
            Quantization::Q8_0 => at_level!(
                self,
                portable(rows, tiles, out, blocks::unpack_q8_0),
                x86::avx2::q8_0(rows, tiles, out),
                x86::vnni::q8_0(rows, tiles, out)
            ),
        }
    }

    /// For each `n`, the sum over `i` of `factors[n][i] × rows[i]`. Attention is
    /// made of this: sixteen positions' scores, and sixteen numbers of their mix.
    pub(super) fn combine<const N: usize>(self, factors: [&[f32]; N], rows: &[Halves]) -> [[f32; 16]; N] {
        let factors = factors.map(|factors| &factors[..rows.len()]);
        at_level!(self, combine(factors, rows), x86::combine(factors, rows))
    }

    /// As [`math::swiglu`].
    pub(super) fn swiglu(self, gate: &mut [f32], up: &[f32]) {
        at_level!(self, math::swiglu(gate, up), x86::swiglu(gate, up));
    }

    /// As [`math::softmax`].
    pub(super) fn softmax(self, scores: &mut [f32]) {
        at_level!(self, math::softmax(scores), x86::softmax(scores));
    }

    /// Rounds one token's row into place `n` of a row of tiles.
    pub(super) fn round<const N: usize>(self, row: &[f32], n: usize, tiles: &mut [Tile<N>]) {
        at_level!(self, round(row, n, tiles), x86::round(row, n, tiles));
    }
}

/// Maps a file into memory, to be read as it is used.
///
/// # Errors
/// Where the system refuses.
pub(super) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the map stays sound as long as no process shortens or writes the
    // file meanwhile. Weights get their name by a rename when they are complete,
    // and a newer download replaces the name, never the bytes.
    unsafe { Mmap::map(file) }
}

#[inline(always)]
fn round<const N: usize>(row: &[f32], n: usize, tiles: &mut [Tile<N>]) {
    for (tile, numbers) in tiles.iter_mut().zip(row.as_chunks().0) {
        tile.set(n, numbers);
    }
}

#[inline(always)]
fn portable<const N: usize, const B: usize>(
    rows: &[u8],
    tiles: &[Tile<N>],
    out: &mut [[f32; N]],
    unpack: impl Fn(&[u8; B]) -> ([i8; blocks::BLOCK], f32, f32),
) {
    for (row, out) in rows.chunks_exact((tiles.len() * B).max(1)).zip(out) {
        let mut sums = [0.0; N];
        for (block, tile) in row.as_chunks::<B>().0.iter().zip(tiles) {
            let (weights, scale, offset) = unpack(block);
            for (n, total) in sums.iter_mut().enumerate() {
                let pairs = weights.iter().zip(&tile.values[n]);
                let sum: i32 = pairs.map(|(w, a)| i32::from(i16::from(*w) * i16::from(*a))).sum();
                *total += scale * tile.scales[n] * sum as f32 + offset * tile.sums[n];
            }
        }
        *out = sums;
    }
}

#[inline(always)]
fn combine<const N: usize>(factors: [&[f32]; N], rows: &[Halves]) -> [[f32; 16]; N] {
    let mut sums = [[0.0; 16]; N];
    for (i, row) in rows.iter().enumerate() {
        let numbers = row.map(blocks::half_to_f32);
        for (sums, factors) in sums.iter_mut().zip(&factors) {
            for (sum, number) in sums.iter_mut().zip(&numbers) {
                *sum += factors[i] * number;
            }
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::blocks::{Q4_0_BYTES, Q4_1_BYTES, Q8_0_BYTES};
    use super::{Halves, Tile, math};

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn load16(bytes: &[u8; 16]) -> __m128i {
        // SAFETY: sixteen bytes are there, and the load needs no alignment.
        unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn load32<T: Copy>(values: &[T; 32]) -> __m256i {
        const { assert!(size_of::<T>() == 1) };
        // SAFETY: 32 values of one byte each are there, and the load needs no alignment.
        unsafe { _mm256_loadu_si256(values.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn store8(values: __m256) -> [f32; 8] {
        let mut out = [0.0; 8];
        // SAFETY: there is room for eight, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(out.as_mut_ptr(), values) };
        out
    }

    /// Two half floats.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn halves(bytes: [u8; 4]) -> (f32, f32) {
        let both = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from_le_bytes(bytes)));
        (_mm_cvtss_f32(both), _mm_cvtss_f32(_mm_movehdup_ps(both)))
    }

    /// One half float.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn half(bytes: [u8; 2]) -> f32 {
        halves([bytes[0], bytes[1], 0, 0]).0
    }

    /// Sixteen bytes as 32 numbers of four bits, the low halves first.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn nibbles(bytes: &[u8; 16]) -> __m256i {
        let low = load16(bytes);
        let both = _mm256_set_m128i(_mm_srli_epi16::<4>(low), low);
        _mm256_and_si256(both, _mm256_set1_epi8(15))
    }

    /// Integers, scale and offset of a block, as in [`super::blocks`].
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn unpack_q4_0(block: &[u8; Q4_0_BYTES]) -> (__m256i, f32, f32) {
        let [d0, d1, numbers @ ..] = block;
        let scale = half([*d0, *d1]);
        (nibbles(numbers), scale, -8.0 * scale)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn unpack_q4_1(block: &[u8; Q4_1_BYTES]) -> (__m256i, f32, f32) {
        let [d0, d1, m0, m1, numbers @ ..] = block;
        let (scale, offset) = halves([*d0, *d1, *m0, *m1]);
        (nibbles(numbers), scale, offset)
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn unpack_q8_0(block: &[u8; Q8_0_BYTES]) -> (__m256i, f32, f32) {
        let [d0, d1, numbers @ ..] = block;
        (load32(numbers), half([*d0, *d1]), 0.0)
    }

    /// Products of non-negative bytes with signed ones, summed by fours.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn multiply_avx2(weights: __m256i, values: __m256i) -> __m256i {
        // No pair of products leaves 16 bits: 2 × 128 × 127 is less than 32768.
        _mm256_madd_epi16(_mm256_maddubs_epi16(weights, values), _mm256_set1_epi16(1))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512vl,avx512vnni")]
    fn multiply_vnni(weights: __m256i, values: __m256i) -> __m256i {
        _mm256_dpbusd_epi32(_mm256_setzero_si256(), weights, values)
    }

    /// As it is, for weights that have no sign.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn unsigned(weights: __m256i, values: __m256i) -> (__m256i, __m256i) {
        (weights, values)
    }

    /// The weights' signs moved to the values, because one side must have none.
    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn signed(weights: __m256i, values: __m256i) -> (__m256i, __m256i) {
        (_mm256_sign_epi8(weights, weights), _mm256_sign_epi8(values, weights))
    }

    #[inline]
    #[target_feature(enable = "avx2,fma,f16c")]
    fn sum8(lanes: __m256) -> f32 {
        let four = _mm_add_ps(_mm256_castps256_ps128(lanes), _mm256_extractf128_ps::<1>(lanes));
        let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
        _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
    }

    /// A module of products for one instruction set.
    macro_rules! products {
        ($set:ident, $features:literal, $multiply:path, $($name:ident: $bytes:path, $unpack:path, $sign:path;)*) => {
            pub(super) mod $set {
                use super::*;
                $(
                    #[target_feature(enable = $features)]
                    pub(in super::super) fn $name<const N: usize>(
                        rows: &[u8],
                        tiles: &[Tile<N>],
                        out: &mut [[f32; N]],
                    ) {
                        for (row, out) in rows.chunks_exact((tiles.len() * $bytes).max(1)).zip(out) {
                            let mut sums = [_mm256_setzero_ps(); N];
                            let mut offsets = [0.0_f32; N];
                            for (block, tile) in row.as_chunks::<{ $bytes }>().0.iter().zip(tiles) {
                                let (weights, scale, offset) = $unpack(block);
                                for n in 0..N {
                                    let (weights, values) = $sign(weights, load32(&tile.values[n]));
                                    let numbers = _mm256_cvtepi32_ps($multiply(weights, values));
                                    let scale = _mm256_set1_ps(scale * tile.scales[n]);
                                    sums[n] = _mm256_fmadd_ps(scale, numbers, sums[n]);
                                    offsets[n] = offset.mul_add(tile.sums[n], offsets[n]);
                                }
                            }
                            for n in 0..N {
                                out[n] = sum8(sums[n]) + offsets[n];
                            }
                        }
                    }
                )*
            }
        };
    }

    products! {
        avx2, "avx2,fma,f16c", multiply_avx2,
        q4_0: Q4_0_BYTES, unpack_q4_0, unsigned;
        q4_1: Q4_1_BYTES, unpack_q4_1, unsigned;
        q8_0: Q8_0_BYTES, unpack_q8_0, signed;
    }

    products! {
        vnni, "avx2,fma,f16c,avx512f,avx512vl,avx512vnni", multiply_vnni,
        q4_0: Q4_0_BYTES, unpack_q4_0, unsigned;
        q4_1: Q4_1_BYTES, unpack_q4_1, unsigned;
        q8_0: Q8_0_BYTES, unpack_q8_0, signed;
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn combine<const N: usize>(factors: [&[f32]; N], rows: &[Halves]) -> [[f32; 16]; N] {
        let mut sums = [[_mm256_setzero_ps(); 2]; N];
        for (i, row) in rows.iter().enumerate() {
            let halves: &[[u16; 8]] = row.as_chunks().0;
            // SAFETY: eight half floats of two bytes are there, and the load needs no alignment.
            let load = |half: &[u16; 8]| unsafe { _mm_loadu_si128(half.as_ptr().cast()) };
            let numbers = [_mm256_cvtph_ps(load(&halves[0])), _mm256_cvtph_ps(load(&halves[1]))];
            for n in 0..N {
                let factor = _mm256_set1_ps(factors[n][i]);
                sums[n][0] = _mm256_fmadd_ps(factor, numbers[0], sums[n][0]);
                sums[n][1] = _mm256_fmadd_ps(factor, numbers[1], sums[n][1]);
            }
        }
        let mut out = [[0.0; 16]; N];
        for (out, sums) in out.iter_mut().zip(sums) {
            out[..8].copy_from_slice(&store8(sums[0]));
            out[8..].copy_from_slice(&store8(sums[1]));
        }
        out
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn swiglu(gate: &mut [f32], up: &[f32]) {
        math::swiglu(gate, up);
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn softmax(scores: &mut [f32]) {
        math::softmax(scores);
    }

    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn round<const N: usize>(row: &[f32], n: usize, tiles: &mut [Tile<N>]) {
        super::round(row, n, tiles);
    }
}

#[cfg(test)]
mod tests;
