//! Tokens through the layers: embeddings in, one score for each token out.

use super::blocks::Matrix;
use super::crew::Crew;
use super::gguf::{Invalid, invalid};
use super::kernels::Kernels;
use super::math;
use super::model::{Layer, Model};
use super::work::{CHUNK, Job, Scratch, Work};

/// The most memory that keys and values may take, in bytes: enough for the
/// largest model that one would run here, and an end to what a file can ask for.
const CACHE_LIMIT: usize = 2 << 30;

/// How an engine runs. The answer's bytes depend on `kernels` only.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The inner loops.
    pub(super) kernels: Kernels,
    /// Threads, the caller's included.
    pub(super) threads: usize,
    /// Jobs with fewer multiplications are done by one thread.
    pub(super) worth_sharing: usize,
}

/// Waking a thread takes as long as this many multiplications. So threads share
/// prompts and the last product of each token, and nothing in between.
const WORTH_SHARING: usize = 8_000_000;

impl Settings {
    /// The fastest kernels, and at most four threads: prompts gain from them, and
    /// machines are shared.
    pub(super) fn detect() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { kernels: Kernels::detect(), threads: threads.min(4), worth_sharing: WORTH_SHARING }
    }
}

/// The work of a model, with room for `positions` tokens.
///
/// # Errors
/// Where keys and values would take more than [`CACHE_LIMIT`].
pub(super) fn work(model: &Model<'_>, settings: Settings, positions: usize) -> Result<Work, Invalid> {
    let shape = model.shape;
    let bytes = [2 * size_of::<u16>(), shape.kv_width(), model.layers.len()]
        .into_iter()
        .try_fold(positions.next_multiple_of(16), usize::checked_mul);
    if bytes.is_none_or(|bytes| bytes > CACHE_LIMIT) {
        return Err(invalid!("its keys and values for {positions} tokens take more than 2 GiB"));
    }
    let widest = (shape.width + 2 * shape.kv_width()).max(2 * shape.hidden);
    let outputs = model.output[0].rows.max(widest * CHUNK);
    Ok(Work::new(settings.kernels, shape, model.layers.len(), positions, outputs))
}

/// A model with a conversation in its cache.
pub(super) struct Engine<'c, 'a> {
    model: &'a Model<'a>,
    crew: &'c Crew<'a>,
    kernels: Kernels,
    /// What each pair of a head's numbers turns by from one position to the next.
    frequencies: Vec<f64>,
    /// Sine and cosine of every pair's turn, token by token of the chunk.
    turns: Vec<(f32, f32)>,
    /// Tokens in the cache.
    position: usize,
    scratch: Scratch,
    /// The vectors of a chunk's tokens, which the layers add to.
    stream: Vec<f32>,
    /// Results of the last job.
    results: Vec<f32>,
}

impl<'c, 'a> Engine<'c, 'a> {
    /// An engine with nothing in its cache.
    pub(super) fn new(model: &'a Model<'a>, crew: &'c Crew<'a>, kernels: Kernels) -> Self {
        let pairs = model.shape.head_size / 2;
        let frequency = |pair: usize| model.shape.rotary_base.powf(-(pair as f64) / pairs as f64);
        Self {
            model,
            crew,
            kernels,
            frequencies: (0..pairs).map(frequency).collect(),
            turns: Vec::new(),
            position: 0,
            scratch: Scratch::default(),
            stream: Vec::new(),
            results: Vec::new(),
        }
    }

    /// Takes at most [`CHUNK`] tokens, for which the cache must have room.
    pub(super) fn feed(&mut self, tokens: &[u32]) {
        let width = self.model.shape.width;
        self.stream.resize(tokens.len() * width, 0.0);
        for (token, vector) in tokens.iter().zip(self.stream.chunks_exact_mut(width)) {
            self.model.embedding.unpack(*token as usize, vector);
        }
        self.turns.clear();
        for position in self.position..self.position + tokens.len() {
            // In double precision, so that every system's sine rounds to the same float.
            let turns = self.frequencies.iter().map(|frequency| (position as f64 * frequency).sin_cos());
            self.turns.extend(turns.map(|(sin, cos)| (sin as f32, cos as f32)));
        }
        {
            let mut work = self.crew.work();
            (work.tokens, work.position) = (tokens.len(), self.position);
        }
        for (index, layer) in self.model.layers.iter().enumerate() {
            self.attention(index, layer);
            self.hidden(layer);
        }
        self.position += tokens.len();
    }

