//! How numbers are packed: ggml's block formats, half floats, and activations
//! rounded to eight bits.

/// Numbers in one block of every quantised format.
pub(super) const BLOCK: usize = 32;

/// How a matrix's numbers are packed. In all block formats a scale `d` is a
/// half float; in the four-bit ones byte `i` holds number `i` in its low half
/// and number `i + 16` in its high half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quantization {
    /// Plain `f32`.
    F32,
    /// `d`, 16 bytes: `(q - 8) × d`.
    Q4_0,
    /// `d`, a half float `m`, 16 bytes: `q × d + m`.
    Q4_1,
    /// `d`, 32 signed bytes: `q × d`.
    Q8_0,
}

/// Bytes of a block of [`Quantization::Q4_0`].
pub(super) const Q4_0_BYTES: usize = 18;
/// Bytes of a block of [`Quantization::Q4_1`].
pub(super) const Q4_1_BYTES: usize = 20;
/// Bytes of a block of [`Quantization::Q8_0`].
pub(super) const Q8_0_BYTES: usize = 34;

impl Quantization {
    /// The type with ggml's number, if the kernels know it.
    pub(super) const fn from_id(id: u32) -> Option<Self> {
        Some(match id {
            0 => Self::F32,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            8 => Self::Q8_0,
            _ => return None,
        })
    }

    /// Bytes of a row. `None` where the row is empty, does not end with a
    /// block, or is too long to be counted.
    pub(super) const fn row_bytes(self, columns: usize) -> Option<usize> {
        if columns == 0 {
            return None;
        }
        let block = match self {
            Self::F32 => return columns.checked_mul(4),
            Self::Q4_0 => Q4_0_BYTES,
            Self::Q4_1 => Q4_1_BYTES,
            Self::Q8_0 => Q8_0_BYTES,
        };
        if columns.is_multiple_of(BLOCK) { (columns / BLOCK).checked_mul(block) } else { None }
    }
}

/// A matrix in the file. Made by the reader alone, which has checked that the
/// data is exactly `rows` rows of `columns` numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrix<'a> {
    /// How the numbers are packed.
    pub(super) quantization: Quantization,
    /// Number of rows, which is how many numbers a product with it has.
    pub(super) rows: usize,
    /// Numbers in a row.
    pub(super) columns: usize,
    /// The rows, one after another.
    pub(super) data: &'a [u8],
}

impl<'a> Matrix<'a> {
    /// Bytes of a row.
    pub(super) const fn row_bytes(&self) -> usize {
        // Rows that have no length were refused when the matrix was made.
        self.data.len() / if self.rows == 0 { 1 } else { self.rows }
    }

    /// The bytes of some rows.
    pub(super) fn rows(&self, rows: std::ops::Range<usize>) -> &'a [u8] {
        let bytes = self.row_bytes();
        &self.data[rows.start * bytes..rows.end * bytes]
    }

    /// Unpacks one row.
    pub(super) fn unpack(&self, row: usize, out: &mut [f32]) {
        let data = self.rows(row..row + 1);
        if self.quantization == Quantization::F32 {
            for (number, bytes) in out.iter_mut().zip(data.as_chunks::<4>().0) {
                *number = f32::from_le_bytes(*bytes);
            }
            return;
        }
        let blocks = out.as_chunks_mut::<BLOCK>().0;
        match self.quantization {
            Quantization::F32 => {}
            Quantization::Q4_0 => fill(blocks, data, unpack_q4_0),
            Quantization::Q4_1 => fill(blocks, data, unpack_q4_1),
            Quantization::Q8_0 => fill(blocks, data, unpack_q8_0),
        }
    }
}

fn fill<const B: usize>(
    out: &mut [[f32; BLOCK]],
    data: &[u8],
    unpack: impl Fn(&[u8; B]) -> ([i8; BLOCK], f32, f32),
) {
    for (out, block) in out.iter_mut().zip(data.as_chunks::<B>().0) {
        let (numbers, scale, offset) = unpack(block);
        *out = numbers.map(|number| f32::from(number) * scale + offset);
    }
}

