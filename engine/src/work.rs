//! What threads share while a chunk of tokens goes through a layer: inputs,
//! the attention's cache and outputs, and the two jobs that are cut into units.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::blocks::{BLOCK, Matrix, Quantization, Tile, f32_to_half};
use super::kernels::{Halves, Kernels};
use super::math;
use super::model::Shape;

/// Tokens of a prompt that go through the layers together.
pub(super) const CHUNK: usize = 64;

/// Tokens that share one unpacking of a weight.
const WIDE: usize = 4;

/// Bytes of weights in a unit of a product: with a tile row they stay in the
/// nearest cache while all tokens pass.
const UNIT_BYTES: usize = 20 * 1024;

/// The most rows in a unit of a product.
const UNIT_ROWS: usize = 64;

/// Positions, or numbers of a head, that one row of the cache holds side by side.
const SIDE: usize = 16;

/// The most heads that pass over the shared keys together.
const HEADS_AT_ONCE: usize = 4;

/// Something to be done in units that don't touch each other's results.
#[derive(Clone, Copy)]
pub(super) enum Job<'a> {
    /// All inputs times each matrix; outputs lie matrix by matrix, token by token.
    Products(&'a [Matrix<'a>]),
    /// Each token's queries against the cache of a layer.
    Attention(usize),
}

/// Keys and values of one layer, as half floats.
struct LayerCache {
    /// By head, then 16 positions at once, then number: a row has one number of 16 positions.
    keys: Vec<Halves>,
    /// By head, then 16 numbers at once, then position: a row has 16 numbers of one position.
    values: Vec<Halves>,
}

/// What threads share. Written between jobs by one thread; while a job runs,
/// only the outputs change.
pub(super) struct Work {
    kernels: Kernels,
    shape: Shape,
    /// Positions that the cache has room for, a multiple of 16.
    room: usize,
    cache: Vec<LayerCache>,
    /// Tokens in the chunk.
    pub(super) tokens: usize,
    /// Position of the chunk's first token.
    pub(super) position: usize,
    /// Inputs of the next products, token by token.
    pub(super) inputs: Vec<f32>,
    /// The inputs rounded: of one token, or of several in groups.
    narrow: Vec<Tile<1>>,
    wide: Vec<Tile<WIDE>>,
    /// Queries, rotated and scaled, token by token.
    pub(super) queries: Vec<f32>,
    /// Results, as the bits of floats, so that threads may write side by side.
    outputs: Vec<AtomicU32>,
}

/// Memory that a thread keeps from unit to unit.
#[derive(Default)]
pub(super) struct Scratch {
    scores: Vec<f32>,
}

impl Work {
    /// Room for `positions` tokens; `outputs` is the longest result of any job.
    pub(super) fn new(
        kernels: Kernels,
        shape: Shape,
        layers: usize,
        positions: usize,
        outputs: usize,
    ) -> Self {
        let room = positions.next_multiple_of(SIDE);
        // Zeroed memory is not touched until it is used, so a short answer stays small.
        let rows = shape.kv_width() * (room / SIDE);
        let layer = || LayerCache { keys: vec![[0; SIDE]; rows], values: vec![[0; SIDE]; rows] };
        Self {
            kernels,
            shape,
            room,
            cache: (0..layers).map(|_| layer()).collect(),
            tokens: 0,
            position: 0,
            inputs: Vec::new(),
            narrow: Vec::new(),
            wide: Vec::new(),
            queries: Vec::new(),
            outputs: std::iter::repeat_with(AtomicU32::default).take(outputs).collect(),
        }
    }

    /// Rounds the inputs, `columns` numbers a token, for the next products.
    pub(super) fn round_inputs(&mut self, columns: usize) {
        let blocks = columns / BLOCK;
        if self.tokens == 1 {
            self.narrow.resize(blocks, Tile::ZERO);
            self.kernels.round(&self.inputs[..columns], 0, &mut self.narrow);
            return;
        }
        let groups = self.tokens.div_ceil(WIDE);
        self.wide.clear();
        self.wide.resize(groups * blocks, Tile::ZERO);
        for (token, row) in self.inputs[..self.tokens * columns].chunks_exact(columns).enumerate() {
            let group = token / WIDE * blocks;
            self.kernels.round(row, token % WIDE, &mut self.wide[group..group + blocks]);
        }
    }

    /// Keeps the keys and values of one position of a layer.
    pub(super) fn remember(&mut self, layer: usize, position: usize, keys: &[f32], values: &[f32]) {
        let cache = &mut self.cache[layer];
        let rows = self.room / SIDE * self.shape.head_size;
        for (head, keys) in keys.chunks_exact(self.shape.head_size).enumerate() {
            let start = head * rows + position / SIDE * self.shape.head_size;
            for (row, key) in cache.keys[start..].iter_mut().zip(keys) {
                row[position % SIDE] = f32_to_half(*key);
            }
        }
        for (block, values) in values.as_chunks::<SIDE>().0.iter().enumerate() {
            cache.values[block * self.room + position] = values.map(f32_to_half);
        }
    }

    /// Copies results out.
    pub(super) fn read(&self, range: Range<usize>, out: &mut [f32]) {
        for (number, bits) in out.iter_mut().zip(&self.outputs[range]) {
            *number = f32::from_bits(bits.load(Ordering::Relaxed));
        }
    }

    fn write(&self, start: usize, numbers: impl Iterator<Item = f32>) {
        for (bits, number) in self.outputs[start..].iter().zip(numbers) {
            bits.store(number.to_bits(), Ordering::Relaxed);
        }
    }