    /// The score of every token to come after the last one that was fed.
    pub(super) fn scores(&mut self) -> &[f32] {
        let width = self.model.shape.width;
        self.crew.work().tokens = 1;
        let last = self.stream.len().saturating_sub(width);
        self.stream.drain(..last);
        self.normed(&self.model.output_norm);
        self.products(&self.model.output);
        &self.results
    }

    /// Puts the normed stream into the inputs.
    fn normed(&self, weights: &[f32]) {
        let width = self.model.shape.width;
        let mut work = self.crew.work();
        work.inputs.resize(self.stream.len(), 0.0);
        for (input, vector) in work.inputs.chunks_exact_mut(width).zip(self.stream.chunks_exact(width)) {
            math::norm(vector, weights, self.model.shape.epsilon, input);
        }
    }

    /// Multiplies the inputs with matrices of the same width and reads the results.
    fn products(&mut self, matrices: &'a [Matrix<'a>]) {
        let tokens = {
            let mut work = self.crew.work();
            work.round_inputs(matrices[0].columns);
            work.tokens
        };
        self.crew.run(Job::Products(matrices), &mut self.scratch);
        let length = matrices.iter().map(|matrix| matrix.rows).sum::<usize>() * tokens;
        self.collect(length);
    }

    fn collect(&mut self, length: usize) {
        self.results.resize(length, 0.0);
        self.crew.work().read(0..length, &mut self.results);
    }

    /// Adds the last results to the stream.
    fn add(&mut self) {
        for (number, result) in self.stream.iter_mut().zip(&self.results) {
            *number += result;
        }
    }

    fn attention(&mut self, index: usize, layer: &'a Layer<'a>) {
        self.normed(&layer.attention_norm);
        self.products(&layer.query_key_value);
        self.rotate_and_remember(index);
        self.crew.run(Job::Attention(index), &mut self.scratch);
        self.collect(self.stream.len());
        {
            let mut work = self.crew.work();
            work.inputs.clear();
            work.inputs.extend_from_slice(&self.results);
        }
        self.products(&layer.attention_output);
        self.add();
    }

    /// Turns queries and keys by their position, and keeps keys and values.
    fn rotate_and_remember(&mut self, index: usize) {
        let shape = self.model.shape;
        let mut work = self.crew.work();
        let tokens = work.tokens;
        let (queries, rest) = self.results.split_at_mut(tokens * shape.width);
        let (keys, values) = rest.split_at_mut(tokens * shape.kv_width());
        let scale = 1.0 / (shape.head_size as f32).sqrt();
        let rows = queries.chunks_exact_mut(shape.width).zip(keys.chunks_exact_mut(shape.kv_width()));
        let turns = self.turns.chunks_exact(self.frequencies.len());
        for (token, ((query, key), turns)) in rows.zip(turns).enumerate() {
            turn(query, turns, scale);
            turn(key, turns, 1.0);
            let value = &values[token * shape.kv_width()..(token + 1) * shape.kv_width()];
            work.remember(index, self.position + token, key, value);
        }
        work.queries.clear();
        work.queries.extend_from_slice(queries);
    }

    fn hidden(&mut self, layer: &'a Layer<'a>) {
        self.normed(&layer.hidden_norm);
        self.products(&layer.gate_up);
        let half = self.results.len() / 2;
        let (gate, up) = self.results.split_at_mut(half);
        self.kernels.swiglu(gate, up);
        {
            let mut work = self.crew.work();
            work.inputs.clear();
            work.inputs.extend_from_slice(gate);
        }
        self.products(&layer.down);
        self.add();
    }
}

/// Turns every pair of numbers of every head, then scales it.
fn turn(heads: &mut [f32], turns: &[(f32, f32)], scale: f32) {
    for head in heads.chunks_exact_mut(2 * turns.len()) {
        for ([a, b], (sin, cos)) in head.as_chunks_mut().0.iter_mut().zip(turns) {
            (*a, *b) = ((*a * cos - *b * sin) * scale, (*a * sin + *b * cos) * scale);
        }
    }
}