/// The half float at `at`.
#[inline(always)]
fn half_at(bytes: &[u8], at: usize) -> f32 {
    half_to_f32(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

/// Low halves first, then high halves.
#[inline(always)]
fn nibbles(bytes: &[u8]) -> [i8; BLOCK] {
    let mut numbers = [0; BLOCK];
    let (low, high) = numbers.split_at_mut(BLOCK / 2);
    for ((low, high), byte) in low.iter_mut().zip(high).zip(bytes) {
        *low = (byte & 15) as i8;
        *high = (byte >> 4) as i8;
    }
    numbers
}

/// Integers, scale and offset of a block.
#[inline(always)]
pub(super) fn unpack_q4_0(block: &[u8; Q4_0_BYTES]) -> ([i8; BLOCK], f32, f32) {
    let scale = half_at(block, 0);
    (nibbles(&block[2..]), scale, -8.0 * scale)
}

/// Integers, scale and offset of a block.
#[inline(always)]
pub(super) fn unpack_q4_1(block: &[u8; Q4_1_BYTES]) -> ([i8; BLOCK], f32, f32) {
    (nibbles(&block[4..]), half_at(block, 0), half_at(block, 2))
}

/// Integers, scale and no offset of a block.
#[inline(always)]
pub(super) fn unpack_q8_0(block: &[u8; Q8_0_BYTES]) -> ([i8; BLOCK], f32, f32) {
    let mut numbers = [0; BLOCK];
    for (number, byte) in numbers.iter_mut().zip(&block[2..]) {
        *number = byte.cast_signed();
    }
    (numbers, half_at(block, 0), 0.0)
}

/// A half float as `f32`, exactly. Without branches, so that loops over it become SIMD.
#[inline(always)]
pub(super) fn half_to_f32(half: u16) -> f32 {
    // Exponent and mantissa moved into place are the value divided by 2^112,
    // subnormals included; infinity and NaN then need the highest exponent.
    let magnitude = (u32::from(half) & 0x7fff) << 13;
    let value = f32::from_bits(magnitude) * f32::from_bits((127 + 112) << 23);
    let special = if magnitude >= 0x7c00 << 13 { 0xff << 23 } else { 0 };
    f32::from_bits(value.to_bits() | special | (u32::from(half) & 0x8000) << 16)
}

/// The nearest half float, ties to even; too large becomes infinity.
pub(super) fn f32_to_half(value: f32) -> u16 {
    let sign = ((value.to_bits() >> 16) & 0x8000) as u16;
    let magnitude = value.to_bits() & 0x7fff_ffff;
    if magnitude > 0x7f80_0000 {
        return sign | 0x7e00;
    }
    // 65520 and more round to infinity.
    if magnitude >= 0x477f_f000 {
        return sign | 0x7c00;
    }
    if magnitude < 113 << 23 {
        // Subnormal: adding 0.5 leaves the rounded multiple of 2^-24 in the mantissa.
        let shifted = f32::from_bits(magnitude) + 0.5;
        return sign | (shifted.to_bits() - 0.5_f32.to_bits()) as u16;
    }
    let odd = magnitude >> 13 & 1;
    sign | ((magnitude - (112 << 23) + 0xfff + odd) >> 13) as u16
}

/// A block of activations of `N` tokens, rounded to eight bits: number `i` of
/// token `n` is about `values[n][i] × scales[n]`.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(super) struct Tile<const N: usize> {
    /// The rounded numbers, from -127 to 127.
    pub(super) values: [[i8; BLOCK]; N],
    /// What one step is worth.
    pub(super) scales: [f32; N],
    /// The sum of the rounded numbers times the scale: a weight block's offset multiplies it.
    pub(super) sums: [f32; N],
}

impl<const N: usize> Tile<N> {
    /// Nothing but zeros.
    pub(super) const ZERO: Self = Self { values: [[0; BLOCK]; N], scales: [0.0; N], sums: [0.0; N] };

    /// Rounds one token's block into place `n`.
    #[inline(always)]
    pub(super) fn set(&mut self, n: usize, numbers: &[f32; BLOCK]) {
        // The largest magnitude, in lanes so that it becomes SIMD. Bits of
        // magnitudes are ordered as the numbers are, with NaN above them all, so
        // one that is no number spoils the whole block instead of vanishing.
        let mut lanes = [0_i32; 8];
        for eight in numbers.as_chunks::<8>().0 {
            for (lane, number) in lanes.iter_mut().zip(eight) {
                *lane = (*lane).max(number.abs().to_bits().cast_signed());
            }
        }
        let largest = f32::from_bits(lanes.into_iter().fold(0, i32::max).cast_unsigned());
        let scale = largest / 127.0;
        let steps = if largest > 0.0 { 127.0 / largest } else { 0.0 };
        let mut sum = 0;
        for (value, number) in self.values[n].iter_mut().zip(numbers) {
            // Adding 1.5 × 2^23 rounds to a whole number, ties to even, and
            // leaves it in the low bits: one instruction on any processor.
            let rounded = (number * steps + 12_582_912.0).to_bits() as i8;
            *value = rounded;
            sum += i32::from(rounded);
        }
        self.scales[n] = scale;
        self.sums[n] = scale * sum as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_floats_come_back_as_they_were() {
        for half in 0..=u16::MAX {
            let value = half_to_f32(half);
            if value.is_nan() {
                assert!((half & 0x7fff) > 0x7c00);
                assert!(half_to_f32(f32_to_half(value)).is_nan());
            } else {
                assert_eq!(f32_to_half(value), half, "{value}");
            }
        }
        assert_eq!(
            [half_to_f32(0x3c00), half_to_f32(0x0001), half_to_f32(0xfbff)],
            [1.0, 2_f32.powi(-24), -65504.0]
        );
    }

    #[test]
    fn half_floats_round_to_nearest_even() {
        let step = 2_f32.powi(-10);
        assert_eq!(f32_to_half(1.0 + step / 2.0), 0x3c00);
        assert_eq!(f32_to_half(1.0 + step * 1.5), 0x3c02);
        assert_eq!(f32_to_half(1.0 + step * 0.51), 0x3c01);
        assert_eq!(f32_to_half(65519.0), 0x7bff);
        assert_eq!([f32_to_half(65520.0), f32_to_half(-1e30)], [0x7c00, 0xfc00]);
        assert_eq!([f32_to_half(2_f32.powi(-25)), f32_to_half(2_f32.powi(-25) * 1.1)], [0, 1]);
    }

    #[test]
    fn rows_have_whole_blocks_only() {
        assert_eq!(Quantization::Q4_1.row_bytes(64), Some(40));
        assert_eq!(Quantization::F32.row_bytes(5), Some(20));
        for columns in [0, 31, 33, usize::MAX & !31] {
            assert_eq!(Quantization::Q8_0.row_bytes(columns), None, "{columns}");
        }
    }

    #[test]
    fn a_tile_keeps_numbers_within_half_a_step() {
        let numbers: [f32; BLOCK] = std::array::from_fn(|i| (i as f32 * 0.7).sin() * 3.0);
        let mut tile = Tile::<2>::ZERO;
        tile.set(1, &numbers);
        for (value, number) in tile.values[1].iter().zip(numbers) {
            assert!((f32::from(*value) * tile.scales[1] - number).abs() <= tile.scales[1] * 0.501);
        }
        let sum: i32 = tile.values[1].iter().map(|value| i32::from(*value)).sum();
        assert_eq!(tile.sums[1], tile.scales[1] * sum as f32);
        assert_eq!((tile.values[0], tile.scales[0]), ([0; BLOCK], 0.0));
    }

    #[test]
    fn what_is_no_number_spoils_its_tile() {
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY] {
            let mut numbers = [1.0; BLOCK];
            numbers[17] = bad;
            let mut tile = Tile::<1>::ZERO;
            tile.set(0, &numbers);
            assert!(!tile.scales[0].is_finite());
        }
    }
}