    /// How many units a job has.
    pub(super) fn units(&self, job: Job<'_>) -> usize {
        match job {
            Job::Products(matrices) => matrices.iter().map(|m| m.rows.div_ceil(unit_rows(m))).sum(),
            Job::Attention(_) => self.tokens,
        }
    }

    /// About how many multiplications a job has.
    pub(super) fn effort(&self, job: Job<'_>) -> usize {
        match job {
            Job::Products(matrices) => {
                matrices.iter().map(|m| m.rows * m.columns).sum::<usize>() * self.tokens
            }
            Job::Attention(_) => 2 * self.shape.width * (self.position + self.tokens) * self.tokens,
        }
    }

    /// Does one unit of a job.
    pub(super) fn run(&self, job: Job<'_>, unit: usize, scratch: &mut Scratch) {
        match job {
            Job::Products(matrices) => self.products(matrices, unit),
            Job::Attention(layer) => self.attention(layer, unit, scratch),
        }
    }

    fn products(&self, matrices: &[Matrix<'_>], mut unit: usize) {
        let mut start = 0;
        for matrix in matrices {
            let step = unit_rows(matrix);
            let units = matrix.rows.div_ceil(step);
            if unit < units {
                let rows = unit * step..matrix.rows.min((unit + 1) * step);
                return self.product(matrix, rows, start);
            }
            unit -= units;
            start += matrix.rows * self.tokens;
        }
    }

    /// Some rows of one matrix, whose results begin at `start`.
    fn product(&self, matrix: &Matrix<'_>, rows: Range<usize>, start: usize) {
        let data = matrix.rows(rows.clone());
        let blocks = matrix.columns / BLOCK;
        let place = |token: usize| start + token * matrix.rows + rows.start;
        if matrix.quantization == Quantization::F32 {
            let mut weights = vec![0.0; matrix.columns];
            for row in rows.clone() {
                matrix.unpack(row, &mut weights);
                for token in 0..self.tokens {
                    let input = &self.inputs[token * matrix.columns..(token + 1) * matrix.columns];
                    let number = math::dot(&weights, input);
                    self.write(place(token) + row - rows.start, std::iter::once(number));
                }
            }
        } else if self.tokens == 1 {
            let mut out = [[0.0; 1]; UNIT_ROWS];
            let out = &mut out[..rows.len()];
            self.kernels.products(matrix.quantization, data, &self.narrow[..blocks], out);
            self.write(place(0), out.iter().map(|[number]| *number));
        } else {
            for (group, tiles) in self.wide.chunks_exact(blocks).enumerate() {
                let mut out = [[0.0; WIDE]; UNIT_ROWS];
                let out = &mut out[..rows.len()];
                self.kernels.products(matrix.quantization, data, tiles, out);
                for n in 0..WIDE.min(self.tokens - group * WIDE) {
                    self.write(place(group * WIDE + n), out.iter().map(|numbers| numbers[n]));
                }
            }
        }
    }

    /// All heads of one token.
    fn attention(&self, layer: usize, token: usize, scratch: &mut Scratch) {
        let shared = self.shape.heads / self.shape.kv_heads;
        for kv_head in 0..self.shape.kv_heads {
            let heads = kv_head * shared..(kv_head + 1) * shared;
            for first in heads.clone().step_by(HEADS_AT_ONCE) {
                match heads.end - first {
                    1 => self.attend::<1>(layer, token, kv_head, first, scratch),
                    2 => self.attend::<2>(layer, token, kv_head, first, scratch),
                    3 => self.attend::<3>(layer, token, kv_head, first, scratch),
                    _ => self.attend::<HEADS_AT_ONCE>(layer, token, kv_head, first, scratch),
                }
            }
        }
    }

    /// `N` heads of one token, from head `first`, over the keys that they share.
    fn attend<const N: usize>(
        &self,
        layer: usize,
        token: usize,
        kv_head: usize,
        first: usize,
        scratch: &mut Scratch,
    ) {
        let size = self.shape.head_size;
        let seen = self.position + token + 1;
        let padded = seen.next_multiple_of(SIDE);
        let cache = &self.cache[layer];
        scratch.scores.resize(N * padded, 0.0);
        let queries = &self.queries[token * self.shape.width + first * size..];
        let queries: [&[f32]; N] = std::array::from_fn(|n| &queries[n * size..(n + 1) * size]);
        let keys = &cache.keys[kv_head * size * (self.room / SIDE)..][..padded / SIDE * size];
        for (place, keys) in keys.chunks_exact(size).enumerate() {
            for (n, scores) in self.kernels.combine(queries, keys).iter().enumerate() {
                scratch.scores[n * padded + place * SIDE..][..SIDE].copy_from_slice(scores);
            }
        }
        // The last keys of the row of 16 may be of later tokens: they are left out here.
        for scores in scratch.scores.chunks_exact_mut(padded) {
            self.kernels.softmax(&mut scores[..seen]);
        }
        let shares: [&[f32]; N] = std::array::from_fn(|n| &scratch.scores[n * padded..][..seen]);
        let blocks = size / SIDE;
        for block in 0..blocks {
            let values = &cache.values[(kv_head * blocks + block) * self.room..][..seen];
            for (n, mix) in self.kernels.combine(shares, values).into_iter().enumerate() {
                let start = token * self.shape.width + (first + n) * size + block * SIDE;
                self.write(start, mix.into_iter());
            }
        }
    }
}

/// Rows in a unit of a product.
fn unit_rows(matrix: &Matrix<'_>) -> usize {
    (UNIT_BYTES / matrix.row_bytes()).clamp(1, UNIT_ROWS)
}
